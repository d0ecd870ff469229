//! The notes' vectors V1 to V15 (WeChat: message push, 7), and what a wrong key or a damaged text gives.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

const TOKEN: &str = "kefuBridgeTok01";
const APP: &str = "wx5f2c9d7a1b3e8046";
const KEY_A: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Mk";
const KEY_B: &str = "Kf7QmZ2xV9bTn4RcY8LpWs3HdJg6UaEo1iXtNvBq5Ml";
const VECTORS: &str = include_str!("../../../tests/fixtures/wechat-crypto.jsonl");

fn vectors() -> Vec<Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn keys() -> [Key; 2] {
    [KEY_A, KEY_B].map(|key| Key::parse(key).unwrap())
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap_or_default()
}

/// The message of a vector: given whole, or by its content in the notes' common shape.
fn plain(vector: &Value) -> String {
    match vector["C"].as_str() {
        None => text(vector, "plain").to_owned(),
        Some(content) => format!(
            "<xml><ToUserName><![CDATA[gh_3a7c51e90b2d]]></ToUserName><FromUserName><![CDATA[oKefu0x9f8e7d6c5b4a3928171]]></FromUserName><CreateTime>1735689600</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content><MsgId>25373744922163388</MsgId></xml>"
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_signature_is_the_vectors() {
    for vector in vectors() {
        let (ts, nonce) = (text(&vector, "ts"), text(&vector, "nonce"));
        if let Some(expected) = vector["signature"].as_str() {
            assert_eq!(sign(&[TOKEN, ts, nonce]), expected, "{}", vector["id"]);
        }
        if let Some(expected) = vector["msg_signature"].as_str() {
            let signed = sign(&[TOKEN, ts, nonce, text(&vector, "encrypt")]);
            assert_eq!(signed, expected, "{}", vector["id"]);
        }
    }
    let docs = sign(&["AAAAA", "1714036504", "1514711492"]);
    assert_eq!(docs, "f464b24fc39322e44b38aa78f5edd27bd1441696");
}

#[test]
fn sealing_gives_the_vectors_byte_for_byte_with_either_key() {
    let sealed = vectors().into_iter().filter(|v| v["random"].is_string());
    let mut seen = 0;
    for vector in sealed {
        let random: [u8; 16] = text(&vector, "random").as_bytes().try_into().unwrap();
        let message = plain(&vector);
        let digest = hex(&Sha256::digest(message.as_bytes()));
        assert_eq!(digest, text(&vector, "sha256"), "{}", vector["id"]);
        let owner = vector["encrypted_for"].as_str().unwrap_or(APP);
        for key in keys() {
            assert_eq!(key.seal(&random, &message, owner), text(&vector, "encrypt"));
        }
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[test]
fn opening_gives_the_message_or_the_documented_fault() {
    for vector in vectors().iter().filter(|v| v["encrypt"].is_string()) {
        for key in keys() {
            let opened = key.open(text(vector, "encrypt"), APP);
            match text(vector, "expect") {
                "ok" => assert_eq!(opened, Ok(plain(vector)), "{}", vector["id"]),
                "-40005" => assert_eq!(opened, Err(Broken::AppId)),
                "-40008" => assert_eq!(opened, Err(Broken::Buffer), "{}", vector["id"]),
                other => panic!("unexpected {other}"),
            }
        }
    }
}

#[test]
fn a_wrong_key_or_a_damaged_text_is_refused() {
    let vector = &vectors()[1];
    let encrypted = text(vector, "encrypt");
    let other = Key::parse("Zt4Lw9Qe2Rp7Ym1Xk6Vc3Bn8Hd5Jg0Sf2Ua4Io6Pe1A").unwrap();
    assert_eq!(other.open(encrypted, APP), Err(Broken::Buffer));
    let [key, _] = keys();
    let bytes = STANDARD.decode(encrypted).unwrap();
    let cut = |by: usize| STANDARD.encode(&bytes[..bytes.len() - by]);
    assert_eq!(key.open(&cut(16), APP), Err(Broken::Buffer));
    assert_eq!(key.open(&cut(5), APP), Err(Broken::Cipher));
    assert_eq!(key.open("", APP), Err(Broken::Cipher));
    assert_eq!(key.open("a b", APP), Err(Broken::Base64));
}

#[test]
fn a_key_has_43_characters() {
    assert!(Key::parse(&KEY_A[1..]).is_err());
    assert!(Key::parse(&KEY_A.replace('K', "!")).is_err());
}
