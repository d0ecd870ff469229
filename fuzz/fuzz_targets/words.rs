//! Words as customers, agents and language models write them: cut to fit, made plain, read as a handle, as an agent's answer in
//! a chat with several contacts. The property-test twin is in `bridge-core/src/testkit/strangers.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|words: &str| bridge_core::testkit::exercise(words));
