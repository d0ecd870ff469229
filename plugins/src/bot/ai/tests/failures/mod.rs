//! Everything that goes wrong, and that a contact is never left without a word.

mod looking_up;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bridge_core::{
    bot::{BotError, Effect, Turn},
    error::Remedy,
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{
    END,
    kit::{KEY, Kit, remembered, routed, told, turn_with},
    peer::{CHAT, MESSAGES, response},
    piece,
};

type Answered = Result<Vec<Effect>, BotError>;

/// Lets time go by whenever the assistant pauses, until it is done.
pub(super) async fn patiently(kit: &Kit, task: JoinHandle<Answered>) -> Answered {
    tokio::pin!(task);
    loop {
        tokio::select! {
            biased;
            done = &mut task => return done.unwrap(),
            _ = kit.clock.wake_within(Duration::from_secs(20)) => {}
        }
    }
}

async fn asked_patiently(kit: &Kit, turn: Turn) -> Answered {
    patiently(kit, kit.asks(turn)).await
}

fn known() -> serde_json::Value {
    let app = super::super::memory::fingerprint("", "");
    json!({"app": app, "conversation": "conv-0", "message": "msg-0"})
}

/// A turn that goes on with Dify's conversation `conv-0`.
async fn going_on(kit: &Kit, words: &str) -> Turn {
    kit.peer.chat_events(&[&piece("早"), END]);
    let effects = kit.answer(&Turn::of_contact("早")).await.unwrap();
    let mut memory = remembered(&effects).unwrap();
    memory["conversation"] = "conv-0".into();
    memory["message"] = "msg-0".into();
    turn_with(words, Some(memory))
}

#[tokio::test]
async fn a_wrong_key_is_said_once_and_never_shown() {
    let mut kit = Kit::new().await;
    kit.peer.chat_recorded("10-errors-bad-key.txt", 0);
    let error = kit.answer(&Turn::of_contact("在吗")).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Never);
    assert_eq!(error.detail, "Dify 未能回答（HTTP 401 unauthorized）");
    assert!(!format!("{error:?}").contains(KEY));
    kit.peer.asked().await;
    assert!(kit.peer.rest().is_empty());
}

