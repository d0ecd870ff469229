//! `timestamp=…&signature=…`: HMAC-SHA256 over `timestamp.body` in hex. A signature older than five minutes is none:
//! what was overheard cannot be played again later.

use std::time::Duration;

use bridge_core::{
    channel::{ChannelError, Delivery},
    clock::Timestamp,
    secret::Secret,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How far apart the two clocks may be.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Signs, and checks what the other side signed.
#[derive(Clone)]
pub(crate) struct Signer(Secret);

impl Signer {
    pub(crate) fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The query of a request with this body.
    pub(crate) fn query(&self, now: Timestamp, body: &[u8]) -> String {
        let timestamp = now.as_secs().to_string();
        let signature = self.sign(&timestamp, body);
        format!("timestamp={timestamp}&signature={signature}")
    }

    /// Refuses a request that is not the app's, or is an old one's copy.
    pub(crate) fn check(&self, delivery: &Delivery) -> Result<(), ChannelError> {
        let value = |name| delivery.query_value(name).unwrap_or_default();
        let (timestamp, signature) = (value("timestamp"), value("signature"));
        let signed = self.sign(&timestamp, &delivery.body);
        if !bool::from(signed.as_bytes().ct_eq(signature.as_bytes())) {
            return Err(ChannelError::forged("the signature does not fit"));
        }
        let at = timestamp.parse().map(Timestamp::from_secs);
        let at = at.map_err(|_| ChannelError::malformed("timestamp is no number"))?;
        let apart = delivery
            .received_at
            .since(at)
            .max(at.since(delivery.received_at));
        if apart > TOLERANCE {
            return Err(ChannelError::forged(format!(
                "signed {apart:?} away from now"
            )));
        }
        Ok(())
    }

    fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose().as_bytes()) else {
            return String::new();
        };
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
