//! Streams: which events come in which order, with which fields, cut anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bridge_sandbox::dify::{Gate, Script};
use bridge_sandbox::{Happening, Shape};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{deduped, events, names, old, said};
use crate::kit::{World, question};

#[tokio::test]
async fn a_chat_streams_pieces_and_ends() {
    let world = World::new();
    let mut watch = world.sandbox.watch();
    world.sandbox.dify().answers("质量问题由商家承担。");
    let response = world.dify("chat", &question("运费谁出", "streaming")).await;
    assert_eq!(
        response.headers()["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let (events, whole) = events(response).await;
    assert!(whole);
    assert_eq!(deduped(&names(&events)), ["message", "message_end"]);
    assert_eq!(said(&events), "质量问题由商家承担。");
    let asked = world.sandbox.dify().is_asked().await.unwrap();
    assert_eq!(
        (asked.query.as_str(), asked.user.as_str()),
        ("运费谁出", "u1")
    );
    assert_eq!(events[0]["conversation_id"], asked.conversation_id);
    while !matches!(watch.recv().await.unwrap().what, Happening::Wire { .. }) {}
    let answer = &world.sandbox.wire()[0].answer;
    assert_eq!(answer.plain.as_deref(), Some("质量问题由商家承担。"));
}

#[tokio::test]
async fn each_app_and_version_has_its_order() {
    for (shape, app, expected) in [
        (
            Shape::V1_13,
            "agent",
            vec![
                "agent_thought",
                "agent_message",
                "agent_thought",
                "message_end",
            ],
        ),
        (
            Shape::V1_13,
            "chatflow",
            vec![
                "ping",
                "workflow_started",
                "node_started",
                "node_finished",
                "node_started",
                "message",
                "node_finished",
                "node_started",
                "node_finished",
                "message_end",
                "workflow_finished",
            ],
        ),
        (
            Shape::V0_15,
            "chatflow",
            vec![
                "workflow_started",
                "node_started",
                "node_finished",
                "node_started",
                "message",
                "node_finished",
                "node_started",
                "node_finished",
                "workflow_finished",
                "message_end",
            ],
        ),
    ] {
        let world = World::with(|settings| {
            if shape == Shape::V0_15 {
                old(settings)
            }
        });
        world.sandbox.dify().answers("好的");
        let (events, _) = events(world.dify(app, &question("在吗", "streaming")).await).await;
        assert_eq!(deduped(&names(&events)), expected, "{app} {shape:?}");
        assert_eq!(said(&events), "好的");
    }
}

/// The field names of each kind of event, nested ones joined by dots.
fn fields(events: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::<_, BTreeSet<_>>::new();
    for event in events {
        let names = found
            .entry(event["event"].as_str().unwrap().to_owned())
            .or_default();
        for (name, value) in event.as_object().unwrap() {
            names.insert(name.clone());
            let nested = value
                .as_object()
                .filter(|_| ["metadata", "data"].contains(&name.as_str()));
            names.extend(
                nested
                    .into_iter()
                    .flatten()
                    .map(|(inner, _)| format!("{name}.{inner}")),
            );
        }
    }
    found
}

#[tokio::test]
async fn events_carry_what_a_real_dify_was_recorded_to_send() {
    // Only 0.15 has them, and nobody needs them.
    let left_out = |name: &str| name.contains("parallel") || name.ends_with("sequence_number");
    for (app, query, recording) in [
        (
            "chat",
            "hello",
            include_str!("../../fixtures/dify/02-chat-streaming.txt"),
        ),
        (
            "agent",
            "[tool] hello",
            include_str!("../../fixtures/dify/14-agent-streaming-tool.txt"),
        ),
        (
            "chatflow",
            "hello",
            include_str!("../../fixtures/dify/15-chatflow-streaming.txt"),
        ),
        (
            "chat",
            "[error]",
            include_str!("../../fixtures/dify/05-model-error-streaming.txt"),
        ),
    ] {
        let recorded = recording
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let recorded: Vec<Value> = recorded
            .map(|json| serde_json::from_str(json).unwrap())
            .collect();
        let world = World::with(old);
        let (simulated, _) = events(world.dify(app, &question(query, "streaming")).await).await;
        let simulated = fields(&simulated);
        for (event, names) in fields(&recorded) {
            let ours = simulated
                .get(&event)
                .unwrap_or_else(|| panic!("{app} sends no {event}"));
            let missing: Vec<_> = names
                .difference(ours)
                .filter(|name| !left_out(name))
                .collect();
            assert!(missing.is_empty(), "{app}, {event}: {missing:?}");
        }
    }
}

#[tokio::test]
async fn silence_is_filled_with_pings_until_the_gate_opens() {
    let world = World::with(|settings| settings.dify.ping_every = Duration::from_millis(20));
    let gate = Gate::closed();
    world
        .sandbox
        .dify()
        .script(Script::new().holds(&gate).says("来了"));
    let mut pieces = world
        .dify("chat", &question("在吗", "streaming"))
        .await
        .bytes_stream();
    for _ in 0..3 {
        assert_eq!(
            &pieces.next().await.unwrap().unwrap()[..13],
            b"event: ping\n\n"
        );
    }
    gate.open();
    let rest: Vec<u8> = pieces.map(|piece| piece.unwrap().to_vec()).concat().await;
    assert!(String::from_utf8(rest).unwrap().contains("来了"));
}

#[tokio::test]
async fn characters_and_events_may_be_cut_anywhere() {
    let world = World::new();
    world
        .sandbox
        .dify()
        .script(Script::answer("你好，😀").cut_every(1));
    let response = world.dify("chat", &question("在吗", "streaming")).await;
    let (events, whole) = events(response).await;
    assert!(whole);
    assert_eq!(said(&events), "你好，😀");
}

#[tokio::test]
async fn failures_come_after_http_200() {
    let world = World::new();
    let ask = async |script: Script, app: &str| {
        world.sandbox.dify().script(script);
        let response = world.dify(app, &question("在吗", "streaming")).await;
        assert_eq!(response.status(), 200);
        events(response).await
    };
    let quota = Script::new().says("请稍").fails(
        "provider_quota_exceeded",
        400,
        "Your quota has been exhausted.",
    );
    let (chat, _) = ask(quota.clone(), "chat").await;
    let last = chat.last().unwrap();
    assert_eq!(
        (&last["event"], &last["code"], last.get("task_id")),
        (&json!("error"), &json!("provider_quota_exceeded"), None)
    );
    let (flow, _) = ask(quota, "chatflow").await;
    let last = flow.last().unwrap();
    assert_eq!(
        (&last["event"], &last["data"]["status"]),
        (&json!("workflow_finished"), &json!("failed"))
    );
    let (replaced, _) = ask(Script::new().says("坏话").replaces("好话"), "chat").await;
    assert_eq!(
        deduped(&names(&replaced)),
        ["message", "message_replace", "message", "message_end"]
    );
    let (gone, whole) = ask(Script::answer("说到一半").vanishes(), "chat").await;
    assert!(whole && names(&gone).iter().all(|name| *name == "message"));
    let (_, whole) = ask(Script::answer("说到一半").cuts(), "chat").await;
    assert!(!whole);
    let (tool, _) = ask(
        Script::new().uses_tool("order", "sent").says("已发货"),
        "agent",
    )
    .await;
    let ids: Vec<&Value> = tool
        .iter()
        .filter(|e| e["event"] == "agent_thought")
        .map(|e| &e["id"])
        .collect();
    assert!(ids.len() > 3 && ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn old_versions_escape_and_space_their_json() {
    let world = World::with(old);
    world.sandbox.dify().answers("你好");
    let text = world
        .dify("chat", &question("在吗", "streaming"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("\"answer\": \"\\u4f60\\u597d\"") && text.is_ascii(),
        "{text}"
    );
    let mut body = question("在吗", "blocking");
    body["conversation_id"] = "not-a-uuid".into();
    let refused: Value = world.dify("chat", &body).await.json().await.unwrap();
    assert_eq!(
        refused,
        json!({"code": "invalid_param", "message": "not-a-uuid is not a valid uuid.", "params": "conversation_id"})
    );
}
