//! The signatures of the message push: SHA-1 over the sorted parts (WeChat: 1.2, 1.3). They prove the origin; only the
//! one with `Encrypt` in it covers the body.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

/// The signature over these parts: 40 lower-case hex digits.
pub fn sign(parts: &mut [&str]) -> [u8; 40] {
    parts.sort_unstable();
    let mut hash = Sha1::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Whether a signature fits, compared in constant time.
pub fn fits(signature: &str, parts: &mut [&str]) -> bool {
    sign(parts).ct_eq(signature.as_bytes()).into()
}

fn hex(digest: &[u8]) -> [u8; 40] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 40];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}
