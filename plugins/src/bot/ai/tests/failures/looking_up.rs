//! An answer that was lost on the way is looked up before anything is asked again.

use bridge_core::bot::Turn;
use serde_json::json;

use super::super::{
    END,
    kit::{Kit, remembered, told},
    peer::{CHAT, MESSAGES, response},
    piece,
};
use super::{asked_patiently, going_on};

fn record(id: &str, query: &str, answer: &str, after: i64) -> String {
    let created_at = bridge_core::testkit::NOW.as_secs() + after;
    json!({"data": [{"id": id, "conversation_id": "conv-0", "query": query, "answer": answer,
        "status": "normal", "created_at": created_at}]})
    .to_string()
}

#[tokio::test]
async fn after_a_proxys_time_out_the_answer_is_looked_up() {
    let mut kit = Kit::new().await;
    let turn = going_on(&kit, "在吗").await;
    kit.peer.raw(CHAT, response(504, "text/html", "", "<html>"));
    kit.peer.json(
        MESSAGES,
        200,
        &record("msg-9", "在吗", "在的 ![](/files/x.png)", 3),
    );
    kit.peer
        .raw("GET /files/x.png ", response(200, "image/png", "", "X"));
    let effects = asked_patiently(&kit, turn).await.unwrap();
    assert_eq!(told(&effects), ["在的", "Image"]);
    assert_eq!(remembered(&effects).unwrap()["message"], "msg-9");
    let lines = kit.peer.rest();
    let asked = lines.iter().filter(|line| line.starts_with(CHAT)).count();
    assert_eq!(
        asked, 2,
        "one for the greeting, one for the question: {lines:?}"
    );
    let looked = lines
        .iter()
        .find(|line| line.starts_with(MESSAGES))
        .unwrap();
    assert!(
        looked.contains("user=mall%3Ao-zhou&conversation_id=conv-0"),
        "{looked}"
    );
}

#[tokio::test]
async fn an_old_or_foreign_record_is_no_answer() {
    let old = record("msg-9", "在吗", "很久以前的回答", -600);
    let known = record("msg-0", "在吗", "上一次的回答", 0);
    let other = record("msg-9", "别的问题", "别的回答", 0);
    for records in [old, known, other, "<html>".to_owned()] {
        let kit = Kit::new().await;
        let turn = going_on(&kit, "在吗").await;
        kit.peer.raw(CHAT, response(502, "text/html", "", ""));
        kit.peer.json(MESSAGES, 200, &records);
        kit.peer.chat_events(&[&piece("新的回答"), END]);
        let effects = asked_patiently(&kit, turn).await.unwrap();
        assert_eq!(told(&effects), ["新的回答"], "{records}");
    }
}

#[tokio::test]
async fn a_first_question_is_looked_for_in_the_newest_conversation() {
    let kit = Kit::new().await;
    kit.peer.raw(CHAT, response(524, "text/html", "", ""));
    kit.peer.json(
        "GET /v1/conversations?user=mall",
        200,
        r#"{"data":[{"id":"conv-0"}]}"#,
    );
    kit.peer
        .json(MESSAGES, 200, &record("msg-1", "在吗", "在的", 1));
    let effects = asked_patiently(&kit, Turn::of_contact("在吗"))
        .await
        .unwrap();
    assert_eq!(told(&effects), ["在的"]);
    assert_eq!(remembered(&effects).unwrap()["conversation"], "conv-0");
}

#[tokio::test]
async fn a_chatflow_goes_on_without_us_and_is_waited_for() {
    let kit = Kit::with(json!({"app": "chatflow"})).await;
    kit.peer.chat_events(&[&piece("在"), &piece("的")]);
    for answer in ["", "", "在的，请说。"] {
        let running = record("msg-1", "在吗", answer, 1);
        kit.peer.json(MESSAGES, 200, &running);
    }
    let effects = asked_patiently(&kit, Turn::of_contact("在吗"))
        .await
        .unwrap();
    assert_eq!(told(&effects), ["在的，请说。"]);
}

#[tokio::test]
async fn a_second_life_looks_before_it_asks() {
    let mut kit = Kit::new().await;
    let mut turn = going_on(&kit, "在吗").await;
    turn.attempt = 2;
    kit.peer
        .json(MESSAGES, 200, &record("msg-9", "在吗", "在的", 1));
    assert_eq!(told(&kit.answer(&turn).await.unwrap()), ["在的"]);
    let asked = kit
        .peer
        .rest()
        .into_iter()
        .filter(|line| line.starts_with(CHAT));
    assert_eq!(asked.count(), 1, "the greeting's");
}
