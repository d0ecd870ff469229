//! The bots that come with Kefu Bridge. Each decides one thing; the core carries it out and tells everybody.

pub mod ai;
pub mod help;
pub mod merge;
pub mod queue;
pub mod quit;
pub mod send;
pub mod split;
pub mod transfer;

use bridge_core::{
    bot::{Effect, Turn},
    texts::Text,
};

/// The section of a bot that has nothing to set.
#[derive(Debug, Clone, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// A built-in text as the answer to whoever speaks.
fn say(turn: &Turn, text: Text, values: &[(&str, &str)]) -> Effect {
    Effect::reply(turn.texts.say(text, values))
}
