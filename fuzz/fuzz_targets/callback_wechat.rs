//! What anybody could post to a WeChat inbox: as a body, as something encrypted, and, for who holds the key, as what
//! is inside the encryption (padding, length, app id). The property-test twin is in `convertors/src/wechat/tests/sealing.rs`.
#![no_main]

use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge_convertors::wechat::{crypto::AesKey, fuzz_callback};
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::NoPadding};

const APP_ID: &str = "wx0123456789abcdef";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz_callback(data);
    // 43 times "A" is the key of 32 zeros.
    let Ok(key) = AesKey::parse(&"A".repeat(43)) else {
        unreachable!("it is a well-formed key")
    };
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = key.open(text, APP_ID);
        let _ = AesKey::parse(text);
    }
    if let Ok(message) = key.open(&encrypted(data), APP_ID) {
        fuzz_callback(message.as_bytes());
    }
});

/// `plain`, up to its last whole block, encrypted as it is: padding and all.
fn encrypted(plain: &[u8]) -> String {
    let mut blocks = plain[..plain.len() / 16 * 16].to_vec();
    let length = blocks.len();
    let sealer = cbc::Encryptor::<Aes256>::new(&[0; 32].into(), &[0; 16].into());
    let sealed = sealer.encrypt_padded::<NoPadding>(&mut blocks, length);
    STANDARD.encode(sealed.unwrap_or_default())
}
