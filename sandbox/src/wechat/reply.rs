//! Reading the bridge's answer to a callback: nothing to say, a passive reply, or a fault the customer sees
//! (WeChat notes, 1.5 to 1.7 and 3).

use serde_json::Value;

use super::crypto::{Key, sign};
use super::xml::{self, Node};
use crate::courier::Reply;
use crate::settings::{Account, Format, Mode};

/// What an answer to a callback means.
#[derive(Debug)]
pub(super) enum Verdict {
    /// `success`, or an empty body.
    Nothing,
    /// A passive reply.
    Says(Node),
    /// The customer goes to Tencent's own service tool.
    Transfer,
    /// The platform shows its fault text at once.
    Malformed(String),
    /// No usable answer: to be tried again.
    Again,
}

impl Verdict {
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Nothing | Self::Says(_) | Self::Transfer)
    }
}

/// Decides about an answer.
pub(super) fn judge(account: &Account, key: &Key, openid: &str, reply: &Reply) -> Verdict {
    if reply.status != 200 {
        return Verdict::Again;
    }
    let Ok(body) = std::str::from_utf8(&reply.body) else {
        return Verdict::Malformed("the answer is no UTF-8".into());
    };
    if body.is_empty() || body == "success" {
        return Verdict::Nothing;
    }
    match message(account, key, body).and_then(|node| addressed(account, openid, node)) {
        Ok(node) if node.text_of("MsgType") == "transfer_customer_service" => Verdict::Transfer,
        Ok(node) => Verdict::Says(node),
        Err(why) => Verdict::Malformed(why),
    }
}

/// What an encrypted answer says, for the wire log.
pub(super) fn decrypted(account: &Account, key: &Key, body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let envelope = document(account.format, body).ok()?;
    key.open(envelope.text_of("Encrypt"), &account.app_id).ok()
}

/// The reply's document, decrypted where the account's mode asks for it.
fn message(account: &Account, key: &Key, body: &str) -> Result<Node, String> {
    let outer = document(account.format, body)?;
    if outer.child("Encrypt").is_none() {
        return match account.mode {
            Mode::Safe => Err("a reply in safe mode must be encrypted".into()),
            Mode::Plain | Mode::Compatible => Ok(outer),
        };
    }
    let (timestamp, nonce) = (outer.text_of("TimeStamp"), outer.text_of("Nonce"));
    let encrypted = outer.text_of("Encrypt");
    if timestamp.len() > 11 {
        return Err("TimeStamp is in milliseconds".into());
    }
    if sign(&[&account.token, timestamp, nonce, encrypted]) != outer.text_of("MsgSignature") {
        return Err("-40001: MsgSignature is wrong".into());
    }
    let plain = key
        .open(encrypted, &account.app_id)
        .map_err(|e| e.to_string())?;
    document(account.format, &plain)
}

/// To and From must be swapped against the callback.
fn addressed(account: &Account, openid: &str, node: Node) -> Result<Node, String> {
    if node.text_of("ToUserName") != openid || node.text_of("FromUserName") != account.original_id {
        return Err("ToUserName and FromUserName are not those of the chat, swapped".into());
    }
    if node.text_of("CreateTime").parse::<u64>().is_err() {
        return Err("CreateTime is no number".into());
    }
    let empty = node.text_of("MsgType") == "text" && node.text_of("Content").is_empty();
    match empty {
        true => Err("Content is empty; `success` or an empty body says nothing".into()),
        false => Ok(node),
    }
}

fn document(format: Format, text: &str) -> Result<Node, String> {
    match format {
        Format::Xml => xml::read(text).and_then(|node| match node.name.as_str() {
            "xml" => Ok(node),
            other => Err(format!("the root element is <{other}>, not <xml>")),
        }),
        Format::Json => {
            let value: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
            match value.is_object() {
                true => Ok(from_json("xml", &value)),
                false => Err("the answer is no JSON object".into()),
            }
        }
    }
}

