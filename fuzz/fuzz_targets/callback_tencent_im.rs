//! What anybody could post to a Tencent IM inbox, and what its REST API could answer. The property-test twin is
//! `convertors/src/tencent_im/tests/hostile.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bridge_convertors::tencent_im::fuzz::read_anything(data));
