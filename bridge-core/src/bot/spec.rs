//! What a bot's crate registers: names, who may use it, how fast it is. A `const fn` stores function pointers: typed
//! where it is written, erased where it is kept.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clap::{Args as _, FromArgMatches as _};

use super::{BotError, ChatBot, Effect, Turn};
use crate::{
    channel::Check,
    message::{Author, Rated},
    plugin::{self, BuildError, Tools},
};

/// Who may use a bot's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Agents.
    Agents,
    /// Contacts.
    Contacts,
    /// Both.
    Everyone,
}

impl Audience {
    /// Whether agents may.
    pub fn admits_agents(self) -> bool {
        matches!(self, Self::Agents | Self::Everyone)
    }

    /// Whether contacts may.
    pub fn admits_contacts(self) -> bool {
        matches!(self, Self::Contacts | Self::Everyone)
    }

    /// Whether this author may.
    pub fn admits(self, author: &Author) -> bool {
        match author {
            Author::Agent(_) => self.admits_agents(),
            Author::Contact => self.admits_contacts(),
            Author::System => false,
        }
    }
}

/// How fast a bot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It answers within the turn: no I/O. One second at most.
    Inline,
    /// It asks somebody slow: it runs off the conversation's claim and its answer comes as an arrival.
    Background {
        /// How long it may take at most, retries included; a bot's own settings may be shorter.
        timeout: Duration,
    },
}

/// A bot as it is registered.
#[derive(Clone, Copy)]
pub struct BotSpec {
    /// Canonical name: `transfer`.
    pub name: &'static str,
    /// Other names of its command: `转接`.
    pub aliases: &'static [&'static str],
    /// Other spellings of its command that are understood and not shown: `trasfor`.
    pub spellings: &'static [&'static str],
    /// Who may use its command.
    pub audience: Audience,
    /// How fast it is.
    pub pace: Pace,
    /// Whether it needs a section in the configuration to exist at all.
    pub needs_section: bool,
    /// Whether it wants to hear how contacts rate conversations it took part in.
    pub hears_ratings: bool,
    /// The crate it comes from, as `kefu-bridge plugins` shows it.
    pub from_crate: &'static str,
    build: fn(serde_json::Value, &Tools) -> Result<Arc<dyn DynBot>, BuildError>,
    command: fn() -> clap::Command,
    schema: fn() -> schemars::Schema,
}

impl BotSpec {
    /// Describes the bot `B` under `name`: for agents, inline, without a section needed.
    pub const fn new<B: ChatBot>(name: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            spellings: &[],
            audience: Audience::Agents,
            pace: Pace::Inline,
            needs_section: false,
            hears_ratings: false,
            from_crate: "",
            build: |config, tools| Ok(Arc::new(B::build(plugin::read_config(config)?, tools)?)),
            command: || B::Args::augment_args(clap::Command::new("bot")),
            schema: || schemars::schema_for!(B::Config),
        }
    }

    /// Other names of its command.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Other spellings of its command that are understood and not shown.
    pub const fn spellings(mut self, spellings: &'static [&'static str]) -> Self {
        self.spellings = spellings;
        self
    }

    /// Who may use its command.
    pub const fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// It asks somebody slow: it is asked beside the turn, and given up after `timeout`.
    pub const fn background(mut self, timeout: Duration) -> Self {
        self.pace = Pace::Background { timeout };
        self
    }

    /// It exists only where the configuration has a section for it.
    pub const fn needs_section(mut self) -> Self {
        self.needs_section = true;
        self
    }

    /// It is told how contacts rate conversations it took part in: see [`ChatBot::rated`].
    pub const fn hears_ratings(mut self) -> Self {
        self.hears_ratings = true;
        self
    }

    /// Set by [`register!`](crate::register).
    pub const fn from_crate(mut self, name: &'static str) -> Self {
        self.from_crate = name;
        self
    }

    /// Builds the bot from its section (`{}` where there is none).
    pub fn build(
        &self,
        config: serde_json::Value,
        tools: &Tools,
    ) -> Result<Arc<dyn DynBot>, BuildError> {
        (self.build)(config, tools)
    }

    /// Its arguments as clap knows them. The chat help is in the doc comments of `Args`: the first paragraph in Chinese,
    /// a second one, where there is one, in English.
    pub fn command(&self) -> clap::Command {
        (self.command)()
    }

    /// The JSON Schema of its section.
    pub fn schema(&self) -> schemars::Schema {
        (self.schema)()
    }

    /// Everything its command answers to.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.shown_names().chain(self.spellings.iter().copied())
    }

    /// Its name and aliases, as help shows them.
    pub fn shown_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// A bot with its argument type erased.
#[async_trait]
pub trait DynBot: Send + Sync {
    /// Answers a command parsed by [`BotSpec::command`].
    async fn answer(&self, args: clap::ArgMatches, turn: &Turn) -> Result<Vec<Effect>, BotError>;

    /// See [`ChatBot::rated`].
    async fn rated(&self, rated: &Rated) -> Result<(), BotError>;

    /// See [`ChatBot::check`].
    fn check(&self) -> Option<&dyn Check>;
}

#[async_trait]
impl<B: ChatBot> DynBot for B {
    async fn answer(&self, args: clap::ArgMatches, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        let args = B::Args::from_arg_matches(&args)
            .map_err(|error| BotError::permanent(error.to_string()))?;
        ChatBot::answer(self, args, turn).await
    }

    async fn rated(&self, rated: &Rated) -> Result<(), BotError> {
        ChatBot::rated(self, rated).await
    }

    fn check(&self) -> Option<&dyn Check> {
        ChatBot::check(self)
    }
}