fn from_json(name: &str, value: &Value) -> Node {
    let children = value.as_object().into_iter().flatten();
    Node {
        name: name.to_owned(),
        text: match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        },
        children: children
            .map(|(name, value)| from_json(name, value))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const OPENID: &str = "oKefu0x9f8e7d6c5b4a3928171";

    fn account(mode: Mode, format: Format) -> Account {
        Account {
            app_id: "wx5f2c9d7a1b3e8046".into(),
            token: "kefuBridgeTok01".into(),
            mode,
            format,
            ..Account::default()
        }
    }

    fn judged(account: &Account, status: u16, body: &str) -> Verdict {
        let key = Key::parse(&account.encoding_aes_key).unwrap();
        let reply = Reply {
            status,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        judge(account, &key, OPENID, &reply)
    }

    fn text(content: &str) -> String {
        format!(
            "<xml><ToUserName><![CDATA[{OPENID}]]></ToUserName><FromUserName><![CDATA[gh_3a7c51e90b2d]]></FromUserName><CreateTime>1735689612</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content></xml>"
        )
    }

    fn sealed(account: &Account, plain: &str, timestamp: &str) -> String {
        let key = Key::parse(&account.encoding_aes_key).unwrap();
        let encrypted = key.seal(b"REPLYreplyREPLYr", plain, &account.app_id);
        let signature = sign(&[&account.token, timestamp, "5e6f7a8b", &encrypted]);
        format!(
            "<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature><TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[5e6f7a8b]]></Nonce></xml>"
        )
    }

    #[test]
    fn silence_is_success_or_nothing_at_all() {
        let account = account(Mode::Safe, Format::Xml);
        assert!(matches!(judged(&account, 200, "success"), Verdict::Nothing));
        assert!(matches!(judged(&account, 200, ""), Verdict::Nothing));
        assert!(matches!(judged(&account, 500, "success"), Verdict::Again));
        assert!(matches!(judged(&account, 200, "ok"), Verdict::Malformed(_)));
        assert!(matches!(
            judged(&account, 200, "\"success\""),
            Verdict::Malformed(_)
        ));
    }

    #[test]
    fn a_safe_account_wants_its_reply_encrypted_and_signed_in_seconds() {
        let account = account(Mode::Safe, Format::Xml);
        let plain = text("已收到");
        assert!(matches!(
            judged(&account, 200, &plain),
            Verdict::Malformed(_)
        ));
        let sound = sealed(&account, &plain, "1735689612");
        match judged(&account, 200, &sound) {
            Verdict::Says(node) => assert_eq!(node.text_of("Content"), "已收到"),
            other => panic!("{other:?}"),
        }
        let millis = sealed(&account, &plain, "1735689612000");
        assert!(matches!(
            judged(&account, 200, &millis),
            Verdict::Malformed(_)
        ));
        let forged = sound.replace("5e6f7a8b", "5e6f7a8c");
        assert!(matches!(
            judged(&account, 200, &forged),
            Verdict::Malformed(_)
        ));
    }

    #[test]
    fn a_reply_goes_back_where_the_message_came_from() {
        let account = account(Mode::Plain, Format::Xml);
        let unswapped = text("x").replace(OPENID, "gh_other");
        assert!(matches!(
            judged(&account, 200, &unswapped),
            Verdict::Malformed(_)
        ));
        assert!(matches!(
            judged(&account, 200, &text("")),
            Verdict::Malformed(_)
        ));
        let transfer = text("x").replace("[text]", "[transfer_customer_service]");
        assert!(matches!(
            judged(&account, 200, &transfer),
            Verdict::Transfer
        ));
    }

    #[test]
    fn a_json_account_is_answered_in_json() {
        let account = account(Mode::Plain, Format::Json);
        assert!(matches!(
            judged(&account, 200, &text("x")),
            Verdict::Malformed(_)
        ));
        let json = serde_json::json!({"ToUserName": OPENID, "FromUserName": "gh_3a7c51e90b2d", "CreateTime": 1735689908, "MsgType": "transfer_customer_service"});
        assert!(matches!(
            judged(&account, 200, &json.to_string()),
            Verdict::Transfer
        ));
    }
}
