//! The filter chain, in order, on one screen: **Decode → Conversation → guards → CommandParse → ChatBot**. Each filter
//! hands on what it learned, or ends the turn. Decode runs before the platform is answered; what follows runs after
//! the arrivals are durable.

mod chat_bot;
mod command_parse;
mod conversation;
mod decode;
mod guard;

use std::{ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

pub use chat_bot::AnswerBy;
pub use command_parse::ParseCommands;
pub use conversation::OpenTurn;
pub(crate) use conversation::rating_item;
pub use decode::DecodeDelivery;
pub use guard::{Guard, GuardSpec, guarded};

use crate::{
    bot::{Effect, Turn},
    channel::{ChannelError, Decoded, Delivery},
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, BotName, InboxName},
    routing::Desk,
};

/// One step of the chain.
#[async_trait]
pub trait Filter<In: Send>: Send + Sync {
    /// What it hands on.
    type Out: Send;

    /// Hands on what it learned, or ends the turn.
    async fn apply(&self, input: In) -> Result<ControlFlow<Ending, Self::Out>, ChainError>;
}

/// The four filters and the guards between them.
pub struct Chain {
    /// Checks and reads a callback; before the platform is answered.
    pub decode: Box<dyn Filter<Addressed, Out = Decoded>>,
    /// Makes a turn of an arrival: events and cues end here, speech goes on.
    pub conversation: Box<dyn Filter<Case, Out = Turn>>,
    /// Third-party filters: working hours, sensitive words, flood limits.
    pub guards: Vec<Box<dyn Filter<Turn, Out = Turn>>>,
    /// Reads `#转接 -n system` into a bot and its arguments; plain speech goes to the bot of the phase.
    pub command_parse: Box<dyn Filter<Turn, Out = Command>>,
    /// Asks the bot.
    pub chat_bot: Box<dyn Filter<Command, Out = Vec<Effect>>>,
}

impl Chain {
    /// Walks an accepted arrival through the chain; what is to be done about it.
    pub async fn walk(&self, case: Case) -> Result<Outcome, ChainError> {
        let mut turn = match self.conversation.apply(case).await? {
            ControlFlow::Continue(turn) => turn,
            ControlFlow::Break(ending) => return Ok(Outcome::of(ending)),
        };
        let mut effects = std::mem::take(&mut turn.preface);
        for guard in &self.guards {
            turn = match guard.apply(turn).await? {
                ControlFlow::Continue(turn) => turn,
                ControlFlow::Break(ending) => return Ok(Outcome::after(effects, ending)),
            };
        }
        let command = match self.command_parse.apply(turn).await? {
            ControlFlow::Continue(command) => command,
            ControlFlow::Break(ending) => return Ok(Outcome::after(effects, ending)),
        };
        let bot = command.bot.clone();
        match self.chat_bot.apply(command).await? {
            ControlFlow::Continue(answer) => {
                effects.extend(answer);
                Ok(Outcome {
                    effects,
                    by: Some(bot),
                    note: None,
                })
            }
            ControlFlow::Break(ending) => Ok(Outcome::after(effects, ending)),
        }
    }
}

/// A delivery and the inbox named in its URL.
#[derive(Debug, Clone)]
pub struct Addressed {
    /// The inbox.
    pub inbox: InboxName,
    /// The request.
    pub delivery: Delivery,
}

/// One accepted arrival with everything a turn is made of.
#[derive(Clone)]
pub struct Case {
    /// The arrival's number: the trace id.
    pub id: ArrivalId,
    /// What came in.
    pub arrival: Arrival,
    /// The conversation as the arrivals before left it.
    pub conversation: Conversation,
    /// The contact.
    pub contact: Contact,
    /// Agents, loads, the queue.
    pub desk: Arc<Desk>,
    /// Now.
    pub now: Timestamp,
}

/// A turn whose bot is known.
pub struct Command {
    /// The bot.
    pub bot: BotName,
    /// Its parsed arguments.
    pub args: clap::ArgMatches,
    /// The same as words, for an errand; empty for plain speech.
    pub argv: Vec<String>,
    /// The facts.
    pub turn: Turn,
}

/// A turn that ended before a bot was asked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ending {
    /// What is to be done all the same.
    pub effects: Vec<Effect>,
    /// Why it ended: for the trace.
    pub why: String,
    /// The bot whose words the effects are, where it is one's.
    pub by: Option<BotName>,
}

impl Ending {
    /// Ends the turn with nothing to do; `why` is for the trace.
    pub fn silent(why: impl Into<String>) -> Self {
        Self::with(Vec::new(), why)
    }

    /// Ends the turn with these effects; `why` is for the trace.
    pub fn with(effects: Vec<Effect>, why: impl Into<String>) -> Self {
        Self {
            effects,
            why: why.into(),
            by: None,
        }
    }

    /// Says whose words the effects are.
    pub fn by(mut self, bot: BotName) -> Self {
        self.by = Some(bot);
        self
    }
}

/// What a walk through the chain came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outcome {
    /// What is to be done, in order.
    pub effects: Vec<Effect>,
    /// The bot that decided, if one was asked.
    pub by: Option<BotName>,
    /// Why it ended early, if it did.
    pub note: Option<String>,
}

impl Outcome {
    fn of(ending: Ending) -> Self {
        Self {
            effects: ending.effects,
            by: ending.by,
            note: Some(ending.why),
        }
    }

    fn after(mut effects: Vec<Effect>, ending: Ending) -> Self {
        effects.extend(ending.effects);
        Self {
            effects,
            by: ending.by,
            note: Some(ending.why),
        }
    }
}

/// Why the chain could not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The URL names an inbox that does not exist.
    #[error("no inbox is called {0}")]
    UnknownInbox(InboxName),
    /// The callback was refused.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// A bot failed, panicked or took too long.
    #[error("bot {bot}: {detail}")]
    Bot {
        /// Which.
        bot: BotName,
        /// How.
        detail: String,
    },
    /// A guard failed.
    #[error("guard: {0}")]
    Guard(String),
}
