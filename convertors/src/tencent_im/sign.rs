//! Who sent a callback: `Sign` and `RequestTime` in its URL.
//!
//! Decides whether a callback comes from somebody who knows the console's token, and recently. The
//! body is *not* covered by the signature (Tencent IM, 8.2): HTTPS and a callback path that nobody
//! can guess are still needed.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Why a callback is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The URL carries no `Sign` or no `RequestTime`: the console has no token, or a forger neither.
    #[error("the callback is not signed")]
    Missing,
    /// Made with another token, or altered.
    #[error("the callback's Sign does not match the token")]
    Wrong,
    /// Rightly signed, but too long ago or too far ahead: a replay, or a clock that is off.
    #[error("the callback's RequestTime is {off_by} s away from this machine's clock")]
    Stale {
        /// How far, in seconds.
        off_by: u64,
    },
}

/// `lowercase_hex(SHA-256(token ‖ request_time))`.
pub fn sign(token: &str, request_time: &str) -> String {
    digest(token, request_time)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether `given` is the sign of `request_time` (Unix seconds, as text) under `token`, and
/// `request_time` lies within `window` seconds of `now`, before or after.
///
/// The comparison takes the same time whatever the difference.
pub fn check(
    token: &str,
    request_time: Option<&str>,
    given: Option<&str>,
    now: u64,
    window: u64,
) -> Result<(), SignError> {
    let (Some(request_time), Some(given)) = (request_time, given) else {
        return Err(SignError::Missing);
    };
    let wanted = digest(token, request_time);
    let given = hex_digest(given).ok_or(SignError::Wrong)?;
    if !bool::from(wanted.ct_eq(&given)) {
        return Err(SignError::Wrong);
    }
    let at: u64 = request_time.parse().map_err(|_| SignError::Wrong)?;
    match now.abs_diff(at) {
        off_by if off_by > window => Err(SignError::Stale { off_by }),
        _ => Ok(()),
    }
}

fn digest(token: &str, request_time: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(token)
        .chain_update(request_time)
        .finalize()
        .into()
}

/// The 32 bytes that 64 hexadecimal signs stand for.
fn hex_digest(text: &str) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |sign: u8| char::from(sign).to_digit(16);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(bytes)
}
