//! Who a visitor is: a random number that their browser keeps in a token of ours. The token is the HMAC, the day it
//! expires and the number; nothing is stored for it, so every node knows it, and closing one browser loses one visitor.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bridge_core::{
    channel::{ChannelError, Visit},
    clock::Timestamp,
    message::{EntryId, PeerId},
};

use super::seal::Seal;

/// Expiry (seconds, 8 bytes) and number (16 bytes).
const INSIDE: usize = 24;
/// The longest text worth decoding.
const LONGEST: usize = 128;

/// Makes tokens and reads them.
pub(super) struct Tokens {
    seal: Seal,
    lifetime: Duration,
}

impl Tokens {
    pub(super) fn new(seal: Seal, lifetime: Duration) -> Self {
        Self { seal, lifetime }
    }

    /// The visit of whoever brings this token, with a fresh one; without any it is somebody new.
    pub(super) fn visit(
        &self,
        token: Option<&str>,
        seen: Option<EntryId>,
        now: Timestamp,
    ) -> Result<Visit, ChannelError> {
        let number = match token {
            Some(token) => self.open(token, now)?.0,
            None => rand::random(),
        };
        let until = now + self.lifetime;
        Ok(Visit {
            peer: peer(number),
            is_new: token.is_none(),
            token: self.make(number, until),
            until,
            seen: seen.filter(|_| token.is_some()),
        })
    }

    /// Whose token it is, and until when.
    pub(super) fn read(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(PeerId, Timestamp), ChannelError> {
        let (number, until) = self.open(token, now)?;
        Ok((peer(number), until))
    }

    fn make(&self, number: u128, until: Timestamp) -> String {
        let mut inside = [0; INSIDE];
        inside[..8].copy_from_slice(&until.as_secs().to_be_bytes());
        inside[8..].copy_from_slice(&number.to_be_bytes());
        BASE64.encode(self.seal.close(&inside))
    }

    fn open(&self, token: &str, now: Timestamp) -> Result<(u128, Timestamp), ChannelError> {
        let forged = || ChannelError::forged("not a token of ours");
        if token.len() > LONGEST {
            return Err(forged());
        }
        let sealed = BASE64.decode(token).map_err(|_| forged())?;
        let inside: &[u8; INSIDE] = self
            .seal
            .open(&sealed)
            .and_then(|inside| inside.try_into().ok())
            .ok_or_else(forged)?;
        let (mut until, mut number) = ([0; 8], [0; 16]);
        until.copy_from_slice(&inside[..8]);
        number.copy_from_slice(&inside[8..]);
        let until = Timestamp::from_secs(i64::from_be_bytes(until));
        match until > now {
            true => Ok((u128::from_be_bytes(number), until)),
            false => Err(ChannelError::forged("the token has expired")),
        }
    }
}

fn peer(number: u128) -> PeerId {
    PeerId::from(format!("{number:032x}"))
}
