//! What strangers try at the socket: origins, tokens, noise, floods, silence.

use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use super::site;
use crate::{
    stage::Stage,
    visitor::{Visitor, knock},
};

#[tokio::test(flavor = "multi_thread")]
async fn foreign_origins_are_refused() {
    let stage = site("").await;
    let status = |error: Error| match error {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    };
    for origin in [
        None,
        Some("https://evil.example"),
        Some("https://www.example.com.evil.example"),
        Some("http://www.example.com"),
        Some("https://example.com"),
        Some("null"),
    ] {
        assert_eq!(
            status(knock(&stage.bridge.url, origin).await.unwrap_err()),
            403,
            "{origin:?}"
        );
    }
    assert!(
        knock(&stage.bridge.url, Some("https://www.example.com"))
            .await
            .is_ok()
    );
    // The callback's door is closed to everybody: only the socket has the seal.
    let forged = reqwest::Client::new()
        .post(format!("{}/callback/site", stage.bridge.url))
        .body("0123456789012345678901234567890123456789[]")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 401);
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_expire_and_cannot_be_made() {
    let stage = site("token_lifetime = \"60s\"\n").await;
    let visitor = Visitor::comes(&stage.bridge.url).await;
    let token = visitor.token.clone();
    let mut forged = token.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for token in [
        String::from_utf8(forged).unwrap(),
        String::new(),
        "x".repeat(4000),
    ] {
        let hello = json!({ "t": "hello", "token": token }).to_string();
        assert_eq!(
            shown_out(&stage, Message::text(hello)).await,
            CloseCode::Library(4401),
            "{token}"
        );
    }
    // What was signed for another purpose, or is no hello at all.
    for noise in [
        "{}",
        "",
        "[]",
        "{\"t\":\"say\"}",
        "{\"t\":\"hello\",\"after\":\"x\"}",
        &"{".repeat(4000),
    ] {
        assert_eq!(
            shown_out(&stage, Message::text(noise)).await,
            CloseCode::Policy,
            "{noise}"
        );
    }
    assert_eq!(
        shown_out(&stage, Message::binary(vec![0; 10])).await,
        CloseCode::Policy
    );
    stage.settled().await;
}

/// What the server says to somebody who begins with this.
async fn shown_out(stage: &Stage, first: Message) -> CloseCode {
    use futures_util::{SinkExt as _, StreamExt as _};
    let mut socket = knock(&stage.bridge.url, Some(&stage.bridge.url))
        .await
        .unwrap();
    let _ = socket.send(first).await;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            return frame.code;
        }
    }
    CloseCode::Abnormal
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused() {
    let stage = site("messages_per_minute = 5\ntext_bytes = 100\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(visitor.says(&"长".repeat(40)).await["why"], "too_long");
    assert_eq!(visitor.says("  \n ").await["why"], "malformed");
    let old = format!("{}-scenario00000000", visitor.now - 90_000);
    assert_eq!(visitor.says_as(&old, "很久以前").await["why"], "stale");
    assert_eq!(visitor.says_as("1-2", "没有号码").await["why"], "malformed");
    let mut taken = 0;
    let refused = loop {
        let answer = visitor.says("快").await;
        match answer["t"] == "taken" {
            true => taken += 1,
            false => break answer,
        }
        assert!(taken <= 6, "nobody counts");
    };
    assert_eq!(refused["why"], "too_fast");
    assert!(refused["after"].as_i64().unwrap() > 0, "{refused}");
    assert!(taken >= 5, "{taken}");
    // A frame beyond all bounds, whole or in pieces of a megabyte that is never sent: the socket is closed.
    visitor.sends_raw(Message::text("x".repeat(1 << 20))).await;
    assert_eq!(visitor.is_shown_out().await, CloseCode::Size);
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sockets_are_bounded_and_those_inside_go_on() {
    let stage = site("sockets = 100\nsockets_per_address = 1000\nsockets_per_visitor = 2\nnew_visitors_per_minute = 1\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let mut second = Visitor::back(&stage.bridge.url, Some(&visitor.token), None).await;
    let mut inside = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        match knock(&stage.bridge.url, Some(&stage.bridge.url)).await {
            Ok(socket) => inside.push(socket),
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 503);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((inside.len(), refused), (98, 902));
    visitor.says("里面的人照常").await;
    visitor.reads("里面的人照常").await;
    second.reads("里面的人照常").await;
    inside.clear();
    // A seat is free again once the server has seen them go; a third tab of one visitor finds none.
    let token = visitor.token.clone();
    let hello = json!({ "t": "hello", "token": token }).to_string();
    loop {
        match knock(&stage.bridge.url, Some(&stage.bridge.url)).await {
            Ok(socket) => {
                drop(socket);
                break;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert_eq!(
        shown_out(&stage, Message::text(hello)).await,
        CloseCode::Library(4429)
    );
    // There was a new visitor from here within this minute.
    let new = json!({ "t": "hello" }).to_string();
    assert_eq!(
        shown_out(&stage, Message::text(new)).await,
        CloseCode::Library(4429)
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_silent_are_shown_out_and_a_stop_asks_all_to_come_back() {
    let mut stage = site("idle_timeout = \"1s\"\n").await;
    let mut silent = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(silent.is_shown_out().await, CloseCode::Library(4000));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(stage.bridge.terminate(), Some(0));
    assert!(matches!(
        visitor.is_shown_out().await,
        CloseCode::Away | CloseCode::Library(4000)
    ));
}
