//! Files and their names as strangers upload them: sniffed, measured, made small, served. The property-test twin is
//! `media/src/fuzz.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    bridge_media::fuzz::file(data);
    bridge_media::fuzz::name(&String::from_utf8_lossy(data));
});
