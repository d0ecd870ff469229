//! A guard is a turn in, and a turn or its end out.

use bridge_core::{
    plugin::read_config,
    testkit::{tools, turn_of_agent, turn_of_contact, words},
};
use serde_json::json;

use super::*;

fn faq(config: serde_json::Value) -> Result<Faq, String> {
    let config = read_config(config).map_err(|error| error.what)?;
    Faq::build(config, &tools()).map_err(|error| error.key)
}

/// What it answers; nothing: the turn goes on.
async fn answer(turn: Turn) -> Vec<String> {
    let faq = faq(json!({ "answers": { "营业时间": "9:00-18:00" } })).unwrap();
    match faq.apply(turn).await.unwrap() {
        ControlFlow::Break(ending) => words(&ending.effects)
            .iter()
            .map(ToString::to_string)
            .collect(),
        ControlFlow::Continue(_) => Vec::new(),
    }
}

#[tokio::test]
async fn what_is_asked_every_day_is_answered() {
    for asked in ["营业时间", " 营业时间？ ", "营业时间?"] {
        assert_eq!(
            answer(turn_of_contact(asked)).await,
            ["9:00-18:00"],
            "{asked}"
        );
    }
}

#[tokio::test]
async fn anything_else_goes_on_to_the_bots() {
    for asked in ["你好", "营业时间是几点", "", "#天气 北京"] {
        assert!(answer(turn_of_contact(asked)).await.is_empty(), "{asked}");
    }
}

#[tokio::test]
async fn nobody_talks_over_an_agent() {
    let mut theirs = turn_of_agent("system", "营业时间");
    assert!(answer(theirs.clone()).await.is_empty(), "the agent says it");
    theirs.author = Author::Contact;
    assert!(answer(theirs).await.is_empty(), "the agent is asked it");
}

#[test]
fn a_section_without_answers_is_refused_by_its_key() {
    assert_eq!(
        faq(json!({ "answers": {} })).err().as_deref(),
        Some("answers")
    );
    let missing = faq(json!({})).err().unwrap();
    assert!(missing.contains("answers"), "{missing}");
}
