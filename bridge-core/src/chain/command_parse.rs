//! CommandParse: a line that starts with `#` from someone who may use commands becomes a bot and its arguments; plain
//! speech goes to the bot of the phase: assisted → the entry bot, queued → queue, assigned → send.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::{ChainError, Command, Ending, Filter};
use crate::{
    bot::{Catalogue, Turn, grammar},
    conversation::Phase,
    message::BotName,
};

/// The third filter.
pub struct ParseCommands {
    /// The configured bots.
    pub catalogue: Arc<Catalogue>,
    /// Words by which a contact asks for a person: `conversation.transfer_words`.
    pub transfer_words: Vec<String>,
}

#[async_trait]
impl Filter<Turn> for ParseCommands {
    type Out = Command;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Command>, ChainError> {
        let bot = self.bot_of_phase(&turn);
        let Some(known) = self.catalogue.get(&bot) else {
            return Err(ChainError::Bot {
                bot,
                detail: "is not configured".to_owned(),
            });
        };
        let Some(args) = grammar::empty_args(known) else {
            return Err(ChainError::Bot {
                bot,
                detail: "cannot answer plain speech".to_owned(),
            });
        };
        Ok(ControlFlow::Continue(Command {
            bot,
            args,
            argv: Vec::new(),
            turn,
        }))
    }
}

impl ParseCommands {
    fn bot_of_phase(&self, turn: &Turn) -> BotName {
        match turn.conversation.phase {
            Phase::Assisted | Phase::Resolved { .. } => turn.conversation.bot.clone(),
            Phase::Queued(_) => BotName::new("queue"),
            Phase::Assigned { .. } => BotName::new("send"),
        }
    }
}
