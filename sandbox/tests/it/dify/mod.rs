//! What the bridge asks of Dify.

mod apps;
mod asking;
mod streaming;

use bridge_sandbox::{AppMode, DifyApp, Shape};
use futures_util::StreamExt;
use reqwest::Response;
use serde_json::Value;

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
