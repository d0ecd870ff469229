//! The channel against callbacks as they should and should not be, and against a server that answers by order.

use std::time::Duration;

use bridge_core::{
    channel::ChannelErrorKind,
    clock::Timestamp,
    error::Remedy,
    message::{ArrivalId, Author, ConversationId, DispatchId, MenuItem, PeerId, What},
    plugin::read_config,
    testkit::{NOW, tools},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

const SECRET: &str = "0123456789abcdef";

fn built(api_base: &str, secret: &str) -> Result<Webhook, BuildError> {
    let config = json!({ "api_base": api_base, "secret": secret });
    Webhook::build(read_config(config).unwrap(), &tools())
}

fn webhook() -> Webhook {
    built("http://127.0.0.1:9", SECRET).unwrap()
}

fn signed(body: &Value, at: Timestamp) -> Delivery {
    let body = body.to_string().into_bytes();
    Delivery {
        verb: Verb::Post,
        query: Signer::new(Secret::new(SECRET)).query(at, &body),
        body: body.into(),
        received_at: NOW,
    }
}

fn hello() -> Value {
    json!({ "id": "m-1", "from": "user-7", "name": "小周", "sent_at": 1_767_232_799, "text": "在吗" })
}

#[test]
fn the_signature_is_the_one_another_hand_computes() {
    // printf '1767232800.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
    let query = Signer::new(Secret::new(SECRET)).query(NOW, br#"{"a":1}"#);
    assert_eq!(
        query,
        "timestamp=1767232800&signature=03110db594ee33eb1eb042456190346364dc6c8afbf552c8760b82c4a5dfb53f"
    );
}

#[test]
fn a_message_comes_in() {
    let decoded = webhook().decode(&signed(&hello(), NOW)).unwrap();
    assert_eq!(decoded.ack.body, r#"{"ok":true}"#);
    let [arrival] = decoded.arrivals.as_slice() else {
        panic!("one arrival: {decoded:?}");
    };
    assert_eq!(arrival.inbox.as_str(), "test");
    assert_eq!(arrival.external_id.as_str(), "1767232799:m-1");
    assert_eq!(arrival.peer.as_str(), "user-7");
    assert_eq!(arrival.author, Author::Contact);
    assert_eq!(arrival.what, What::Content(Content::text("在吗")));
    assert_eq!(arrival.received_at, NOW);
    let name = arrival
        .profile
        .as_ref()
        .and_then(|profile| profile.name.as_deref());
    assert_eq!(name, Some("小周"));
}

#[test]
fn a_picture_comes_in_by_its_address() {
    let picture = json!({ "id": "m-2", "from": "user-7", "sent_at": 1, "picture": "https://img.acme.example/1.jpg" });
    let decoded = webhook().decode(&signed(&picture, NOW)).unwrap();
    let media = Media::remote(
        &InboxName::new("test"),
        "",
        Some("https://img.acme.example/1.jpg".to_owned()),
    );
    assert_eq!(
        decoded.arrivals[0].what,
        What::Content(Content::Image { media })
    );
}

#[test]
fn what_is_not_the_apps_is_refused() {
    let good = signed(&hello(), NOW);
    let kind = |delivery: &Delivery| webhook().decode(delivery).unwrap_err().kind;
    let mut other_body = good.clone();
    other_body.body = hello().to_string().replace("在吗", "在嘛").into();
    let unsigned = Delivery {
        query: String::new(),
        ..good.clone()
    };
    let mut other_time = good.clone();
    other_time.query = good.query.replace("1767232800", "1767232801");
    let old = signed(&hello(), NOW - Duration::from_secs(301));
    let early = signed(&hello(), NOW + Duration::from_secs(301));
    for delivery in [other_body, unsigned, other_time, old, early] {
        assert_eq!(kind(&delivery), ChannelErrorKind::Forged, "{delivery:?}");
    }
    let late = signed(&hello(), NOW - Duration::from_secs(300));
    assert!(webhook().decode(&late).is_ok());
}

#[test]
fn what_cannot_be_read_is_refused() {
    let long = "x".repeat(65);
    for body in [
        json!([]),
        json!({}),
        json!({ "id": "", "from": "u", "sent_at": 1, "text": "a" }),
        json!({ "id": long, "from": "u", "sent_at": 1, "text": "a" }),
        json!({ "id": "1", "from": "u", "sent_at": "now", "text": "a" }),
        json!({ "id": "1", "from": "u", "sent_at": 1 }),
        json!({ "id": "1", "from": "u", "sent_at": 1, "text": "a", "picture": "b" }),
    ] {
        let error = webhook().decode(&signed(&body, NOW)).unwrap_err();
        assert_eq!(error.kind, ChannelErrorKind::Malformed, "{body}");
    }
    let mut get = signed(&hello(), NOW);
    get.verb = Verb::Get;
    assert!(webhook().decode(&get).is_err());
}

#[test]
fn a_wrong_section_is_refused_by_its_key() {
    for (api_base, secret, key) in [
        ("https://chat.acme.example", "s3cr3t", "secret"),
        ("chat.acme.example", SECRET, "api_base"),
        ("ftp://chat.acme.example", SECRET, "api_base"),
    ] {
        let fault = built(api_base, secret).err().expect(key);
        assert_eq!(fault.key, key);
        assert!(!fault.to_string().contains("s3cr3t"), "no secret is shown");
    }
}

fn dispatch(content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(42),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("test"),
        to: PeerId::new("user-7"),
        sender: None,
        content,
        attempt: 1,
        created_at: NOW,
    }
}

/// A server that answers one request with this status and hands back what it was asked.
async fn server(status: &'static str) -> (String, JoinHandle<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let (head, length) = loop {
            request.push(stream.read_u8().await.unwrap());
            if request.ends_with(b"\r\n\r\n") {
                let head = String::from_utf8(std::mem::take(&mut request)).unwrap();
                let length = head.lines().find_map(|line| {
                    let (key, value) = line.split_once(": ")?;
                    key.eq_ignore_ascii_case("content-length")
                        .then(|| value.to_owned())
                });
                break (head, length.unwrap().parse().unwrap());
            }
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        (head, body)
    });
    (base, asked)
}

