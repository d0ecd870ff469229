//! What the bridge asks of Dify.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bridge_sandbox::dify::{Gate, Script};
use bridge_sandbox::{AppMode, DifyApp, Happening, Shape};
use futures_util::StreamExt;
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::kit::{Box, question};

/// The events of a stream, pings as null; an error at its end is told.
async fn events(response: Response) -> (Vec<Value>, bool) {
    let (mut bytes, mut whole) = (Vec::new(), true);
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(_) => whole = false,
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let blocks = text.split("\n\n").filter(|block| !block.is_empty());
    let events = blocks.map(|block| match block.strip_prefix("data: ") {
        Some(json) => serde_json::from_str(json).unwrap_or(Value::Null),
        None => Value::Null,
    });
    (events.collect(), whole)
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["event"].as_str().unwrap_or("ping"))
        .collect()
}

fn said(events: &[Value]) -> String {
    let speech = |event: &&Value| {
        ["message", "agent_message"].contains(&event["event"].as_str().unwrap_or_default())
    };
    events
        .iter()
        .filter(speech)
        .map(|event| event["answer"].as_str().unwrap())
        .collect()
}

fn deduped<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut names = names.to_vec();
    names.dedup();
    names
}

fn old(world: &mut bridge_sandbox::Settings) {
    let app = |mode: AppMode, name: &str| DifyApp {
        key: format!("app-sandbox-{name}"),
        mode,
        shape: Shape::V0_15,
    };
    world.dify.apps = vec![
        app(AppMode::Chat, "chat"),
        app(AppMode::Agent, "agent"),
        app(AppMode::Chatflow, "chatflow"),
    ];
}

