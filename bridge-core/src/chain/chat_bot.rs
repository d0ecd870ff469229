//! ChatBot: asks the bot. An inline bot answers at once; for one that asks somebody slow an errand is made, and its
//! answer returns as an arrival. A panic or a hang ends the turn, not the process.

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::{ChainError, Command, Ending, Filter};
use crate::{
    bot::{Catalogue, Effect, Pace},
    store::Said,
};

/// The last filter.
pub struct AnswerBy {
    /// The configured bots.
    pub catalogue: Arc<Catalogue>,
}

#[async_trait]
impl Filter<Command> for AnswerBy {
    type Out = Vec<Effect>;

    async fn apply(
        &self,
        command: Command,
    ) -> Result<ControlFlow<Ending, Vec<Effect>>, ChainError> {
        let Command {
            bot,
            args,
            argv,
            turn,
        } = command;
        let Some(known) = self.catalogue.get(&bot) else {
            return Err(ChainError::Bot {
                bot,
                detail: "is not configured".to_owned(),
            });
        };
        if let Pace::Background { .. } = known.spec.pace
            && !turn.by_agent()
        {
            let said = turn
                .said
                .map(|content| Said {
                    trace: turn.trace,
                    content,
                })
                .into_iter()
                .collect();
            return Ok(ControlFlow::Continue(vec![Effect::Ask { bot, argv, said }]));
        }
        match known.bot.answer(args, &turn).await {
            Ok(effects) => Ok(ControlFlow::Continue(effects)),
            Err(error) => Err(ChainError::Bot {
                bot,
                detail: error.detail,
            }),
        }
    }
}
