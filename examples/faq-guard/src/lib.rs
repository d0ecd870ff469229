//! What is asked every day is answered before any bot is asked. To a contact who has an agent nobody else speaks.
use std::{collections::BTreeMap, ops::ControlFlow};

use bridge_core::bot::{Effect, Turn, async_trait};
use bridge_core::chain::{ChainError, Ending, Filter, GuardSpec};
use bridge_core::message::Author;
use bridge_core::plugin::{BuildError, Plugin, Tools};

/// The `[guards.faq]` section.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Words, and what is answered to who says them and nothing else.
    answers: BTreeMap<String, String>,
}

pub struct Faq(Config);

impl Plugin for Faq {
    type Config = Config;

    fn build(config: Config, _: &Tools) -> Result<Self, BuildError> {
        if config.answers.is_empty() {
            let example = r#"{ "营业时间" = "9:00-18:00" }"#;
            return Err(
                BuildError::new("answers", "answers nothing", example).zh("没有填写任何回答")
            );
        }
        Ok(Self(config))
    }
}

#[async_trait]
impl Filter<Turn> for Faq {
    type Out = Turn;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        let ours = turn.author == Author::Contact && turn.conversation.agent().is_none();
        let said = turn
            .words()
            .map(|said| said.trim().trim_end_matches(['?', '？']));
        let answer = said
            .filter(|_| ours)
            .and_then(|said| self.0.answers.get(said));
        Ok(match answer {
            Some(answer) => {
                let effects = vec![Effect::reply(answer.as_str())];
                ControlFlow::Break(Ending::with(effects, "asked every day"))
            }
            None => ControlFlow::Continue(turn),
        })
    }
}

bridge_core::register!(GuardSpec::new::<Faq>("faq").order(10));

#[cfg(test)]
mod tests;