#[tokio::test]
async fn an_answer_goes_out_signed_and_with_its_id() {
    let (base, asked) = server("200 OK").await;
    let channel = built(&format!("{base}/api/"), SECRET).unwrap();
    let receipt = channel
        .send(&dispatch(Content::text("您好")))
        .await
        .unwrap();
    assert!(receipt.lost.is_empty());
    let (head, body) = asked.await.unwrap();
    let sent: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(sent, json!({ "id": "42", "to": "user-7", "text": "您好" }));
    let (path, query) = head.lines().next().unwrap().split_once('?').unwrap();
    assert_eq!(path, "POST /api/messages");
    let now = bridge_core::clock::Clock::now(&bridge_core::clock::SystemClock);
    let delivery = Delivery {
        verb: Verb::Post,
        query: query.trim_end_matches(" HTTP/1.1").to_owned(),
        body: body.into(),
        received_at: now,
    };
    assert_eq!(Signer::new(Secret::new(SECRET)).check(&delivery), Ok(()));
}

#[tokio::test]
async fn a_menu_is_shown_as_words_and_the_loss_is_told() {
    let (base, asked) = server("202 Accepted").await;
    let menu = Content::Menu {
        head: "请打分：".to_owned(),
        items: vec![MenuItem {
            id: "15".to_owned(),
            label: "非常满意".to_owned(),
        }],
        tail: "谢谢".to_owned(),
    };
    let channel = built(&base, SECRET).unwrap();
    let receipt = channel.send(&dispatch(menu)).await.unwrap();
    assert_eq!(receipt.lost.len(), 1);
    let sent: Value = serde_json::from_slice(&asked.await.unwrap().1).unwrap();
    assert_eq!(sent["text"], "请打分：\n15. 非常满意\n谢谢");
}

#[tokio::test]
async fn a_failure_says_whether_trying_again_helps() {
    for (status, remedy) in [
        ("400 Bad Request", Remedy::Never),
        ("302 Found", Remedy::Never),
        ("429 Too Many Requests", Remedy::retry_secs(10)),
        ("503 Service Unavailable", Remedy::retry_secs(2)),
    ] {
        let (base, asked) = server(status).await;
        let channel = built(&base, SECRET).unwrap();
        let error = channel
            .send(&dispatch(Content::text("您好")))
            .await
            .unwrap_err();
        assert_eq!(error.remedy, remedy, "{status}");
        assert_eq!(error.code, status[..3].parse().ok());
        asked.await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again_and_the_log_shows_no_signature() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let channel = built(&base, SECRET).unwrap();
    let error = channel
        .send(&dispatch(Content::text("您好")))
        .await
        .unwrap_err();
    assert_eq!(error.remedy, Remedy::retry_secs(1));
    assert!(!error.detail.contains("signature"), "{error}");
}
