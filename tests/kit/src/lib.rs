//! Conformance suites: one per trait, run on every backend.

#![expect(
    clippy::unwrap_used,
    reason = "a suite that cannot go on has found something"
)]

pub mod play;
pub mod store;
