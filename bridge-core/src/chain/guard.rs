//! Guards: third-party filters between Conversation and CommandParse.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{ChainError, Ending, Filter};
use crate::{
    bot::Turn,
    engine::contained,
    plugin::{self, BuildError, Plugin, Tools},
};

/// A guard with its type erased.
pub type Guard = Arc<dyn Filter<Turn, Out = Turn>>;

/// What a guard's crate registers.
#[derive(Clone, Copy)]
pub struct GuardSpec {
    /// The name of its section: `[guards.NAME]`. A guard without a section is off.
    pub name: &'static str,
    /// Guards run in this order, lower first.
    pub order: i32,
    /// The crate it comes from, as `kefu-bridge plugins` shows it.
    pub from_crate: &'static str,
    build: fn(serde_json::Value, &Tools) -> Result<Guard, BuildError>,
    schema: fn() -> schemars::Schema,
}

impl GuardSpec {
    /// Describes the guard `G` under `name`.
    pub const fn new<G: Filter<Turn, Out = Turn> + Plugin>(name: &'static str) -> Self {
        Self {
            name,
            order: 0,
            from_crate: "",
            build: |config, tools| Ok(Arc::new(G::build(plugin::read_config(config)?, tools)?)),
            schema: || schemars::schema_for!(G::Config),
        }
    }

    /// Guards run in this order, lower first.
    pub const fn order(mut self, order: i32) -> Self {
        self.order = order;
        self
    }

    /// Set by [`register!`](crate::register).
    pub const fn from_crate(mut self, name: &'static str) -> Self {
        self.from_crate = name;
        self
    }

    /// Builds the guard from its section.
    pub fn build(&self, config: serde_json::Value, tools: &Tools) -> Result<Guard, BuildError> {
        (self.build)(config, tools)
    }

    /// The JSON Schema of its section.
    pub fn schema(&self) -> schemars::Schema {
        (self.schema)()
    }
}

/// Guards as the chain holds them.
pub fn guarded(guards: &[Guard]) -> Vec<Box<dyn Filter<Turn, Out = Turn>>> {
    guards
        .iter()
        .map(|guard| Box::new(Guarded(guard.clone())) as Box<dyn Filter<Turn, Out = Turn>>)
        .collect()
}

/// How long a guard may think: a turn waits for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A guard in the chain: its panic or hang is a failure, which ends this turn's chain and no more.
struct Guarded(Guard);

#[async_trait]
impl Filter<Turn> for Guarded {
    type Out = Turn;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        contained(self.0.apply(turn), PATIENCE)
            .await
            .unwrap_or_else(|mishap| Err(ChainError::Guard(mishap.to_string())))
    }
}
