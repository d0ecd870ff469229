//! Links to media: nobody can guess or change one, and each stops working some day.
//!
//! `…/media/TOKEN/NAME`, where TOKEN is the hash, the expiry and an HMAC-SHA256 over both and the name. Nothing is stored
//! for a link. The expiry is rounded, so that the same medium has the same link for a while: a dispatch that is sent
//! again must be the same bytes, or the platform's own dedupe does not recognise it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bridge_core::clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::hash::Hash;

/// Half of the HMAC: 128 bits are beyond guessing, and links are shorter (RFC 2104, section 5).
const MAC_BYTES: usize = 16;
/// Hash, expiry, HMAC.
const TOKEN_BYTES: usize = 32 + 8 + MAC_BYTES;

/// Makes links and checks them.
pub struct Links {
    base: Url,
    key: [u8; 32],
    lifetime: Duration,
}

/// Why a link does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not one that we made.
    #[error("not a link of ours")]
    Forged,
    /// Its time is over.
    #[error("the link has expired")]
    Expired,
}

impl Links {
    /// Links below `base`, the public URL of the bridge.
    pub fn new(base: Url, key: [u8; 32], lifetime: Duration) -> Self {
        Self {
            base,
            key,
            lifetime,
        }
    }

    /// A link that works for the lifetime at least.
    pub fn make(&self, hash: Hash, name: &str, now: Timestamp) -> String {
        let expiry = self.expiry(now);
        let mut token = Vec::with_capacity(TOKEN_BYTES);
        token.extend_from_slice(&hash.0);
        token.extend_from_slice(&expiry.to_be_bytes());
        token.extend_from_slice(&self.mac(&token, name));
        let mut url = self.base.clone();
        // Only `data:` and the like have no path segments, and the base is checked to be http.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .push("media")
                .push(&BASE64.encode(token))
                .push(name);
        }
        url.into()
    }

    /// What a link leads to, and how many seconds it still works. `name` is as it was before percent-encoding.
    pub fn check(&self, token: &str, name: &str, now: Timestamp) -> Result<(Hash, u64), LinkError> {
        let token = BASE64.decode(token).map_err(|_| LinkError::Forged)?;
        let token: &[u8; TOKEN_BYTES] =
            token.as_slice().try_into().map_err(|_| LinkError::Forged)?;
        let (signed, mac) = token.split_at(TOKEN_BYTES - MAC_BYTES);
        if !bool::from(self.mac(signed, name).ct_eq(mac)) {
            return Err(LinkError::Forged);
        }
        let (mut hash, mut expiry) = ([0; 32], [0; 8]);
        hash.copy_from_slice(&signed[..32]);
        expiry.copy_from_slice(&signed[32..]);
        match u64::from_be_bytes(expiry).checked_sub(seconds(now)) {
            None | Some(0) => Err(LinkError::Expired),
            Some(left) => Ok((Hash(hash), left)),
        }
    }

    fn expiry(&self, now: Timestamp) -> u64 {
        let lifetime = self.lifetime.as_secs().max(1);
        let step = (lifetime / 8).max(1);
        (seconds(now) + lifetime).next_multiple_of(step)
    }

    fn mac(&self, signed: &[u8], name: &str) -> [u8; MAC_BYTES] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(signed);
        mac.update(name.as_bytes());
        let mut half = [0; MAC_BYTES];
        half.copy_from_slice(&mac.finalize().into_bytes()[..MAC_BYTES]);
        half
    }
}

fn seconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_767_232_800);
    const DAY: Duration = Duration::from_secs(86_400);

    fn links() -> Links {
        Links::new(
            Url::parse("https://kefu.example.com/bridge/").unwrap(),
            [7; 32],
            DAY,
        )
    }

    /// Token and decoded name, as a web server would see them.
    fn parts(link: &str) -> (String, String) {
        let url = Url::parse(link).unwrap();
        let mut path = url.path_segments().unwrap().skip(2);
        let token = path.next().unwrap().to_owned();
        let coded = path.next().unwrap().replace('+', "%2B");
        let (name, _) = url::form_urlencoded::parse(format!("n={coded}").as_bytes())
            .next()
            .map(|(_, v)| (v.into_owned(), ()))
            .unwrap();
        (token, name)
    }

    #[test]
    fn a_link_leads_to_its_medium_until_it_expires() {
        let (links, hash) = (links(), Hash::of(b"x"));
        let link = links.make(hash, "发票 1/2 100%.pdf", NOW);
        assert!(
            link.starts_with("https://kefu.example.com/bridge/media/"),
            "{link}"
        );
        let (token, name) = parts(&link);
        assert_eq!(links.check(&token, &name, NOW).unwrap().0, hash);
        assert!(
            links
                .check(&token, &name, NOW + DAY - Duration::from_secs(1))
                .is_ok()
        );
        assert_eq!(
            links.check(&token, &name, NOW + DAY * 2),
            Err(LinkError::Expired)
        );
    }

    /// What is sent again shortly after must be the same.
    #[test]
    fn a_link_stays_the_same_for_a_while() {
        let (links, hash) = (links(), Hash::of(b"x"));
        let made: std::collections::BTreeSet<String> = (0..24)
            .map(|hour| links.make(hash, "a", NOW + Duration::from_secs(hour * 3600)))
            .collect();
        assert!((8..=9).contains(&made.len()), "{}", made.len());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let links = links();
        let (token, name) = parts(&links.make(Hash::of(b"x"), "a.jpg", NOW));
        let raw = BASE64.decode(&token).unwrap();
        for at in 0..raw.len() {
            let mut forged = raw.clone();
            forged[at] ^= 1;
            assert_eq!(
                links.check(&BASE64.encode(forged), &name, NOW),
                Err(LinkError::Forged),
                "byte {at}"
            );
        }
        assert_eq!(links.check(&token, "a.html", NOW), Err(LinkError::Forged));
        for token in ["", "!", "AAAA", &token[1..], &format!("{token}AAAA")] {
            assert_eq!(links.check(token, &name, NOW), Err(LinkError::Forged));
        }
        let other = Links::new(links.base.clone(), [8; 32], DAY);
        assert_eq!(other.check(&token, &name, NOW), Err(LinkError::Forged));
    }
}
