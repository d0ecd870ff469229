//! CommandParse: a line that starts with `#` from someone who may use commands becomes a bot and its arguments; plain
//! speech goes to the bot of the phase: assisted → the entry bot, queued → queue, assigned → send. What agents say
//! always goes to send, which knows whether the conversation is theirs. A command is never forwarded.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::{ChainError, Command, Ending, Filter};
use crate::{
    bot::{
        Catalogue, Effect, Turn,
        grammar::{self, Reading},
        standing,
    },
    conversation::Phase,
    message::{Author, BotName, Content},
    texts::Text,
};

/// The third filter: which bot is meant, and with which arguments.
pub struct ParseCommands {
    /// The configured bots.
    pub catalogue: Arc<Catalogue>,
    /// Words by which a contact asks for a person: `conversation.transfer_words`.
    pub transfer_words: Vec<String>,
}

/// What a turn comes to in this filter.
type Step = ControlFlow<Ending, Command>;

#[async_trait]
impl Filter<Turn> for ParseCommands {
    type Out = Command;

    async fn apply(&self, mut turn: Turn) -> Result<Step, ChainError> {
        turn.manual = self.catalogue.manual().clone();
        let reading = match &turn.said {
            // Only what was typed: recognised speech and tapped choices are never commands.
            Some(Content::Text(text)) => {
                grammar::read(&text.text, &turn.author, &turn.manual, &turn.texts)
            }
            _ => Reading::Speech,
        };
        match reading {
            Reading::Speech => self.speech(turn),
            Reading::Literal(text) => {
                turn.said = Some(Content::text(text));
                self.speech(turn)
            }
            Reading::Command(_) | Reading::Answer { .. } if stranger(&turn) => {
                Ok(ControlFlow::Break(refused(&turn)))
            }
            Reading::Answer { text, why } => {
                let effects = vec![Effect::reply(text)];
                Ok(ControlFlow::Break(Ending::with(effects, why)))
            }
            Reading::Command(called) => {
                turn.called = Some(called.name);
                Ok(ControlFlow::Continue(Command {
                    bot: called.bot,
                    args: called.args,
                    argv: called.argv,
                    turn,
                }))
            }
        }
    }
}

impl ParseCommands {
    fn speech(&self, turn: Turn) -> Result<Step, ChainError> {
        let bot = if self.asks_for_a_person(&turn) {
            BotName::new(standing::TRANSFER)
        } else {
            bot_of_phase(&turn)
        };
        let fault = |detail: &str| ChainError::Bot {
            bot: bot.clone(),
            detail: detail.to_owned(),
        };
        let known = self
            .catalogue
            .get(&bot)
            .ok_or_else(|| fault("is not configured"))?;
        let args = grammar::empty_args(known).ok_or_else(|| fault("cannot answer plain speech"))?;
        Ok(ControlFlow::Continue(Command {
            bot,
            args,
            argv: Vec::new(),
            turn,
        }))
    }

    fn asks_for_a_person(&self, turn: &Turn) -> bool {
        turn.author == Author::Contact
            && turn.words().is_some_and(|said| {
                let said = said.trim();
                self.transfer_words
                    .iter()
                    // Nobody asks in a long speech; looking no further keeps this cheap.
                    .any(|word| said.len() <= word.len() + 32 && grammar::same_words(word, said))
            })
    }
}

fn bot_of_phase(turn: &Turn) -> BotName {
    match turn.conversation.phase {
        _ if turn.by_agent() => BotName::new(standing::SEND),
        Phase::Assisted | Phase::Resolved { .. } => turn.conversation.bot.clone(),
        Phase::Queued(_) => BotName::new(standing::QUEUE),
        Phase::Assigned { .. } => BotName::new(standing::SEND),
    }
}

/// An account at a desk that is no configured agent's: it may use no command.
fn stranger(turn: &Turn) -> bool {
    turn.by_agent() && turn.agent.is_none()
}

fn refused(turn: &Turn) -> Ending {
    let typed = turn.words().unwrap_or_default().trim();
    let name: String = typed
        .chars()
        .take_while(|c| !c.is_whitespace())
        .take(30)
        .collect();
    let words = turn.texts.say(Text::CommandRefused, &[("name", &name)]);
    Ending::with(vec![Effect::reply(words)], "the account is no agent's")
}

#[cfg(test)]
mod tests;
