//! The bots of this configuration, by name: what CommandParse looks commands up in and ChatBot calls.

use std::{collections::BTreeMap, sync::Arc};

use super::{BotSpec, DynBot, Manual};
use crate::message::BotName;

/// A bot that is configured.
#[derive(Clone)]
pub struct Known {
    /// What it was registered with: name, command, pace, section.
    pub spec: BotSpec,
    /// The bot, built with its section of the configuration.
    pub bot: Arc<dyn DynBot>,
    /// Its arguments, built once: an errand's words are parsed with it.
    pub command: clap::Command,
    /// The arguments of plain speech, parsed once; `None` where it requires some.
    pub speech: Option<clap::ArgMatches>,
}

/// The bots of this configuration.
#[derive(Clone, Default)]
pub struct Catalogue {
    bots: BTreeMap<BotName, Known>,
    manual: Arc<Manual>,
}

/// Why a bot cannot be used as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Nobody registered it.
    #[error(
        "no bot called \"{name}\" is linked into this binary; linked are: {linked}. Link its crate with `use the_crate as _;`"
    )]
    NotLinked {
        /// What was named.
        name: String,
        /// What there is.
        linked: String,
    },
    /// It cannot answer plain speech: its arguments are required.
    #[error("bot \"{0}\" cannot answer plain speech: its command has required arguments")]
    NeedsArguments(BotName),
}

impl Catalogue {
    /// Adds a bot under the name of its spec; one of that name that was there before is replaced.
    pub fn insert(&mut self, spec: BotSpec, bot: Arc<dyn DynBot>) {
        let command = super::grammar::command(&spec);
        let speech = command
            .clone()
            .try_get_matches_from(std::iter::empty::<&str>())
            .ok();
        let known = Known {
            spec,
            bot,
            command,
            speech,
        };
        Arc::make_mut(&mut self.manual).add(spec);
        self.bots.insert(BotName::new(spec.name), known);
    }

    /// The bot of that canonical name.
    pub fn get(&self, name: &BotName) -> Option<&Known> {
        self.bots.get(name)
    }

    /// The commands of all of them, as people type and read them.
    pub fn manual(&self) -> &Arc<Manual> {
        &self.manual
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.bots.values()
    }

    /// The bot that plain speech goes to; refuses one whose arguments are required.
    pub fn answers_speech(&self, name: &BotName) -> Result<&Known, CatalogueError> {
        let Some(known) = self.bots.get(name) else {
            let linked = self
                .bots
                .keys()
                .map(BotName::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(CatalogueError::NotLinked {
                name: name.to_string(),
                linked,
            });
        };
        super::grammar::empty_args(known)
            .map(|_| known)
            .ok_or_else(|| CatalogueError::NeedsArguments(name.clone()))
    }
}
