//! Listening by the clock: streams made here, so that a test knows what was heard before it moves time.

use std::{sync::Arc, time::Duration};

use bridge_convertors::dify::Outcome;
use bridge_core::bot::Cancelled;
use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::{Body, Response};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::{
    super::{
        client::Reply,
        listen::{Broken, Heard, Listener},
        patience::{Over, Patience},
    },
    END,
    kit::Kit,
    piece,
};

/// A stream in a test's hands.
struct Wire {
    send: mpsc::UnboundedSender<Bytes>,
    all_heard: oneshot::Receiver<()>,
}

/// A reply that says `events` and then stays open until the wire is dropped. `all_heard` resolves when the listener has
/// taken them and asks for more.
fn wired(events: &[&str]) -> (Reply, Wire) {
    let (send, mut receive) = mpsc::unbounded_channel::<Bytes>();
    let (heard, all_heard) = oneshot::channel();
    let said: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    let opening = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(said))]);
    let mut heard = Some(heard);
    let rest = futures_util::stream::poll_fn(move |context| {
        if let Some(heard) = heard.take() {
            let _ = heard.send(());
        }
        receive.poll_recv(context).map(|bytes| bytes.map(Ok))
    });
    let body = Body::wrap_stream(opening.chain(rest));
    let response = Response::from(http::Response::new(body));
    (Reply::Stream(response), Wire { send, all_heard })
}

/// Hears a reply on the side, with thirty seconds for silence and ninety for all.
fn hears(kit: &Kit, reply: Reply, cancelled: Cancelled) -> tokio::task::JoinHandle<Heard> {
    let (ai, clock) = (kit.ai.clone(), kit.clock.clone());
    tokio::spawn(async move {
        let patience = Patience::new(clock, Duration::from_secs(90), cancelled);
        let listener = Listener {
            dify: &ai.dify,
            user: "mall:o-zhou",
            patience: &patience,
            idle: Duration::from_secs(30),
        };
        listener.hear(reply).await
    })
}

const STOP: &str = "POST /v1/chat-messages/task-1/stop ";

#[tokio::test]
async fn a_run_that_nobody_wants_is_stopped_on_difys_side() {
    let mut kit = Kit::new().await;
    kit.peer.json(STOP, 200, r#"{"result":"success"}"#);
    let (reply, wire) = wired(&[&piece("您好")]);
    let cancelled = Cancelled::default();
    let task = hears(&kit, reply, cancelled.clone());
    wire.all_heard.await.unwrap();
    cancelled.cancel();
    let stop = kit.peer.asked().await;
    assert!(stop.line.starts_with(STOP), "{}", stop.line);
    assert_eq!(stop.json(), json!({"user": "mall:o-zhou"}));
    assert_eq!(
        task.await.unwrap().broken,
        Some(Broken::Over(Over::Cancelled))
    );
}

#[tokio::test]
async fn a_run_that_the_next_life_asks_for_is_left_alone() {
    let mut kit = Kit::new().await;
    let (reply, wire) = wired(&[&piece("您好")]);
    let cancelled = Cancelled::default();
    let task = hears(&kit, reply, cancelled.clone());
    wire.all_heard.await.unwrap();
    cancelled.interrupt();
    task.await.unwrap();
    assert!(kit.peer.rest().is_empty());
}

#[tokio::test]
async fn when_the_time_is_over_the_run_is_stopped_and_what_was_heard_is_kept() {
    let mut kit = Kit::new().await;
    kit.peer.json(STOP, 200, r#"{"result":"success"}"#);
    let (reply, wire) = wired(&[&piece("您好")]);
    let task = hears(&kit, reply, Cancelled::default());
    wire.all_heard.await.unwrap();
    // Signs of life keep it waiting beyond the time for silence, but not beyond all time.
    for _ in 0..4 {
        kit.clock.advance(Duration::from_secs(20));
        wire.send
            .send(Bytes::from_static(b"event: ping\n\n"))
            .unwrap();
        settled(&kit).await;
    }
    kit.clock.advance(Duration::from_secs(10));
    let heard = task.await.unwrap();
    assert_eq!(heard.broken, Some(Broken::Over(Over::Late)));
    assert_eq!(
        (heard.answer.text.as_str(), heard.answer.outcome),
        ("您好", Outcome::Incomplete)
    );
    assert!(kit.peer.asked().await.line.starts_with(STOP));
}

/// Waits until the listener sleeps anew for its thirty seconds of silence.
async fn settled(kit: &Kit) {
    kit.clock.sleeping_for(Duration::from_secs(30), 1).await;
}

#[tokio::test]
async fn silence_ends_it_without_a_stop_because_it_is_asked_for_again() {
    let mut kit = Kit::new().await;
    let (reply, wire) = wired(&[&piece("您好")]);
    let task = hears(&kit, reply, Cancelled::default());
    wire.all_heard.await.unwrap();
    settled(&kit).await;
    kit.clock.advance(Duration::from_secs(30));
    assert_eq!(task.await.unwrap().broken, Some(Broken::Over(Over::Silent)));
    assert!(kit.peer.rest().is_empty());
}

#[tokio::test]
async fn after_its_end_a_stream_is_read_for_two_seconds_more() {
    let kit = Kit::new().await;
    let (reply, wire) = wired(&[&piece("您好"), END]);
    let task = hears(&kit, reply, Cancelled::default());
    wire.all_heard.await.unwrap();
    let slept = kit.clock.wake_within(Duration::from_secs(20)).await;
    assert_eq!(slept, Duration::from_secs(2));
    let heard = task.await.unwrap();
    assert_eq!(
        (heard.broken, heard.answer.outcome),
        (None, Outcome::Complete)
    );

    let (reply, wire) = wired(&[&piece("您好"), END]);
    let task = hears(&kit, reply, Cancelled::default());
    wire.all_heard.await.unwrap();
    let failed = r#"data: {"event":"workflow_finished","data":{"status":"failed","error":"boom"}}"#;
    wire.send
        .send(Bytes::from(format!("{failed}\n\n")))
        .unwrap();
    drop(wire.send);
    assert!(matches!(
        task.await.unwrap().answer.outcome,
        Outcome::Failed(_)
    ));
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut() {
    let kit = Kit::new().await;
    let (reply, wire) = wired(&[]);
    let task = hears(&kit, reply, Cancelled::default());
    let page = Arc::new(b"event: ping\n\n".repeat(80_000));
    for _ in 0..70 {
        wire.send
            .send(Bytes::from_owner(Arc::unwrap_or_clone(page.clone())))
            .unwrap();
    }
    let heard = task.await.unwrap();
    assert!(matches!(heard.broken, Some(Broken::Cut(_))));
}
