//! The configuration: a TOML file, environment in its strings, secrets from files, overrides; read into types, every
//! fault listed with its key's path, what is wrong and an example of what is right.

mod example;
mod fault;
mod load;
mod schema;
mod sections;
mod wording;

use std::collections::BTreeMap;

use bridge_core::{
    message::{AgentName, InboxName},
    routing::{Agent, WorkingHours},
    texts::Texts,
};

pub(crate) use example::example;
pub use fault::{Fault, Faults};
pub(crate) use load::{expanded, laid_over};
pub use load::{load, read};
pub(crate) use schema::schema;
pub use sections::{
    AgentSection, CacheSection, ConversationSection, InboxSection, LogFormat, OlderRoutesSection,
    QueueSection, RoutingSection, ServerSection, StorageSection,
};

/// The documented example.
pub const EXAMPLE: &str = include_str!("../../config/example.toml");

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[server]`.
    pub server: ServerSection,
    /// `[storage]`.
    pub storage: StorageSection,
    /// `[cache]`.
    pub cache: CacheSection,
    /// `[queue]`.
    pub queue: QueueSection,
    /// `[conversation]`.
    pub conversation: ConversationSection,
    /// `[routing]`.
    pub routing: RoutingSection,
    /// `[older_routes]`.
    pub older_routes: OlderRoutesSection,
    /// `[media]`.
    pub media: bridge_media::Settings,
    /// `[inboxes.*]`.
    pub inboxes: BTreeMap<InboxName, InboxSection>,
    /// `[bots.*]`, each as its bot reads it.
    pub bots: BTreeMap<String, serde_json::Value>,
    /// `[guards.*]`, likewise.
    pub guards: BTreeMap<String, serde_json::Value>,
    /// `[agents.*]`.
    pub agents: BTreeMap<AgentName, Agent>,
    /// The words people are spoken to in.
    pub texts: Texts,
    /// `routing.working_hours` in the server's time zone.
    pub hours: WorkingHours,
}
