//! The envelope of every callback of a corp (WeCom: 1): always encrypted, always signed over four parts, in XML or in
//! JSON; and the encrypted answer. The crypto is the official account's with a receive id behind the message: the corp's
//! id, a suite's, or nothing for a smart robot.

use std::borrow::Cow;

use bridge_core::{channel::Delivery, secret::Secret};

use crate::wechat::{
    Fields, Unreadable,
    crypto::{AesKey, CryptoError},
    signature,
};

/// Why a callback is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not signed with our token.
    #[error("-40001: the message signature does not fit: is it the right token?")]
    Signature,
    /// It is not encrypted with our key, or for somebody else.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// It is neither XML nor JSON that a platform sends.
    #[error("-40002: {0}")]
    Unreadable(#[from] Unreadable),
    /// It has nothing encrypted in it.
    #[error("-40002: there is no Encrypt")]
    Clear,
}

impl EnvelopeError {
    /// Whether it is somebody else's doing (401), not merely broken (400).
    pub fn forged(&self) -> bool {
        matches!(self, Self::Signature | Self::Crypto(_))
    }
}

/// What the receive configuration of an app holds.
#[derive(Clone)]
pub struct Gate {
    /// The token.
    pub token: Secret,
    /// The present key, then those before it that are still accepted.
    pub keys: Vec<AesKey>,
    /// Whom messages are encrypted for (WeCom: 1.1).
    pub receive_id: String,
}

/// What a callback's query says of its signature.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    /// `msg_signature`: 40 hex digits.
    pub signature: Cow<'a, str>,
    /// `timestamp`.
    pub timestamp: Cow<'a, str>,
    /// `nonce`.
    pub nonce: Cow<'a, str>,
}

impl<'a> Signed<'a> {
    /// Reads a delivery's query.
    pub fn of(delivery: &'a Delivery) -> Self {
        let value = |name| delivery.query_value(name).unwrap_or_default();
        Self {
            signature: value("msg_signature"),
            timestamp: value("timestamp"),
            nonce: value("nonce"),
        }
    }
}

/// Which of the two forms an envelope has; an answer has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Elements.
    Xml,
    /// Members (WeCom: 1.5).
    Json,
}

/// What was in an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message: XML or JSON of its own.
    pub plain: String,
    /// The envelope's form.
    pub form: Form,
}

impl Gate {
    /// URL verification: what `echostr` holds is the answer, without quotes or line break (WeCom: 1.2).
    pub fn echo(&self, signed: &Signed<'_>, echostr: &str) -> Result<String, EnvelopeError> {
        self.decrypt(signed, echostr)
    }

    /// Opens a callback's body. Signature first, then the key, then for whom (WeCom: 1.1).
    pub fn open(&self, signed: &Signed<'_>, body: &[u8]) -> Result<Opened, EnvelopeError> {
        let outer = Fields::read(body)?;
        // `Encrypt` and `encrypt`: names are compared without regard to case.
        let encrypt = outer.some("Encrypt").ok_or(EnvelopeError::Clear)?;
        Ok(Opened {
            plain: self.decrypt(signed, encrypt)?,
            form: form(body),
        })
    }

    /// An answer on the same connection (WeCom: 1.3, 1.5). `random` from a generator fit for keys.
    pub fn seal(
        &self,
        form: Form,
        plain: &str,
        timestamp: i64,
        nonce: &str,
        random: [u8; 16],
    ) -> Result<String, EnvelopeError> {
        let key = self.keys.first().ok_or(CryptoError::Key)?;
        let encrypt = key.seal(plain, &self.receive_id, random);
        let time = timestamp.to_string();
        let signed = signature::sign(&mut [self.token.expose(), &time, nonce, &encrypt]);
        let signature = String::from_utf8_lossy(&signed);
        Ok(match form {
            Form::Xml => format!(
                "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
                 <TimeStamp>{time}</TimeStamp><Nonce><![CDATA[{}]]></Nonce></xml>",
                nonce.replace("]]>", "")
            ),
            Form::Json => serde_json::json!({
                "encrypt": encrypt,
                "msgsignature": signature,
                "timestamp": timestamp,
                "nonce": nonce,
            })
            .to_string(),
        })
    }

    fn decrypt(&self, signed: &Signed<'_>, encrypt: &str) -> Result<String, EnvelopeError> {
        let mut parts = [
            self.token.expose(),
            &signed.timestamp,
            &signed.nonce,
            encrypt,
        ];
        if !signature::fits(&signed.signature, &mut parts) {
            return Err(EnvelopeError::Signature);
        }
        let mut last = CryptoError::Key;
        for key in &self.keys {
            match key.open(encrypt, &self.receive_id) {
                Ok(plain) => return Ok(plain),
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }
}

fn form(body: &[u8]) -> Form {
    let first = body
        .iter()
        .find(|byte| matches!(byte, b'<' | b'{'))
        .copied();
    match first {
        Some(b'{') => Form::Json,
        _ => Form::Xml,
    }
}
