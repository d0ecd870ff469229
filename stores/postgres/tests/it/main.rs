//! PostgreSQL keeps the store's contract, alone and among others, and while it is away.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has found something"
)]

mod away;
mod conformance;
mod fresh;
mod horizon;
mod nodes;
mod older;
mod plans;
mod tls;
