//! Bytes that only this installation can have written: HMAC-SHA256 before what it protects (RFC 2104). A key serves one
//! purpose of one inbox.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Bytes of the HMAC.
const MAC: usize = 32;

/// Closes and opens.
pub(super) struct Seal([u8; 32]);

impl Seal {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The HMAC and the bytes.
    pub(super) fn close(&self, bytes: &[u8]) -> Bytes {
        [&self.mac(bytes)[..], bytes].concat().into()
    }

    /// The bytes, if they were closed with this key.
    pub(super) fn open<'a>(&self, sealed: &'a [u8]) -> Option<&'a [u8]> {
        let (mac, bytes) = sealed.split_at_checked(MAC)?;
        bool::from(self.mac(bytes).ct_eq(mac)).then_some(bytes)
    }

    fn mac(&self, bytes: &[u8]) -> [u8; MAC] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}
