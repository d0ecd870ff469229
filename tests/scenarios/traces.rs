//! `kefu-bridge trace`: a message's whole way, up to the word that it was read.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    stage::{Set, Stage},
    visitor::Visitor,
};

/// What the command says, as an operator types it.
fn trace(stage: &Stage, id: &Value, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
        .args(["trace", "-c"])
        .arg(stage.config())
        .arg(id.to_string())
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the dispatch that left by `inbox` is confirmed; each look is a process, which is wait enough.
fn confirmed(stage: &Stage, id: &Value, inbox: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..500 {
        last = serde_json::from_str(&trace(stage, id, &["--json"])).unwrap();
        let dispatches = last["dispatches"].as_array().unwrap();
        let found = dispatches.iter().find(|one| one["inbox"] == inbox);
        if let Some(found) = found
            && found["confirmed_at"].is_i64()
        {
            return found.clone();
        }
    }
    panic!("never confirmed: {last:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_is_confirmed_on_both_sides() {
    let stage = Stage::with(Set {
        more: "[inboxes.site]\nchannel = \"web\"\n".to_owned(),
        ..Set::default()
    })
    .await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("转人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    let said = visitor.says("杯子漏水").await["trace"].clone();
    agent.hears_text("杯子漏水").await.unwrap();
    stage.settled().await;
    let before: Value = serde_json::from_str(&trace(&stage, &said, &["--json"])).unwrap();
    assert_eq!(before["dispatches"][0]["state"], "sent", "{before:#}");
    assert!(before["dispatches"][0]["confirmed_at"].is_null());

    // The agent reads: Tencent IM tells, up to which second.
    assert!(agent.reads(&card.peer).await.is_ok());
    let dispatch = confirmed(&stage, &said, "desk");
    assert!(dispatch["confirmed_at"].as_i64() >= dispatch["at"].as_i64());
    let shown = trace(&stage, &said, &[]);
    let steps = [
        "received",
        "decoded",
        "turned",
        "converted",
        "sent",
        "confirmed",
    ];
    let mut from = 0;
    for step in steps {
        from += shown[from..]
            .find(step)
            .unwrap_or_else(|| panic!("{step}: {shown}"));
        // Each with its time, and how long that was after it came.
        let line = shown[from..].lines().next().unwrap();
        assert!(line.contains(" +") && line.contains(" ms"), "{line}");
    }

    // The visitor's page shows the answer, and says so; what it has not shown it cannot confirm.
    agent.says(&card.peer, "给您换一个").unwrap().await;
    let line = visitor.reads("给您换一个").await;
    agent.says(&card.peer, "还有别的吗").unwrap().await;
    let later = visitor.reads("还有别的吗").await;
    stage.settled().await;
    visitor
        .sends(json!({ "t": "shown", "line": line["n"] }).to_string())
        .await;
    confirmed(&stage, &line["trace"], "site");
    let unseen: Value = serde_json::from_str(&trace(&stage, &later["trace"], &["--json"])).unwrap();
    assert!(
        unseen["dispatches"][0]["confirmed_at"].is_null(),
        "{unseen:#}"
    );
    visitor
        .sends(json!({ "t": "shown", "line": later["n"] }).to_string())
        .await;
    confirmed(&stage, &later["trace"], "site");

    let metrics = reqwest::get(format!("{}/metrics", stage.bridge.url))
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for inbox in ["desk", "site"] {
        let counted = format!("kefu_confirmed_total{{inbox=\"{inbox}\"}}");
        assert!(metrics.contains(&counted), "{metrics}");
    }
    stage.settled().await;
}
