use bridge_core::channel::{Channel, Finding};
use serde_json::json;

use super::kit::{Kit, channel, kit, kit_with, section};
use super::peer::{Order, SECRET};

async fn findings(channel: &impl Channel) -> Vec<Finding> {
    channel.check().unwrap().check().await
}

fn wrong(findings: Vec<Finding>) -> Vec<&'static str> {
    findings
        .into_iter()
        .filter(|finding| !finding.ok)
        .map(|finding| finding.key)
        .collect()
}

fn with(kit: &Kit, base: &str, more: serde_json::Value) -> impl Channel {
    channel(
        section(base, more),
        kit.clock.clone(),
        kit.cache.clone(),
        kit.shelf.clone(),
    )
}

#[tokio::test]
async fn all_is_well() {
    let kit = kit().await;
    let findings = findings(&kit.channel).await;
    assert_eq!(findings.len(), 3);
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
    assert!(
        findings[2]
            .what
            .en
            .contains("https://kefu.example.test/callback/desk")
    );
}

#[tokio::test]
async fn each_fault_names_its_setting() {
    let kit = kit().await;
    let base = kit.peer.base.clone();
    let key = SECRET.replace('3', "4");
    let wrong_key = findings(&with(&kit, &base, json!({"secret_key": key}))).await;
    assert!(!format!("{wrong_key:?}").contains(&key));
    assert!(!wrong_key[0].mend.zh.is_empty());
    assert_eq!(wrong(wrong_key), ["secret_key"]);
    assert_eq!(
        wrong(findings(&with(&kit, &base, json!({"admin": "agent_1"}))).await),
        ["admin"]
    );
    assert_eq!(
        wrong(findings(&with(&kit, &base, json!({"sdk_app_id": 5}))).await),
        ["sdk_app_id"]
    );
    assert_eq!(
        wrong(findings(&with(&kit, "http://127.0.0.1:1", json!({}))).await),
        ["api_base"]
    );
    assert_eq!(
        wrong(findings(&with(&kit, &base, json!({"callback_token": ""}))).await),
        ["callback_token"]
    );
}

#[tokio::test]
async fn presence_that_is_switched_off_is_found() {
    let kit = kit_with(json!({})).await;
    kit.peer
        .order("openim/query_online_status", Order::Refuse(72001));
    assert_eq!(wrong(findings(&kit.channel).await), ["sdk_app_id"]);
}
