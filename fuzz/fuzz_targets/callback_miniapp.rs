//! What anybody could post to a mini program's inbox: as any bytes, and as one push written in both formats, which must read
//! as the same thing. The property-test twin is in `convertors/src/wechat/mini/tests.rs`.
#![no_main]

use bridge_convertors::wechat::{forms_agree, fuzz_callback};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_callback(data);
    if let Err(difference) = forms_agree(data) {
        panic!("{difference}");
    }
});
