//! UserSig (TLSSigAPIv2): the signed ticket that every REST call and every client login shows.
//!
//! Decides how one is issued, and what can be read back out of one. Tencent's own libraries differ
//! in JSON spacing, key order and compression level, and the service takes them all, so two
//! tickets are compared by what they decode to, never as strings. (Tencent IM, 2.)

use std::io::{Read, Write};

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The longest ticket that is looked at, and the most that one may inflate to, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// What a UserSig says: whom it admits to which application, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Always `2.0`.
    #[serde(rename = "TLS.ver")]
    pub version: String,
    /// The UserID it was issued for.
    #[serde(rename = "TLS.identifier")]
    pub identifier: String,
    /// The application.
    #[serde(rename = "TLS.sdkappid")]
    pub sdk_app_id: u64,
    /// Life in seconds, counted from `time`.
    #[serde(rename = "TLS.expire")]
    pub expire: u64,
    /// When it was issued, in Unix seconds.
    #[serde(rename = "TLS.time")]
    pub time: u64,
    /// The private-map buffer in Base64, where one was bound.
    #[serde(
        rename = "TLS.userbuf",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub userbuf: Option<String>,
    /// The signature: standard Base64 of HMAC-SHA256 over the fields above.
    #[serde(rename = "TLS.sig")]
    pub sig: String,
}

/// Why a string is not a UserSig, or not one to be honoured. The codes are the service's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserSigError {
    /// Not the alphabet, not zlib, not JSON, or beyond the bounds: 70003.
    #[error("not a UserSig")]
    Malformed,
    /// Signed with another key: 70009.
    #[error("the UserSig's signature does not match the key")]
    WrongKey,
    /// `time + expire` lies in the past: 70001.
    #[error("the UserSig has expired")]
    Expired,
}

/// Issues the ticket for `identifier`: signed now (`time`, Unix seconds), good for `expire` seconds.
///
/// `secret` is the console's key as the hexadecimal text it is shown as; it is not decoded.
pub fn issue(secret: &str, sdk_app_id: u64, identifier: &str, time: u64, expire: u64) -> String {
    let ticket = Ticket::signed(secret, sdk_app_id, identifier, time, expire, None);
    encode(&ticket)
}

/// Packs a ticket the way the service reads it: JSON, zlib, Base64 in the service's alphabet.
pub fn encode(ticket: &Ticket) -> String {
    // Writing to a Vec cannot fail, nor can a struct of strings and numbers fail to become JSON;
    // should either ever do so, the service refuses the empty ticket by name (70002).
    let json = serde_json::to_vec(ticket).unwrap_or_default();
    let mut zlib = ZlibEncoder::new(Vec::with_capacity(256), Compression::default());
    let packed = zlib.write_all(&json).and_then(|()| zlib.finish());
    engine().encode(packed.unwrap_or_default())
}

/// Reads a ticket back without judging it; see [`Ticket::verify`].
pub fn decode(usersig: &str) -> Result<Ticket, UserSigError> {
    if usersig.len() > MAX_BYTES {
        return Err(UserSigError::Malformed);
    }
    let packed = engine()
        .decode(usersig)
        .map_err(|_| UserSigError::Malformed)?;
    let mut json = Vec::new();
    ZlibDecoder::new(packed.as_slice())
        .take(MAX_BYTES as u64)
        .read_to_end(&mut json)
        .map_err(|_| UserSigError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| UserSigError::Malformed)
}

impl Ticket {
    /// A ticket with its signature; `userbuf` is the private-map buffer in Base64.
    pub fn signed(
        secret: &str,
        sdk_app_id: u64,
        identifier: &str,
        time: u64,
        expire: u64,
        userbuf: Option<String>,
    ) -> Self {
        let mut ticket = Self {
            version: "2.0".into(),
            identifier: identifier.into(),
            sdk_app_id,
            expire,
            time,
            userbuf,
            sig: String::new(),
        };
        ticket.sig = STANDARD.encode(ticket.mac(secret).finalize().into_bytes());
        ticket
    }

    /// Whether this ticket was signed with `secret` and still holds at `now` (Unix seconds).
    pub fn verify(&self, secret: &str, now: u64) -> Result<(), UserSigError> {
        let given = STANDARD
            .decode(&self.sig)
            .map_err(|_| UserSigError::Malformed)?;
        let wanted = self.mac(secret).finalize().into_bytes();
        if !bool::from(wanted.as_slice().ct_eq(&given)) {
            return Err(UserSigError::WrongKey);
        }
        if now > self.time.saturating_add(self.expire) {
            return Err(UserSigError::Expired);
        }
        Ok(())
    }

    /// The text that is signed: one `name:value` a line, the last line ended too. (2.1, step 1.)
    fn text(&self) -> String {
        let Self {
            identifier,
            sdk_app_id,
            time,
            expire,
            ..
        } = self;
        let mut text = format!(
            "TLS.identifier:{identifier}\nTLS.sdkappid:{sdk_app_id}\nTLS.time:{time}\nTLS.expire:{expire}\n"
        );
        if let Some(buffer) = &self.userbuf {
            text.push_str("TLS.userbuf:");
            text.push_str(buffer);
            text.push('\n');
        }
        text
    }

    fn mac(&self, secret: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes any key");
        mac.update(self.text().as_bytes());
        mac
    }
}

/// `+` `/` `=` become `*` `-` `_`; this is not RFC 4648's URL-safe alphabet. (2.1, step 5.)
///
/// The engine of the `base64` crate fixes `=` as its padding, hence the exchange of that one sign.
struct TencentBase64(GeneralPurpose);

fn engine() -> TencentBase64 {
    const ALPHABET: Alphabet =
        match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-") {
            Ok(alphabet) => alphabet,
            Err(_) => panic!("64 different signs"), // evaluated while compiling
        };
    TencentBase64(const { GeneralPurpose::new(&ALPHABET, PAD) })
}

impl TencentBase64 {
    fn encode(&self, bytes: Vec<u8>) -> String {
        self.0.encode(bytes).replace('=', "_")
    }

    fn decode(&self, text: &str) -> Result<Vec<u8>, base64::DecodeError> {
        self.0.decode(text.replace('_', "="))
    }
}
