//! Every crypto vector of the protocol notes through the envelope, and what strangers may send.

use bridge_core::{
    channel::{Delivery, Verb},
    clock::Timestamp,
    secret::Secret,
};
use proptest::prelude::*;

use super::{
    AesKey,
    envelope::{EnvelopeError, Form, Gate, Signed},
    error_table::action,
};
use crate::{errcode::Action, wechat::crypto::CryptoError};

const TOKEN: &str = "KfBridgeTok2026";
const CORP: &str = "wwkfbridge00000001";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const RANDOM: [u8; 16] = *b"KEFU-RANDOM-0016";
const VECTORS: &str = include_str!("../../../tests/fixtures/wecom/vectors.jsonl");

fn vectors() -> Vec<serde_json::Value> {
    VECTORS
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn gate(key: &str, receive_id: &str) -> Gate {
    Gate {
        token: Secret::new(TOKEN),
        keys: vec![AesKey::parse(key).unwrap()],
        receive_id: receive_id.to_owned(),
    }
}

fn signed<'a>(signature: &'a str, timestamp: &'a str, nonce: &'a str) -> Signed<'a> {
    Signed {
        signature: signature.into(),
        timestamp: timestamp.into(),
        nonce: nonce.into(),
    }
}

#[test]
fn every_vector_is_judged_as_the_notes_say() {
    let mut seen = 0;
    for vector in vectors() {
        let text = |name: &str| vector[name].as_str().unwrap();
        let gate = gate(text("key"), text("receive_id"));
        let signed = signed(text("msg_signature"), text("timestamp"), text("nonce"));
        let id = text("id");
        let opened = gate.echo(&signed, text("encrypt"));
        match text("expect") {
            "ok" => assert_eq!(opened.as_deref(), Ok(text("plain")), "{id}"),
            "signature" => assert_eq!(opened, Err(EnvelopeError::Signature), "{id}"),
            code => {
                let error = opened.unwrap_err();
                assert!(error.forged(), "{id}: {error}");
                assert!(error.to_string().starts_with(code), "{id}: {error}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn both_envelopes_hold_every_vector() {
    for vector in vectors().iter().filter(|vector| vector["expect"] == "ok") {
        let text = |name: &str| vector[name].as_str().unwrap();
        let gate = gate(text("key"), text("receive_id"));
        let signed = signed(text("msg_signature"), text("timestamp"), text("nonce"));
        let encrypt = text("encrypt");
        let bodies = [
            (
                Form::Xml,
                format!(
                    "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID></AgentID><Encrypt><![CDATA[{encrypt}]]></Encrypt><New>1</New></xml>"
                ),
            ),
            (
                Form::Json,
                format!(r#"{{"tousername":"{CORP}","encrypt":"{encrypt}","agentid":"1000017"}}"#),
            ),
            (Form::Json, format!(r#"{{"Encrypt":"{encrypt}"}}"#)),
        ];
        for (form, body) in bodies {
            let opened = gate.open(&signed, body.as_bytes()).unwrap();
            assert_eq!((opened.plain.as_str(), opened.form), (text("plain"), form));
        }
    }
}

#[test]
fn the_answer_is_the_other_librarys_to_the_byte() {
    let vector = vectors()
        .into_iter()
        .find(|vector| vector["id"] == "V8")
        .unwrap();
    let text = |name: &str| vector[name].as_str().unwrap();
    let gate = gate(KEY, CORP);
    let seal = |form| {
        let (time, nonce) = (1_767_225_607, text("nonce"));
        gate.seal(form, text("plain"), time, nonce, RANDOM).unwrap()
    };
    let xml = format!(
        "<xml><Encrypt><![CDATA[{}]]></Encrypt><MsgSignature><![CDATA[{}]]></MsgSignature><TimeStamp>1767225607</TimeStamp><Nonce><![CDATA[nonce-8]]></Nonce></xml>",
        text("encrypt"),
        text("msg_signature")
    );
    assert_eq!(seal(Form::Xml), xml);
    let json: serde_json::Value = serde_json::from_str(&seal(Form::Json)).unwrap();
    assert_eq!(json["encrypt"], text("encrypt"));
    assert_eq!(json["msgsignature"], text("msg_signature"));
    assert_eq!(json["timestamp"], 1_767_225_607);
}

#[test]
fn the_previous_key_opens_while_keys_are_rotated() {
    let vector = &vectors()[0];
    let text = |name: &str| vector[name].as_str().unwrap();
    let other = AesKey::parse(&KEY.replace('A', "B")).unwrap();
    let gate = Gate {
        keys: vec![other, AesKey::parse(KEY).unwrap()],
        ..gate(KEY, CORP)
    };
    let signed = signed(text("msg_signature"), text("timestamp"), text("nonce"));
    assert_eq!(
        gate.echo(&signed, text("encrypt")).as_deref(),
        Ok("7301948512266530417")
    );
}

#[test]
fn the_query_is_decoded_once_and_a_plus_stays_one() {
    let vector = &vectors()[0];
    let query = "msg_signature=914a631ffa06d1751bfd67ebbbcaf0b656b7a608&timestamp=1767225600&nonce=1650283947&echostr=n7gqdObxhWzqe7%2FPYcmDBc2YFq%2BSVd83NxKPdAjMUnXqf4SdDWflS8zxsOVKj8D1sxzBpmB1uuTo56RuyCBobA%3D%3D";
    let delivery = Delivery {
        verb: Verb::Get,
        query: query.to_owned(),
        body: Default::default(),
        received_at: Timestamp::from_secs(0),
    };
    let echo = delivery.query_value("echostr").unwrap();
    assert_eq!(echo, vector["encrypt"].as_str().unwrap());
    let opened = gate(KEY, CORP).echo(&Signed::of(&delivery), &echo);
    assert_eq!(opened.as_deref(), Ok("7301948512266530417"));
}

#[test]
fn malformed_keys_are_refused() {
    for key in [
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh$",
    ] {
        assert!(matches!(AesKey::parse(key), Err(CryptoError::Key)), "{key}");
    }
}

#[test]
fn what_is_not_an_envelope_is_broken_not_forged() {
    let signed = signed("", "1", "2");
    for body in [
        "",
        "hello",
        "<xml></xml>",
        "<xml><Encrypt></Encrypt></xml>",
        "{}",
        "{\"encrypt\":",
    ] {
        let error = gate(KEY, CORP).open(&signed, body.as_bytes()).unwrap_err();
        assert!(!error.forged(), "{body}: {error}");
    }
}

#[test]
fn codes_are_acted_on() {
    for code in [40001, 40014, 42001] {
        assert_eq!(action(code), Action::Refresh);
    }
    for code in [-1, 45009, 45033] {
        assert!(matches!(action(code), Action::Retry(_)), "{code}");
    }
    assert_eq!(action(95001), Action::Hold);
    assert_eq!(action(40007), Action::Reupload);
    for code in [
        40013, 48002, 60020, 60011, 50003, 95000, 95004, 95011, 95012, 95017, 95023, 301_002,
        301_007, 43009, 40056,
    ] {
        assert!(matches!(action(code), Action::Alarm(..)), "{code}");
    }
    for code in [
        95002, 95018, 95013, 95014, 95019, 95016, 95030, 40201, 40204, 41050, 41051, 40058, 84061,
        99999, 7,
    ] {
        assert!(matches!(action(code), Action::Drop(..)), "{code}");
    }
}

proptest! {
    #[test]
    fn opening_undoes_sealing(plain in "\\PC{0,300}", nonce in "[0-9a-z-]{0,20}", random: [u8; 16], json: bool) {
        let form = if json { Form::Json } else { Form::Xml };
        let gate = gate(KEY, CORP);
        let answer = gate.seal(form, &plain, 17, &nonce, random).unwrap();
        let fields = super::Fields::read(answer.as_bytes()).unwrap();
        let signature = fields.get("msgsignature").unwrap().to_owned();
        let opened = gate.open(&signed(&signature, "17", &nonce), answer.as_bytes()).unwrap();
        prop_assert_eq!(opened.plain, plain);
    }

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400), encrypt in "[A-Za-z0-9+/=]{0,200}") {
        let gate = gate(KEY, CORP);
        let _ = gate.open(&signed("a", "b", "c"), &body);
        let all = crate::wechat::signature::sign(&mut [TOKEN, "b", "c", &encrypt]);
        let all = String::from_utf8(all.to_vec()).unwrap();
        let opened = gate.echo(&signed(&all, "b", "c"), &encrypt);
        prop_assert!(opened.is_err(), "nobody without the key is let in");
    }
}
