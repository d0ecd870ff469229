//! Conformance suites: one per trait, run on every backend.

pub mod store;
