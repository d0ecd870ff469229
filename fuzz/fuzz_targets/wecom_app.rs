//! What is inside the envelope of a WeCom app: messages and events, read as contents, ids and senders. The property-test twin is
//! in `convertors/src/wecom/app/tests/reading.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bridge_convertors::wecom::app::fuzz_app(data));
