//! The section: what is taken, what is refused by its key, and what `kefu-bridge check` finds.

use bridge_core::{bot::ChatBot as _, channel::Finding, plugin::Plugin as _};
use serde_json::{Value, json};

use super::{
    super::{Ai, Config},
    kit::{KEY, Kit, Shelf, Sleepers, tools},
};

fn built(config: Value) -> Result<Ai, String> {
    let config: Config = bridge_core::plugin::read_config(config).map_err(|e| e.to_string())?;
    Ai::build(config, &tools(Sleepers::new(), Shelf::default())).map_err(|e| e.to_string())
}

#[test]
fn the_contracts_section_is_taken() {
    let ai = built(json!({
        "provider": "dify", "api_base": "https://api.dify.ai/v1", "api_key": KEY, "app": "chat", "timeout": "90s",
    }));
    assert!(ai.is_ok());
    assert!(built(json!({"api_key": KEY})).is_ok(), "a key is enough");
}

#[test]
fn what_cannot_work_is_refused_by_its_key() {
    let cases = [
        (json!({}), "api_key"),
        (json!({"api_key": ""}), "api_key"),
        (json!({"api_key": "app 1"}), "api_key"),
        (
            json!({"api_key": KEY, "api_base": "api.dify.ai"}),
            "api_base",
        ),
        (
            json!({"api_key": KEY, "api_base": "ftp://x.test"}),
            "api_base",
        ),
        (
            json!({"api_key": KEY, "api_base": "https://a:b@x.test"}),
            "api_base",
        ),
        (
            json!({"api_key": KEY, "files_base": "/files"}),
            "files_base",
        ),
        (json!({"api_key": KEY, "app": "workflow"}), "app"),
        (json!({"api_key": KEY, "timeout": "11m"}), "timeout"),
        (json!({"api_key": KEY, "timeout": "0s"}), "timeout"),
        (
            json!({"api_key": KEY, "idle_timeout": "0s"}),
            "idle_timeout",
        ),
        (
            json!({"api_key": KEY, "max_concurrent": 0}),
            "max_concurrent",
        ),
        (
            json!({"api_key": KEY, "handoff_marks": [" "]}),
            "handoff_marks",
        ),
        (json!({"api_key": KEY, "api_keys": 1}), "api_keys"),
    ];
    for (config, key) in cases {
        let Err(error) = built(config.clone()) else {
            panic!("taken: {config}");
        };
        assert!(error.contains(key), "{config}: {error}");
        assert!(!error.contains(KEY), "{error}");
    }
}

async fn findings(kit: &Kit) -> Vec<Finding> {
    kit.ai.check().unwrap().check().await
}

#[tokio::test]
async fn a_good_key_is_found_good() {
    let kit = Kit::with(json!({"inputs": {"who": "x"}})).await;
    kit.peer
        .json("GET /v1/info ", 200, r#"{"name":"商城助手","mode":"chat"}"#);
    kit.peer.json(
        "GET /v1/parameters ",
        200,
        r#"{"user_input_form":[{"text-input":{"variable":"who","required":true}}]}"#,
    );
    let found = findings(&kit).await;
    assert_eq!(found.len(), 1);
    assert!(found[0].ok && found[0].what.zh.contains("商城助手"));
}

#[tokio::test]
async fn what_is_wrong_with_an_app_is_found_with_its_key() {
    let kit = Kit::new().await;
    kit.peer
        .json("GET /v1/info ", 200, r#"{"name":"x","mode":"agent-chat"}"#);
    kit.peer.json(
        "GET /v1/parameters ",
        200,
        r#"{"user_input_form":[{"text-input":{"variable":"who","required":true}}]}"#,
    );
    let wrong: Vec<&str> = findings(&kit)
        .await
        .iter()
        .filter(|finding| !finding.ok)
        .map(|finding| finding.key)
        .collect();
    assert_eq!(wrong, ["app", "inputs"]);

    for (status, key) in [
        (401, "api_key"),
        (403, "api_key"),
        (404, "api_base"),
        (502, "api_base"),
    ] {
        let kit = Kit::new().await;
        kit.peer.json("GET /v1/info ", status, "{}");
        let found = findings(&kit).await;
        assert_eq!((found.len(), found[0].key), (1, key));
        assert!(!found[0].ok && !found[0].mend.zh.is_empty() && !found[0].mend.en.is_empty());
    }
}

#[test]
fn the_bot_is_linked_for_agents_and_in_the_background() {
    let registry = bridge_core::registry::Registry::linked().unwrap();
    let spec = registry.bots["ai"];
    assert!(
        spec.needs_section && spec.audience.admits_agents() && !spec.audience.admits_contacts()
    );
    assert!(matches!(
        spec.pace,
        bridge_core::bot::Pace::Background { .. }
    ));
}