#[tokio::test]
async fn a_chat_streams_pieces_and_ends() {
    let world = Box::new();
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
        let world = Box::with(|settings| {
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
            include_str!("../fixtures/dify/02-chat-streaming.txt"),
        ),
        (
            "agent",
            "[tool] hello",
            include_str!("../fixtures/dify/14-agent-streaming-tool.txt"),
        ),
        (
            "chatflow",
            "hello",
            include_str!("../fixtures/dify/15-chatflow-streaming.txt"),
        ),
        (
            "chat",
            "[error]",
            include_str!("../fixtures/dify/05-model-error-streaming.txt"),
        ),
    ] {
        let recorded = recording
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let recorded: Vec<Value> = recorded
            .map(|json| serde_json::from_str(json).unwrap())
            .collect();
        let world = Box::with(old);
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
async fn blocking_gives_one_answer_but_not_to_agents() {
    let world = Box::new();
    world.sandbox.dify().answers("好的");
    let answer: Value = world
        .dify("chat", &question("在吗", "blocking"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&answer["event"], &answer["answer"], &answer["mode"]),
        (&json!("message"), &json!("好的"), &json!("chat"))
    );
    let refused = world.dify("agent", &question("在吗", "blocking")).await;
    assert_eq!(refused.status(), 400);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(
        body["message"],
        "Agent Chat App does not support blocking mode"
    );
    world
        .sandbox
        .dify()
        .script(Script::new().fails("completion_request_error", 400, "no model"));
    let failed = world.dify("chat", &question("在吗", "blocking")).await;
    assert_eq!(failed.status(), 400);
}

#[tokio::test]
async fn questions_are_checked_as_recorded() {
    let world = Box::new();
    let refuse = async |change: Value| {
        let mut body = question("在吗", "blocking");
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = world.dify("chat", &body).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (
            status,
            body["code"].as_str().unwrap().to_owned(),
            body["message"].as_str().unwrap().to_owned(),
        )
    };
    let invalid = |message: &str| (400, "invalid_param".to_owned(), message.to_owned());
    assert_eq!(
        refuse(json!({"user": null})).await,
        invalid("Arg user must be provided.")
    );
    assert_eq!(
        refuse(json!({"query": ""})).await,
        invalid("query is required")
    );
    assert_eq!(refuse(json!({"inputs": null})).await.0, 400);
    assert_eq!(
        refuse(json!({"conversation_id": "not-a-uuid"})).await,
        invalid("conversation_id must be a valid UUID")
    );
    let unknown = refuse(json!({"conversation_id": "0ce1372a-1e00-4b5b-af6c-918aaca74d03"})).await;
    assert_eq!(
        unknown,
        (404, "not_found".into(), "Conversation Not Exists.".into())
    );
    assert_eq!(refuse(json!({"files": [{"type": "image", "transfer_method": "local_file", "upload_file_id": "x"}]})).await, invalid("Invalid upload file"));
    let unauthorized = world.dify("nobody", &question("在吗", "blocking")).await;
    assert_eq!(unauthorized.status(), 401);
    assert_eq!(
        unauthorized.headers()["www-authenticate"],
        "Bearer realm=\"api\""
    );
    assert_eq!(
        world
            .http
            .get(format!("{}/nope", world.sandbox.dify_base()))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}

#[tokio::test]
async fn a_conversation_belongs_to_its_user_and_remembers() {
    let world = Box::new();
    let ask = async |query: &str, user: &str, id: &str| {
        let mut body = question(query, "blocking");
        body["user"] = user.into();
        body["conversation_id"] = id.into();
        world
            .dify("chat", &body)
            .await
            .json::<Value>()
            .await
            .unwrap()
    };
    let first = ask("我叫小周", "u1", "").await;
    let id = first["conversation_id"].as_str().unwrap();
    let second = ask("可以退货吗", "u1", id).await;
    assert!(
        second["answer"].as_str().unwrap().starts_with("小周，"),
        "{second}"
    );
    assert_eq!(ask("可以退货吗", "u2", id).await["code"], "not_found");
    let url = format!(
        "{}/messages?conversation_id={id}&user=u1",
        world.sandbox.dify_base()
    );
    let turns: Value = world
        .http
        .get(url)
        .bearer_auth("app-sandbox-chat")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (
            turns["data"][0]["query"].as_str(),
            turns["data"].as_array().unwrap().len()
        ),
        (Some("可以退货吗"), 2)
    );
    world.sandbox.dify().forgets_conversations();
    assert_eq!(ask("在吗", "u1", id).await["code"], "not_found");
}

#[tokio::test]
async fn the_assistant_hands_over_with_the_mark() {
    let world = Box::with(|settings| settings.dify.hand_off_mark = "<<HUMAN>>".into());
    let answer: Value = world
        .dify("chatflow", &question("转人工", "blocking"))
        .await
        .json()
        .await
        .unwrap();
    assert!(
        answer["answer"].as_str().unwrap().ends_with("<<HUMAN>>"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_run_is_stopped_by_its_own_user_only() {
    let world = Box::new();
    world.sandbox.dify().script(
        Script::new()
            .says("请稍等")
            .holds(&Gate::closed())
            .says("不该说到这里"),
    );
    let response = tokio::spawn(
        world
            .dify("chat", &question("慢慢来", "streaming"))
            .await
            .bytes(),
    );
    let asked = world.sandbox.dify().is_asked().await.unwrap();
    let stop = async |user: &str| {
        let url = format!(
            "{}/chat-messages/{}/stop",
            world.sandbox.dify_base(),
            asked.task_id
        );
        let request = world
            .http
            .post(url)
            .bearer_auth("app-sandbox-chat")
            .json(&json!({"user": user}));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(stop("somebody else").await["result"], "success");
    assert!(world.sandbox.dify().stopped().is_empty());
    assert_eq!(stop("u1").await["result"], "success");
    let body = response.await.unwrap().unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(
        text.contains("message_end") && !text.contains("不该"),
        "{text}"
    );
    assert_eq!(world.sandbox.dify().stopped(), [asked.task_id]);
}

#[tokio::test]
async fn silence_is_filled_with_pings_until_the_gate_opens() {
    let world = Box::with(|settings| settings.dify.ping_every = Duration::from_millis(20));
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
    let world = Box::new();
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
    let world = Box::new();
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
    let world = Box::with(old);
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

#[tokio::test]
async fn files_are_taken_and_belong_to_their_user() {
    let world = Box::new();
    let upload = async |part: Part| {
        let form = Form::new().part("file", part).text("user", "u1");
        let url = format!("{}/files/upload", world.sandbox.dify_base());
        world
            .http
            .post(url)
            .bearer_auth("app-sandbox-chat")
            .multipart(form)
            .send()
            .await
            .unwrap()
    };
    let png = || Part::bytes(&b"\x89PNG"[..]).file_name("猫.png");
    assert_eq!(upload(png()).await.status(), 415);
    let kept = upload(png().mime_str("image/png").unwrap()).await;
    assert_eq!(kept.status(), 201);
    let kept: Value = kept.json().await.unwrap();
    assert_eq!(
        (kept["name"].as_str(), kept["extension"].as_str()),
        (Some("猫.png"), Some("png"))
    );
    let ask = async |user: &str| {
        let mut body = question("看图", "blocking");
        body["user"] = user.into();
        body["files"] = json!([{"type": "image", "transfer_method": "local_file", "upload_file_id": kept["id"]}]);
        world.dify("chat", &body).await.status().as_u16()
    };
    assert_eq!(ask("u1").await, 200);
    assert_eq!(ask("u2").await, 400);
    assert_eq!(
        world.sandbox.dify().is_asked().await.unwrap().files.len(),
        1
    );
}

#[tokio::test]
async fn an_app_tells_what_it_is() {
    let world = Box::new();
    let url = |path: &str| format!("{}/{path}", world.sandbox.dify_base());
    let get = async |path: &str| -> Value {
        world
            .http
            .get(url(path))
            .bearer_auth("app-sandbox-chatflow")
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(get("info").await["mode"], "advanced-chat");
    assert_eq!(get("parameters").await["file_upload"]["enabled"], true);
}
