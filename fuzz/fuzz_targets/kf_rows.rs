//! Rows of `sync_msg`, which carry what anybody wrote to a KF account: read, bounded, and written again. The property-test twin
//! is in `convertors/src/wecom/hostile.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bridge_convertors::wecom::fuzz::kf_rows(data));
