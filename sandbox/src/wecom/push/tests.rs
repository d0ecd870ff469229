//! The notes' vectors (WeCom notes, 7.4 and 7.5): what is sealed here opens elsewhere, and what is wrong is known as wrong.

use serde_json::Value;

use crate::wechat::crypto::{Broken, Key, sign};

const TOKEN: &str = "KfBridgeTok2026";
const RANDOM: &[u8; 16] = b"KEFU-RANDOM-0016";
const VECTORS: &str = include_str!("../../../tests/fixtures/wecom-crypto.jsonl");

fn vectors() -> impl Iterator<Item = Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn signed(vector: &Value) -> bool {
    let [timestamp, nonce, encrypted, given] =
        ["timestamp", "nonce", "encrypt", "msg_signature"].map(|name| text(vector, name));
    sign(&[TOKEN, timestamp, nonce, encrypted]) == given
}

#[test]
fn sealing_and_signing_give_the_vectors_byte_for_byte() {
    let mut seen = 0;
    for vector in vectors().filter(|vector| vector["expect"] == "ok") {
        let key = Key::parse(text(&vector, "key")).unwrap();
        let sealed = key.seal(RANDOM, text(&vector, "plain"), text(&vector, "receive_id"));
        assert_eq!(sealed, text(&vector, "encrypt"), "{}", vector["id"]);
        assert!(signed(&vector), "{}", vector["id"]);
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[test]
fn opening_gives_the_message_or_the_documented_fault() {
    for vector in vectors() {
        let key = Key::parse(text(&vector, "key")).unwrap();
        let opened = key.open(text(&vector, "encrypt"), text(&vector, "receive_id"));
        match text(&vector, "expect") {
            "ok" => assert_eq!(opened.unwrap(), text(&vector, "plain"), "{}", vector["id"]),
            "signature" => assert!(!signed(&vector), "{}", vector["id"]),
            "-40005" => assert_eq!(opened, Err(Broken::AppId)),
            "-40007" => assert!(matches!(opened, Err(Broken::Cipher | Broken::Base64))),
            "-40008" => assert!(
                matches!(opened, Err(Broken::Buffer)),
                "{}: {opened:?}",
                vector["id"]
            ),
            other => panic!("unexpected {other}"),
        }
    }
}

#[test]
fn keys_that_are_none_are_refused() {
    for key in [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh$",
    ] {
        assert!(Key::parse(key).is_err(), "{key}");
    }
}
