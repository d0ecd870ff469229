//! Envelopes: signatures, keys, and what no platform sends.

use bridge_core::{
    channel::Capabilities,
    convert::Convertor,
    message::{Content, InboxName},
};
use proptest::prelude::*;

use super::super::{
    Fields, Unreadable, WeChat,
    crypto::{AesKey, CryptoError},
    signature,
};
use super::{APP_ID, KEY_A, KEY_B, OTHER, TOKEN, plain_of, vectors};

#[test]
fn every_vector_with_both_forms_of_the_key() {
    let mut seen = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector["encrypt"].is_string())
    {
        let text = |name: &str| vector[name].as_str().unwrap();
        let (id, encrypt) = (text("id"), text("encrypt"));
        let signed = |nonce: &str, signature: &str| {
            signature::fits(signature, &mut [TOKEN, text("ts"), nonce, encrypt])
        };
        assert!(signed(text("nonce"), text("msg_signature")), "{id}");
        assert!(
            !signed(&format!("{}0", text("nonce")), text("msg_signature")),
            "{id}"
        );
        assert!(
            !signed(text("nonce"), &format!("f{}", &text("msg_signature")[1..]))
                || text("msg_signature").starts_with('f'),
            "{id}"
        );
        for key in [KEY_A, KEY_B] {
            let opened = AesKey::parse(key).unwrap().open(encrypt, APP_ID);
            match text("expect") {
                "ok" => assert_eq!(opened.as_deref().ok(), plain_of(vector).as_deref(), "{id}"),
                "-40005" => assert_eq!(opened, Err(CryptoError::AppId), "{id}"),
                "-40008" => assert_eq!(opened, Err(CryptoError::Buffer), "{id}"),
                other => panic!("{id}: {other}"),
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn sealing_gives_the_same_bytes() {
    for vector in vectors()
        .iter()
        .filter(|vector| vector["expect"] == "ok" && vector["random"].is_string())
    {
        let plain = plain_of(vector).unwrap();
        let random: [u8; 16] = vector["random"]
            .as_str()
            .unwrap()
            .as_bytes()
            .try_into()
            .unwrap();
        assert_eq!(
            AesKey::parse(KEY_A).unwrap().seal(&plain, APP_ID, random),
            vector["encrypt"].as_str().unwrap()
        );
    }
}

#[test]
fn the_url_check_is_signed_without_the_echo() {
    let vector = vectors()
        .into_iter()
        .find(|vector| vector["id"] == "V15")
        .unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    assert!(signature::fits(
        text("signature"),
        &mut [TOKEN, text("ts"), text("nonce")]
    ));
    assert!(signature::fits(
        "f464b24fc39322e44b38aa78f5edd27bd1441696",
        &mut ["AAAAA", "1714036504", "1514711492"]
    ));
}

#[test]
fn cut_shifted_and_foreign_bytes_are_told_apart_inside() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let vector = &vectors()[0];
    let bytes = STANDARD
        .decode(vector["encrypt"].as_str().unwrap())
        .unwrap();
    let open = |bytes: &[u8], key: &str| {
        AesKey::parse(key)
            .unwrap()
            .open(&STANDARD.encode(bytes), APP_ID)
    };
    assert_eq!(
        open(&bytes[..bytes.len() - 16], KEY_A),
        Err(CryptoError::Buffer)
    );
    assert_eq!(
        open(&bytes[..bytes.len() - 5], KEY_A),
        Err(CryptoError::Length)
    );
    assert_eq!(open(&bytes, OTHER), Err(CryptoError::Buffer));
    assert_eq!(open(&[], KEY_A), Err(CryptoError::Length));
    assert_eq!(
        AesKey::parse(KEY_A).unwrap().open("a b", APP_ID),
        Err(CryptoError::Base64)
    );
    let padded = format!("\n{}\n", vector["encrypt"].as_str().unwrap());
    assert!(
        AesKey::parse(KEY_A).unwrap().open(&padded, APP_ID).is_ok(),
        "white space around it is trimmed"
    );
    assert!(AesKey::parse("short").is_err());
}

#[test]
fn what_no_platform_sends_is_refused() {
    let refused = |body: &str| Fields::read(body.as_bytes()).unwrap_err();
    assert!(matches!(
        refused("<!DOCTYPE x [<!ENTITY a \"b\">]><xml>&a;</xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(
        refused("<xml><a>&lol;</a></xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(refused("<html></html>"), Unreadable::Xml(_)));
    assert!(matches!(refused("<xml><a>1</a>"), Unreadable::Xml(_)));
    assert!(matches!(
        refused("<xml></xml><xml></xml>"),
        Unreadable::Xml(_)
    ));
    assert!(matches!(refused("hello"), Unreadable::Neither));
    assert!(matches!(
        refused(r#"{"Content":"\ud800"}"#),
        Unreadable::Json(_)
    ));
    assert_eq!(
        refused(
            &"<xml>"
                .to_string()
                .replace("<xml>", &format!("<xml>{}", "<a>".repeat(20)))
        ),
        Unreadable::TooLarge
    );
    assert_eq!(
        refused(&format!("<xml>{}</xml>", "<a>1</a>".repeat(600))),
        Unreadable::TooLarge
    );
    assert_eq!(Fields::read(&[0xff, 0xfe]), Err(Unreadable::Encoding));
}

proptest! {
    #[test]
    fn opening_undoes_sealing(message in "\\PC{0,300}", random: [u8; 16]) {
        let key = AesKey::parse(KEY_B).unwrap();
        prop_assert_eq!(key.open(&key.seal(&message, APP_ID, random), APP_ID), Ok(message));
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        super::super::fuzz_callback(&body);
    }

    #[test]
    fn no_document_makes_it_panic(body in "<xml>(<(MsgType|Event|CreateTime|FromUserName|Content|a)>(<!\\[CDATA\\[)?[a-z0-9&;<>]{0,8}(\\]\\]>)?</(MsgType|Event|a)>){0,6}</xml>") {
        super::super::fuzz_callback(body.as_bytes());
    }

    #[test]
    fn what_is_not_lost_reads_back(text in "[^\\s\\p{C}<][\\PC&&[^<]]{0,200}", label in "\\PC{1,20}") {
        let convertor = WeChat { inbox: InboxName::new("mall"), locale: bridge_core::texts::Locale::Zh };
        let items = vec![bridge_core::message::MenuItem { id: "11".to_owned(), label: label.clone() }];
        let contents = [
            Content::text(text.clone()),
            Content::Link { title: label.clone(), description: text.clone(), url: "https://a.example".to_owned(), picture_url: None },
            Content::Menu { head: text, items, tail: label },
        ];
        for content in contents {
            let written = convertor.write(&content, &Capabilities::default()).unwrap();
            prop_assert!(written.lost.is_empty());
            prop_assert_eq!(convertor.read(&written.parts[0]).unwrap(), vec![content]);
        }
    }
}