/// Everything that is logged, by anybody, from here on in this thread.
fn logged() -> (Arc<Mutex<Vec<u8>>>, tracing::subscriber::DefaultGuard) {
    // With one subscriber alone, a log line that another test's thread reaches first is remembered as unwanted for all.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let log = Arc::new(Mutex::new(Vec::new()));
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(Written::to(log.clone()))
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn the_key_is_in_no_log_even_if_a_gateway_repeats_it() {
    let (log, _guard) = logged();
    let kit = Kit::with(json!({"retries": 1})).await;
    let page = format!("<pre>Authorization: Bearer {KEY}</pre>");
    kit.peer.raw(CHAT, response(502, "text/html", "", &page));
    let code = format!(r#"{{"code":"{KEY}","message":"{KEY}"}}"#);
    kit.peer.chat_refused(400, &code);
    let error = asked_patiently(&kit, Turn::of_contact("在吗"))
        .await
        .unwrap_err();
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("Dify did not answer") && log.contains("***"),
        "{log}"
    );
    assert!(!log.contains(KEY), "{log}");
    assert!(!error.to_string().contains(KEY));
}

#[tokio::test]
async fn a_forgotten_conversation_is_begun_anew() {
    let mut kit = Kit::new().await;
    let turn = going_on(&kit, "在吗").await;
    kit.peer
        .chat_recorded("10-errors-unknown-conversation.txt", 0);
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    let effects = kit.answer(&turn).await.unwrap();
    assert_eq!(told(&effects), ["stub: hello there"]);
    let memory = remembered(&effects).unwrap();
    assert_eq!(
        memory["conversation"],
        "ff534ebf-f4fe-4e81-9116-2ddd91d53f82"
    );
    kit.peer.asked().await;
    assert_eq!(kit.peer.asked().await.json()["conversation_id"], "conv-0");
    assert_eq!(kit.peer.asked().await.json().get("conversation_id"), None);
}

#[tokio::test]
async fn a_crowded_app_is_asked_again_when_it_said() {
    let mut kit = Kit::new().await;
    let body = r#"{"code":"too_many_requests","message":"…","status":429}"#;
    let busy = response(429, "application/json", "Retry-After: 7\r\n", body);
    kit.peer.raw(CHAT, busy);
    kit.peer.chat_events(&[&piece("来了"), END]);
    let task = kit.asks(Turn::of_contact("在吗"));
    kit.peer.asked().await;
    let slept = kit.clock.wake_within(Duration::from_secs(20)).await;
    assert_eq!(slept, Duration::from_secs(7));
    kit.peer.asked().await;
    assert_eq!(told(&task.await.unwrap().unwrap()), ["来了"]);
}

#[tokio::test]
async fn pauses_grow_and_end() {
    let mut kit = Kit::new().await;
    for _ in 0..4 {
        kit.peer
            .chat_refused(500, r#"{"code":"internal_server_error"}"#);
    }
    let task = kit.asks(Turn::of_contact("在吗"));
    let mut slept = Vec::new();
    for _ in 0..3 {
        kit.peer.asked().await;
        slept.push(
            kit.clock
                .wake_within(Duration::from_secs(20))
                .await
                .as_millis(),
        );
    }
    let error = task.await.unwrap().unwrap_err();
    assert_eq!(
        error.detail,
        "Dify 未能回答（HTTP 500 internal_server_error）"
    );
    assert!((1000..=1250).contains(&slept[0]), "{slept:?}");
    assert!((2000..=2500).contains(&slept[1]), "{slept:?}");
    assert!((4000..=5000).contains(&slept[2]), "{slept:?}");
    assert_eq!(kit.peer.unused(), 0);
}

#[tokio::test]
async fn nobody_there_is_an_error_in_the_end() {
    let kit = Kit::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", closed.local_addr().unwrap());
    drop(closed);
    let ai = super::kit::build(&base, json!({}), kit.clock.clone(), Default::default());
    let kit = Kit {
        ai: ai.into(),
        ..kit
    };
    let error = asked_patiently(&kit, Turn::of_contact("在吗"))
        .await
        .unwrap_err();
    assert_eq!(error.detail, "Dify 未能回答（unreachable）");
}

#[tokio::test]
async fn a_model_that_fails_is_tried_once_more() {
    let kit = Kit::new().await;
    kit.peer.chat_recorded("05b-model-cut-midstream.txt", 0);
    kit.peer.chat_recorded("02-chat-streaming.txt", 0);
    let effects = asked_patiently(&kit, Turn::of_contact("hello there"))
        .await
        .unwrap();
    assert_eq!(
        told(&effects),
        ["stub: hello there"],
        "no word of the failed try"
    );

    let kit = Kit::new().await;
    kit.peer.chat_recorded("05-model-error-streaming.txt", 0);
    kit.peer.chat_recorded("05-model-error-streaming.txt", 1);
    let error = asked_patiently(&kit, Turn::of_contact("在吗"))
        .await
        .unwrap_err();
    assert_eq!(
        error.detail,
        "Dify 未能回答（HTTP 400 completion_request_error）"
    );
    assert_eq!(kit.peer.unused(), 0);
}

#[tokio::test]
async fn a_failed_chatflow_is_a_failure_though_http_says_200() {
    let kit = Kit::with(json!({"app": "chatflow", "retries": 0})).await;
    kit.peer
        .chat_recorded("15-chatflow-model-error-streaming.txt", 0);
    assert!(kit.answer(&Turn::of_contact("[err 500]")).await.is_err());
}

#[tokio::test]
async fn an_answer_without_words_is_asked_for_once_more_and_then_failed() {
    let kit = Kit::new().await;
    for _ in 0..2 {
        kit.peer
            .chat_recorded("03-chat-streaming-empty-answer.txt", 0);
    }
    kit.peer.json(MESSAGES, 200, r#"{"data":[]}"#);
    let error = asked_patiently(&kit, Turn::of_contact("[empty]"))
        .await
        .unwrap_err();
    assert_eq!(error.detail, "Dify 未能回答（empty_answer）");
    assert_eq!(kit.peer.unused(), 0);
}

#[tokio::test]
async fn half_an_answer_is_given_with_an_apology_and_a_person() {
    let kit = Kit::with(json!({"retries": 0})).await;
    kit.peer.chat_events(&[&piece("退货请先"), &piece("联系")]);
    let effects = kit.answer(&Turn::of_contact("怎么退货")).await.unwrap();
    assert_eq!(
        told(&effects),
        [
            "退货请先联系……",
            "抱歉，智能助手暂时无法回答，正在为您联系人工客服。"
        ]
    );
    assert!(routed(&effects).is_some());
    assert_eq!(remembered(&effects).unwrap()["conversation"], "conv-1");
}

#[tokio::test]
async fn without_people_there_is_an_apology_and_a_note() {
    let kit = Kit::with(json!({"on_failure": "apologise", "retries": 0})).await;
    kit.peer.chat_recorded("10-errors-bad-key.txt", 0);
    let effects = kit.answer(&Turn::of_contact("在吗")).await.unwrap();
    assert_eq!(
        told(&effects),
        ["抱歉，我暂时无法回答这个问题，请稍后再试。"]
    );
    assert_eq!(routed(&effects), None);
    assert!(matches!(&effects[1], Effect::Note(note) if note.contains("401")));
}

#[tokio::test]
async fn a_refused_stream_is_asked_for_whole_but_never_of_an_agent() {
    let mut kit = Kit::new().await;
    let refusal = r#"{"code":"bad_request","message":"streaming is disabled here"}"#;
    kit.peer.chat_refused(400, refusal);
    kit.peer.chat_recorded("01-chat-blocking.txt", 0);
    assert_eq!(kit.told("hello there").await, ["stub: hello there"]);
    kit.peer.asked().await;
    assert_eq!(kit.peer.asked().await.json()["response_mode"], "blocking");

    let kit = Kit::with(json!({"app": "agent"})).await;
    kit.peer.chat_refused(400, refusal);
    assert!(kit.answer(&Turn::of_contact("hello")).await.is_err());
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_a_failure() {
    let kit = Kit::new().await;
    kit.peer
        .raw(CHAT, response(200, "text/html", "", "<html>login</html>"));
    let error = kit.answer(&Turn::of_contact("在吗")).await.unwrap_err();
    assert_eq!(error.detail, "Dify 未能回答（HTTP 200）");
}

#[tokio::test]
async fn who_is_not_wanted_any_more_hangs_up() {
    let mut kit = Kit::new().await;
    let gone = kit.peer.chat_hangs(&[&piece("您好")]);
    let turn = Turn::of_contact("在吗");
    let cancelled = turn.cancelled.clone();
    let task = kit.asks(turn);
    kit.peer.asked().await;
    cancelled.cancel();
    assert_eq!(task.await.unwrap().unwrap(), []);
    gone.await.unwrap();
}

#[tokio::test]
async fn a_silent_dify_is_given_up_when_the_time_is_over() {
    let mut kit = Kit::with(json!({"retries": 0})).await;
    let gone = kit.peer.chat_hangs(&[]);
    let task = kit.asks(Turn::of_contact("在吗"));
    kit.peer.asked().await;
    kit.clock.advance(Duration::from_secs(90));
    let error = task.await.unwrap().unwrap_err();
    assert_eq!(error.detail, "Dify 没有在规定时间内给出完整回答");
    gone.await.unwrap();
}

#[tokio::test]
async fn a_memory_that_cannot_be_read_is_no_memory() {
    let mut kit = Kit::new().await;
    for memory in [
        json!("?"),
        json!({"app": 3}),
        json!({"app": "x", "conversation": "../.."}),
        known(),
    ] {
        kit.peer.chat_events(&[&piece("好"), END]);
        let effects = kit.answer(&turn_with("在吗", Some(memory))).await.unwrap();
        assert_eq!(told(&effects), ["好"]);
        assert_eq!(kit.peer.asked().await.json().get("conversation_id"), None);
    }
}

/// A writer into memory.
#[derive(Clone)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn to(log: Arc<Mutex<Vec<u8>>>) -> impl Fn() -> Self {
        move || Self(log.clone())
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
