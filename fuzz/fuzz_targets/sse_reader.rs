//! What a Dify server, or who plays one, could stream: whole and cut into pieces it must mean the same. The
//! property-test twin is in `convertors/src/dify/stream/tests.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bridge_convertors::dify::stream::exercise(data));
