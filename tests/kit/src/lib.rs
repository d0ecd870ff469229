//! Conformance suites and the scenario harness
