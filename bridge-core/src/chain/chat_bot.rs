//! ChatBot: asks the bot. An inline bot answers at once; for one that asks somebody slow an errand is made, and its
//! answer returns as an arrival. A panic or a hang ends the turn, not the process.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{ChainError, Command, Ending, Filter};
use crate::{
    bot::{Catalogue, DynBot, Effect, Pace, Turn},
    store::Said,
};

/// The last filter: asks the bot, at once or, where it is slow, by an errand.
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
        // A background bot's command from an agent (`#AI`) only steers: it answers inline.
        match inline(known.bot.clone(), args, turn).await {
            Ok(effects) => Ok(ControlFlow::Continue(effects)),
            Err(detail) => Err(ChainError::Bot { bot, detail }),
        }
    }
}

/// How long an inline bot may take: it does no I/O.
const INLINE: Duration = Duration::from_secs(1);

/// Asks an inline bot on a task of its own, so that its panic or hang is only its own.
async fn inline(
    bot: Arc<dyn DynBot>,
    args: clap::ArgMatches,
    turn: Turn,
) -> Result<Vec<Effect>, String> {
    let asked = tokio::spawn(async move { bot.answer(args, &turn).await });
    let stop = asked.abort_handle();
    match tokio::time::timeout(INLINE, asked).await {
        Ok(Ok(Ok(effects))) => Ok(effects),
        Ok(Ok(Err(error))) => Err(error.detail),
        Ok(Err(_)) => Err("it panicked".to_owned()),
        Err(_) => {
            stop.abort();
            Err(format!("it took more than {INLINE:?}"))
        }
    }
}
