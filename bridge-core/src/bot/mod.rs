//! A bot decides what happens: a value in, effects out. It holds no store and no connection to a conversation, so it
//! cannot write one behind the chain's back, and a unit test needs nothing but a [`Turn`].

mod catalogue;
mod effect;
pub mod grammar;
mod spec;
pub mod standing;
mod turn;

pub use async_trait::async_trait;
pub use catalogue::{Catalogue, CatalogueError, Known};
pub use effect::Effect;
pub use grammar::Manual;
pub use spec::{Audience, BotSpec, DynBot, Pace};
pub use turn::{Cancelled, Turn};

use crate::{channel::Check, error::Remedy, message::Rated, plugin::Plugin};

/// A bot. Its commands are parsed into `Args`, whose doc comments are the chat help.
#[async_trait]
pub trait ChatBot: Plugin {
    /// What follows the command's name. Plain speech reaches a bot with empty arguments.
    type Args: clap::Args + Send;

    /// What is to happen. A panic or a hang ends the turn, not the process.
    async fn answer(&self, args: Self::Args, turn: &Turn) -> Result<Vec<Effect>, BotError>;

    /// A contact rated a conversation in which the bot remembers something. Heard off the conversation, and again until it is
    /// taken, where the bot was registered with [`BotSpec::hears_ratings`].
    async fn rated(&self, _rated: &Rated) -> Result<(), BotError> {
        Ok(())
    }

    /// What `kefu-bridge check` tries on whoever this bot asks.
    fn check(&self) -> Option<&dyn Check> {
        None
    }
}

/// Why a bot has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BotError {
    /// What may be done about it; the engine retries a background bot while its time lasts.
    pub remedy: Remedy,
    /// For logs: no secrets.
    pub detail: String,
}

impl BotError {
    /// Trying again cannot help.
    pub fn permanent(detail: impl Into<String>) -> Self {
        Self {
            remedy: Remedy::Never,
            detail: detail.into(),
        }
    }

    /// A failure after which trying again may help, not sooner than `after` (at most five minutes count).
    pub fn transient(detail: impl Into<String>, after: std::time::Duration) -> Self {
        Self {
            remedy: Remedy::Retry { after },
            detail: detail.into(),
        }
    }
}
