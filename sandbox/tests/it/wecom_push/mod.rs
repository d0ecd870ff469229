//! What the simulated WeCom pushes to the bridge: sealed and signed, tried three times, and what it makes of the answers.

mod cards;
mod kinds;
mod sealing;

use std::time::Duration;

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::kit::{Got, World};

const CORP: &str = "wwsandbox00000001";

fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let digest = Sha1::digest(sorted.concat().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(world: &World) -> [u8; 32] {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let codec = GeneralPurpose::new(&alphabet::STANDARD, config);
    let encoded = &world.sandbox.wecom().settings().apps[0].encoding_aes_key;
    codec.decode(encoded).unwrap().try_into().unwrap()
}

fn token(world: &World) -> String {
    world.sandbox.wecom().settings().apps[0].token.clone()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let tail = text
        .split_once(open)
        .unwrap_or_else(|| panic!("no {open} in {text}"))
        .1;
    tail.split_once(close).unwrap().0
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    between(xml, &format!("<{name}><![CDATA["), "]]>")
}

/// Opens a callback with a decoder of its own: the vectors bind the sandbox's, this binds the whole request.
fn opened(world: &World, got: &Got) -> String {
    let encrypted = element(&got.body, "Encrypt");
    let parts = [
        &token(world),
        got.param("timestamp"),
        got.param("nonce"),
        encrypted,
    ];
    assert_eq!(signature(&parts), got.param("msg_signature"));
    let key = key(world);
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let text = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into())
        .decrypt_padded_vec::<NoPadding>(&STANDARD.decode(encrypted).unwrap())
        .unwrap();
    let length = u32::from_be_bytes(text[16..20].try_into().unwrap()) as usize;
    let (message, rest) = text[20..].split_at(length);
    assert!(rest.starts_with(CORP.as_bytes()));
    let pad = *rest.last().unwrap();
    assert!((1..=32).contains(&pad) && rest.len() == CORP.len() + usize::from(pad));
    String::from_utf8(message.to_vec()).unwrap()
}

/// An encrypted passive reply, as the bridge would write one.
fn sealed(world: &World, message: &str) -> String {
    let key = key(world);
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let length = (message.len() as u32).to_be_bytes();
    let mut text = [
        b"0123456789abcdef",
        &length[..],
        message.as_bytes(),
        CORP.as_bytes(),
    ]
    .concat();
    let pad = 32 - text.len() % 32;
    text.resize(text.len() + pad, pad as u8);
    let encryptor = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
    let encrypted = STANDARD.encode(encryptor.encrypt_padded_vec::<NoPadding>(&text));
    let signature = signature(&[&token(world), "1767225607", "nonce-8", &encrypted]);
    format!(
        "<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature><TimeStamp>1767225607</TimeStamp><Nonce><![CDATA[nonce-8]]></Nonce></xml>"
    )
}

fn quick() -> World {
    World::with(|settings| settings.wecom.push_timeout = Duration::from_millis(300))
}

async fn card(world: &World, card: Value) -> Value {
    let settings = world.sandbox.wecom().settings();
    let path = format!(
        "/wecom/cgi-bin/gettoken?corpid={CORP}&corpsecret={}",
        settings.apps[0].secret
    );
    let token = world.get(&path).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"touser": "zhouning", "agentid": 1_000_017, "msgtype": "template_card", "template_card": card});
    let sent = world
        .post(
            &format!("/wecom/cgi-bin/message/send?access_token={token}"),
            &body,
        )
        .await
        .1;
    assert_eq!(sent["errcode"], 0, "{sent}");
    json!(token)
}
