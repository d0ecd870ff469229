//! What strangers send: a clear refusal or a harmless message, nothing stored, and the bridge goes on.

use bridge_sandbox::Account;
use sha1::{Digest, Sha1};

use crate::stage::Stage;

fn signature(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::digest(parts.concat().as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_and_nothing_is_stored() {
    let stage = Stage::of_people().await;
    let token = Account::default().token;
    let good = signature(&[&token, "1735689600", "n"]);
    let query = format!("?signature={good}&timestamp=1735689600&nonce=n");
    let plain = "<xml><FromUserName>o</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>x</Content><MsgId>1</MsgId></xml>";
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><xml><Encrypt>&b;</Encrypt></xml>";
    let encrypted = |body: &str| format!("<xml><Encrypt>{body}</Encrypt></xml>");
    let signed = |body: &str| {
        let message = signature(&[&token, "1735689600", "n", body]);
        format!("{query}&encrypt_type=aes&msg_signature={message}")
    };
    let hashes = "#".repeat(10_000);
    let cases = [
        (
            "an unknown inbox",
            "/callback/nobody".to_owned(),
            plain.to_owned(),
            404,
        ),
        (
            "no signature",
            "/callback/mall".to_owned(),
            plain.to_owned(),
            401,
        ),
        (
            "a forged one",
            "/callback/mall?signature=00&timestamp=1&nonce=n".to_owned(),
            plain.to_owned(),
            401,
        ),
        (
            "plain on a safe account",
            format!("/callback/mall{query}"),
            plain.to_owned(),
            401,
        ),
        (
            "an XML bomb",
            format!("/callback/mall{query}"),
            bomb.to_owned(),
            400,
        ),
        (
            "a cut body",
            format!("/callback/mall{query}"),
            plain[..40].to_owned(),
            400,
        ),
        (
            "no XML at all",
            format!("/callback/mall{query}"),
            hashes.clone(),
            400,
        ),
        (
            "a wrong message signature",
            format!("/callback/mall{query}&msg_signature=00"),
            encrypted("AAAA"),
            401,
        ),
        (
            "no blocks",
            format!("/callback/mall{}", signed("AAAA")),
            encrypted("AAAA"),
            401,
        ),
        (
            "another key's",
            format!("/callback/mall{}", signed("AAAAAAAAAAAAAAAAAAAAAA==")),
            encrypted("AAAAAAAAAAAAAAAAAAAAAA=="),
            401,
        ),
        (
            "too large",
            format!("/callback/mall{query}"),
            "x".repeat(2 << 20),
            413,
        ),
        (
            "an unsigned desk",
            "/callback/desk?SdkAppid=1400000001&CallbackCommand=C2C.CallbackAfterSendMsg"
                .to_owned(),
            "{}".to_owned(),
            401,
        ),
        (
            "another app's",
            "/callback/desk?SdkAppid=1&CallbackCommand=C2C.CallbackAfterSendMsg".to_owned(),
            "{}".to_owned(),
            401,
        ),
    ];
    let client = reqwest::Client::new();
    for (what, path, body, status) in cases {
        let answer = client
            .post(format!("{}{path}", stage.bridge.url))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            status,
            "{what}: {}",
            answer.text().await.unwrap()
        );
    }
    let other = client.put(format!("{}/callback/mall", stage.bridge.url));
    let other = other.send().await.unwrap();
    assert_eq!(other.status(), 405);
    assert_eq!(other.headers()["allow"], "GET, POST", "which are");
    let ready = stage.ready().await;
    assert_eq!(
        (&ready["ready"], &ready["depths"]["open"]),
        (&true.into(), &0.into()),
        "{ready}"
    );
    let phone = stage.phone("小周");
    assert!(
        phone.says(&hashes).await.delivered(),
        "a customer's # are speech"
    );
    stage.settled().await;
}
