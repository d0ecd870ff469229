//! Conformance suites: one per trait, run on every backend; and what else tests share: a wire that can be cut, the
//! private servers.

#![expect(
    clippy::unwrap_used,
    reason = "a suite that cannot go on has found something"
)]

pub mod broker;
pub mod cache;
pub mod play;
pub mod proxy;
pub mod servers;
pub mod store;
