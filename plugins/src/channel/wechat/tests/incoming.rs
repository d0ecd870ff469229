//! Callbacks: modes, keys, formats, forgeries, repeats.

use std::sync::Arc;

use bridge_convertors::wechat::{crypto::AesKey, signature};
use bridge_core::{
    channel::{Channel, ChannelErrorKind, Decoded, Delivery, Verb},
    clock::{SystemClock, Timestamp},
    message::{Author, Content, Handle, Trigger, What},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{WeChat, build, config};

const VECTORS: &str = include_str!("../../../../../tests/fixtures/wechat/vectors.jsonl");
const TOKEN: &str = "kefuBridgeTok01";
const APP_ID: &str = "wx5f2c9d7a1b3e8046";
const KEY: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk";
const OTHER: &str = "Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A";
const TEXT: &str = "<xml><ToUserName>gh_1</ToUserName><FromUserName>oKefu</FromUserName><CreateTime>1735689601</CreateTime>\
    <MsgType>text</MsgType><Content>在吗</Content><MsgId>25373744922163301</MsgId></xml>";

fn account(change: impl FnOnce(&mut Value)) -> WeChat {
    let mut section = config();
    section["token"] = json!(TOKEN);
    section["app_id"] = json!(APP_ID);
    section["encoding_aes_key"] = json!(KEY);
    change(&mut section);
    build(section, &Arc::default(), Arc::new(SystemClock))
}

fn signed(parts: &mut [&str]) -> String {
    String::from_utf8(signature::sign(parts).to_vec()).unwrap()
}

fn delivery(verb: Verb, query: String, body: impl Into<Bytes>) -> Delivery {
    Delivery {
        verb,
        query,
        body: body.into(),
        received_at: Timestamp(1_735_689_602_000),
    }
}

/// In clear, signed.
fn plain(body: &str) -> Delivery {
    let signature = signed(&mut [TOKEN, "1735689601", "11"]);
    let query = format!("signature={signature}&timestamp=1735689601&nonce=11");
    delivery(Verb::Post, query, body.to_owned())
}

/// Sealed, in an envelope that may say more.
fn sealed(body: &str, key: &str, app_id: &str, json: bool, more: &str) -> Delivery {
    let encrypted = AesKey::parse(key)
        .unwrap()
        .seal(body, app_id, *b"0123456789abcdef");
    let outer = match json {
        true => json!({"ToUserName": "gh_1", "Encrypt": encrypted}).to_string(),
        false => format!(
            "<xml><ToUserName>gh_1</ToUserName>{more}<Encrypt> {encrypted}\n</Encrypt></xml>"
        ),
    };
    let mut parts = [TOKEN, "1735689601", "11", encrypted.as_str()];
    let message = signed(&mut parts);
    let mut delivery = plain(&outer);
    delivery.query = format!(
        "{}&encrypt_type=aes&msg_signature={message}",
        delivery.query
    );
    delivery
}

fn words(decoded: &Decoded) -> Option<&str> {
    decoded.arrivals[0].content()?.words()
}

fn refusal(account: &WeChat, delivery: &Delivery) -> ChannelErrorKind {
    account.decode(delivery).unwrap_err().kind
}

#[test]
fn the_notes_vectors_are_taken_and_refused_as_they_say() {
    let account = account(|_| {});
    let mut seen = 0;
    for vector in VECTORS.lines() {
        let vector: Value = serde_json::from_str(vector).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap_or_default();
        let (id, time, nonce) = (text("id"), text("ts"), text("nonce"));
        // The direction of replies, and an empty message, are no pushes.
        if matches!(id, "V13" | "V14" | "V15") {
            continue;
        }
        let signature = signed(&mut [TOKEN, time, nonce]);
        let query = format!(
            "signature={signature}&timestamp={time}&nonce={nonce}&encrypt_type=aes&msg_signature={}",
            text("msg_signature")
        );
        let body = format!(
            "<xml><ToUserName>gh_3a7c51e90b2d</ToUserName><Encrypt>{}</Encrypt></xml>",
            text("encrypt")
        );
        let decoded = account.decode(&delivery(Verb::Post, query, body));
        match text("expect") {
            "ok" => assert_eq!(decoded.unwrap().arrivals.len(), 1, "{id}"),
            _ => assert_eq!(decoded.unwrap_err().kind, ChannelErrorKind::Forged, "{id}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 12);
}

#[test]
fn the_url_is_verified_by_the_bare_echo() {
    let account = account(|_| {});
    let signature = signed(&mut [TOKEN, "1735689614", "27182818"]);
    let ask = |signature: &str, echo: &str| {
        let query =
            format!("signature={signature}&timestamp=1735689614&nonce=27182818&echostr={echo}");
        account.decode(&delivery(Verb::Get, query, ""))
    };
    let decoded = ask(&signature, "4375120948345356249").unwrap();
    assert_eq!(&decoded.ack.body[..], b"4375120948345356249");
    assert!(decoded.arrivals.is_empty());
    let forged = ask(&signature.replace('a', "b").replace('1', "2"), "1").unwrap_err();
    assert_eq!(forged.kind, ChannelErrorKind::Forged);
    for echo in ["%E4%BD%A0", &"1".repeat(257), "a%20b"] {
        assert_eq!(
            ask(&signature, echo).unwrap_err().kind,
            ChannelErrorKind::Malformed
        );
    }
}

/// Taken for a message that says nothing, it would be acknowledged and lost.
#[test]
fn plain_mode_refuses_what_is_encrypted() {
    let account = account(|section| section["mode"] = json!("plain"));
    for json in [false, true] {
        let sealed = sealed(TEXT, KEY, APP_ID, json, "");
        assert_eq!(refusal(&account, &sealed), ChannelErrorKind::Malformed);
    }
    assert_eq!(words(&account.decode(&plain(TEXT)).unwrap()), Some("在吗"));
}

#[test]
fn safe_mode_refuses_what_comes_in_clear() {
    let account = account(|_| {});
    assert_eq!(
        words(
            &account
                .decode(&sealed(TEXT, KEY, APP_ID, false, ""))
                .unwrap()
        ),
        Some("在吗")
    );
    assert_eq!(refusal(&account, &plain(TEXT)), ChannelErrorKind::Forged);
    let mut unsigned = sealed(TEXT, KEY, APP_ID, false, "");
    unsigned.query = unsigned.query.replace("msg_signature=", "msg_signature=0");
    assert_eq!(refusal(&account, &unsigned), ChannelErrorKind::Forged);
    let theirs = sealed(TEXT, KEY, "wx0000aaaa1111bbbb", false, "");
    assert_eq!(refusal(&account, &theirs), ChannelErrorKind::Forged);
}

#[test]
fn compatible_mode_goes_by_what_is_encrypted() {
    let account = account(|section| section["mode"] = json!("compatible"));
    let clear =
        "<FromUserName>oForged</FromUserName><MsgType>text</MsgType><Content>伪造</Content>";
    let decoded = account
        .decode(&sealed(TEXT, KEY, APP_ID, false, clear))
        .unwrap();
    assert_eq!(words(&decoded), Some("在吗"));
    assert_eq!(decoded.arrivals[0].peer.as_str(), "oKefu");
    assert_eq!(refusal(&account, &plain(TEXT)), ChannelErrorKind::Forged);
}

#[test]
fn plain_mode_needs_no_key() {
    let account = account(|section| {
        section["mode"] = json!("plain");
        section["encoding_aes_key"] = json!("");
    });
    let decoded = account.decode(&plain(TEXT)).unwrap();
    assert_eq!(words(&decoded), Some("在吗"));
    assert_eq!(&decoded.ack.body[..], b"success");
    let mut forged = plain(TEXT);
    forged.query = forged.query.replace("nonce=11", "nonce=12");
    assert_eq!(refusal(&account, &forged), ChannelErrorKind::Forged);
}

#[test]
fn the_previous_key_is_good_while_it_is_configured() {
    let rotated = |previous: &str| {
        account(|section| {
            section["encoding_aes_key"] = json!(OTHER);
            section["previous_encoding_aes_key"] = json!(previous);
        })
    };
    let (during, after) = (rotated(KEY), rotated(""));
    for key in [KEY, OTHER] {
        assert!(during.decode(&sealed(TEXT, key, APP_ID, false, "")).is_ok());
    }
    assert!(
        after
            .decode(&sealed(TEXT, OTHER, APP_ID, false, ""))
            .is_ok()
    );
    assert_eq!(
        refusal(&after, &sealed(TEXT, KEY, APP_ID, false, "")),
        ChannelErrorKind::Forged
    );
}

#[test]
fn json_is_read_as_xml_is() {
    let account = account(|_| {});
    let body = r#"{"ToUserName":"gh_1","FromUserName":"oKefu","CreateTime":1735689613,"MsgType":"text","Content":"你好\n第二行","MsgId":18446744073709551615}"#;
    let decoded = account
        .decode(&sealed(body, KEY, APP_ID, true, ""))
        .unwrap();
    assert_eq!(words(&decoded), Some("你好\n第二行"));
    let arrival = &decoded.arrivals[0];
    assert_eq!(
        arrival.external_id.as_str(),
        "1735689613:18446744073709551615:oKefu"
    );
    assert_eq!(
        (arrival.author.clone(), arrival.trigger),
        (Author::Contact, Some(Trigger::Message))
    );
}

#[test]
fn a_redelivery_is_the_same_arrival() {
    let account = account(|_| {});
    let thin = "<xml><FromUserName>oKefu</FromUserName><MsgType>text</MsgType></xml>";
    let event = "<xml><FromUserName>oKefu</FromUserName><CreateTime>1735689601</CreateTime><MsgType>event</MsgType>\
        <Event>CLICK</Event><EventKey>K1</EventKey></xml>";
    for body in [TEXT, thin, event] {
        let first = account
            .decode(&sealed(body, KEY, APP_ID, false, ""))
            .unwrap();
        let mut again = sealed(body, KEY, APP_ID, false, "");
        again.received_at = Timestamp(1_735_689_612_000);
        let again = account.decode(&again).unwrap();
        assert_eq!(first.arrivals[0].external_id, again.arrivals[0].external_id);
    }
    let other = event.replace("K1", "K2");
    let ids = [event, &other].map(|body| {
        let decoded = account
            .decode(&sealed(body, KEY, APP_ID, false, ""))
            .unwrap();
        decoded.arrivals[0].external_id.clone()
    });
    assert_ne!(ids[0], ids[1], "two events of one second");
}

#[test]
fn what_the_platform_signs_is_taken_however_thin() {
    let account = account(|_| {});
    let decode = |body: &str| {
        account
            .decode(&sealed(body, KEY, APP_ID, false, ""))
            .unwrap()
    };
    let thin = decode("<xml><FromUserName>oKefu</FromUserName><MsgType>voice</MsgType></xml>");
    assert!(matches!(
        &thin.arrivals[0].what,
        What::Content(Content::Unsupported { what, summary }) if what == "voice" && summary.contains("MediaId")
    ));
    for nobody in [
        "<xml><FromUserName>oSystem</FromUserName><MsgType>event</MsgType><Event>user_authorization_revoke</Event></xml>",
        "<xml><FromUserName>oSystem</FromUserName><MsgType>event</MsgType><Event>wxa_media_check</Event></xml>",
        "<xml><MsgType>text</MsgType><Content>x</Content></xml>",
    ] {
        let decoded = decode(nobody);
        assert!(decoded.arrivals.is_empty(), "{nobody}");
        assert_eq!(&decoded.ack.body[..], b"success");
    }
}

#[test]
fn what_cannot_be_read_is_malformed_and_never_a_panic() {
    let account = account(|section| section["mode"] = json!("plain"));
    let deep = "<a>".repeat(50);
    for body in [
        "",
        "hello",
        "<xml><Content>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><xml/>",
        "<xml><a>&unknown;</a></xml>",
        &format!("<xml>{deep}</xml>"),
        "{\"a\":",
    ] {
        assert_eq!(
            refusal(&account, &plain(body)),
            ChannelErrorKind::Malformed,
            "{body:?}"
        );
    }
    let mut torn = plain("");
    torn.body = Bytes::from_static(b"<xml><Content>\xff\xfe</Content></xml>");
    assert_eq!(refusal(&account, &torn), ChannelErrorKind::Malformed);
}

#[test]
fn an_event_that_tells_the_unionid_brings_it_along() {
    let account = account(|section| section["mode"] = json!("plain"));
    let event = |more: &str| {
        let body = format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>oSystem</FromUserName><CreateTime>1735689601</CreateTime>\
             <MsgType>event</MsgType><Event>user_info_modified</Event><OpenID>oKefu</OpenID>{more}</xml>"
        );
        account.decode(&plain(&body)).unwrap().arrivals.remove(0)
    };
    let told = event("<UnionID>oUnion1</UnionID>");
    assert_eq!(
        told.peer.as_str(),
        "oKefu",
        "whose it is, not the system that says so"
    );
    let handles = told.profile.map(|profile| profile.handles);
    assert_eq!(handles, Some(vec![Handle::union_id("oUnion1").unwrap()]));
    for none in ["", "<UnionID></UnionID>", "<UnionID>a b</UnionID>"] {
        assert_eq!(event(none).profile, None, "{none}");
    }
}
