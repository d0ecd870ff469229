//! The one passive reply the bridge gives: "take this message to the platform's own service tool" (WeChat: 3.1, 3.2), in the
//! format the push came in, and the envelope it goes in where the account encrypts (WeChat: 1.6).

use serde_json::json;

use super::{crypto::AesKey, signature};

/// The two formats of pushes and replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// XML.
    Xml,
    /// JSON.
    Json,
}

impl Form {
    /// The format of a push: its first character tells.
    pub fn of(body: &[u8]) -> Self {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::Json,
            _ => Self::Xml,
        }
    }

    /// Its `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }
}

/// Hands the message that was pushed to the platform's own service tool. Only messages can be, not events.
pub fn transfer(to: &str, from: &str, seconds: i64, form: Form) -> String {
    match form {
        Form::Xml => format!(
            "<xml><ToUserName>{}</ToUserName><FromUserName>{}</FromUserName><CreateTime>{seconds}</CreateTime><MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>",
            cdata(to),
            cdata(from)
        ),
        Form::Json => json!({
            "ToUserName": to,
            "FromUserName": from,
            "CreateTime": seconds,
            "MsgType": "transfer_customer_service",
        })
        .to_string(),
    }
}

/// What seals a reply: the account's, and what is fresh for every reply.
#[derive(Clone, Copy)]
pub struct Seal<'a> {
    /// The account's present key.
    pub key: &'a AesKey,
    /// Its app id.
    pub app_id: &'a str,
    /// The callback token.
    pub token: &'a str,
    /// Seconds, never milliseconds (WeChat: 1.6).
    pub seconds: i64,
    /// Letters and digits, anew for every reply.
    pub nonce: &'a str,
    /// The random prefix.
    pub random: [u8; 16],
}

impl Seal<'_> {
    /// The envelope around an encrypted reply.
    pub fn envelope(&self, reply: &str, form: Form) -> String {
        let encrypted = self.key.seal(reply, self.app_id, self.random);
        let timestamp = self.seconds.to_string();
        let signature = signature::sign(&mut [self.token, &timestamp, self.nonce, &encrypted]);
        // Forty hex digits.
        let signature = String::from_utf8_lossy(&signature);
        match form {
            Form::Xml => format!(
                "<xml><Encrypt>{}</Encrypt><MsgSignature>{}</MsgSignature><TimeStamp>{timestamp}</TimeStamp><Nonce>{}</Nonce></xml>",
                cdata(&encrypted),
                cdata(&signature),
                cdata(self.nonce)
            ),
            Form::Json => json!({
                "Encrypt": encrypted,
                "MsgSignature": signature,
                "TimeStamp": self.seconds,
                "Nonce": self.nonce,
            })
            .to_string(),
        }
    }
}

/// CDATA cannot hold its own end; what XML 1.0 cannot hold at all goes (WeChat: 3.3).
pub(super) fn cdata(text: &str) -> String {
    let legal = |c: &char| !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    let text: String = text.chars().filter(legal).collect();
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::wechat::Fields;

    const VECTORS: &str = include_str!("../../../tests/fixtures/wechat/vectors.jsonl");

    #[test]
    fn the_envelope_is_the_vectors() {
        let vector: serde_json::Value = VECTORS
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .find(|vector: &serde_json::Value| vector["id"] == "V13")
            .unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let key = AesKey::parse("Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk").unwrap();
        let seal = Seal {
            key: &key,
            app_id: "wx5f2c9d7a1b3e8046",
            token: "kefuBridgeTok01",
            seconds: text("ts").parse().unwrap(),
            nonce: text("nonce"),
            random: text("random").as_bytes().try_into().unwrap(),
        };
        let envelope = seal.envelope(text("plain"), Form::Xml);
        let digest: String = Sha256::digest(&envelope)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest,
            "233e8153cd26cc92a3380cc638603c18e554631015534a723330df64b4dc8269"
        );
        let json: serde_json::Value =
            serde_json::from_str(&seal.envelope(text("plain"), Form::Json)).unwrap();
        assert_eq!(json["MsgSignature"], vector["msg_signature"]);
        assert_eq!(json["TimeStamp"], 1_735_689_612);
        assert_eq!(
            key.open(json["Encrypt"].as_str().unwrap(), "wx5f2c9d7a1b3e8046")
                .unwrap(),
            text("plain")
        );
    }

    #[test]
    fn a_transfer_says_the_same_in_both_formats() {
        for form in [Form::Xml, Form::Json] {
            let reply = transfer("o]]>&1", "gh_1", 1_735_689_908, form);
            assert_eq!(Form::of(reply.as_bytes()), form);
            let fields = Fields::read(reply.as_bytes()).unwrap();
            assert_eq!(fields.get("ToUserName"), Some("o]]>&1"));
            assert_eq!(fields.get("FromUserName"), Some("gh_1"));
            assert_eq!(fields.get("CreateTime"), Some("1735689908"));
            assert_eq!(fields.get("MsgType"), Some("transfer_customer_service"));
        }
    }
}
