//! What anybody could post to a corp's receive URL: as a body, as a query, and, for who holds the keys, as what is inside the
//! envelope, in XML and in JSON. The property-test twin is in `convertors/src/wecom/hostile.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bridge_convertors::wecom::fuzz::envelope(data));
