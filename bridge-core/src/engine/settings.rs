//! What an operator may turn about the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    bot::standing,
    message::{BotName, InboxName},
};

/// What an operator may turn.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Who answers a new conversation.
    pub entry: BotName,
    /// The last n messages an agent gets with a conversation.
    pub context_messages: usize,
    /// How long the last words of a quiet conversation stay in a cache that nodes share; zero: they are not put there.
    pub context_ttl: Duration,
    /// What one turn said is put there up to so many bytes.
    pub context_bytes: usize,
    /// Silence that ends a conversation.
    pub idle_timeout: Duration,
    /// How long history is kept, and what is held for a contact who does not write again.
    pub retention: Duration,
    /// How long repeats are recognised.
    pub repeats_window: Duration,
    /// Short messages within this become one question to a slow bot.
    pub merge_window: Duration,
    /// However many come, the question is asked after this.
    pub merge_latest: Duration,
    /// Words by which a contact asks for a person.
    pub transfer_words: Vec<String>,
    /// What a menu key of an account means as words.
    pub menu_words: BTreeMap<String, String>,
    /// Whether a contact is asked for a rating when an agent ends the conversation.
    pub rating: bool,
    /// Tell the agent when so few messages may still be sent to the contact.
    pub low_allowance: u32,
    /// A waiting contact is told their position at most this often.
    pub position_interval: Duration,
    /// How long a worker keeps what it took, unless it renews it.
    pub lease: Duration,
    /// So many arrivals may wait for their turns; beyond it callbacks are refused.
    pub waiting_limit: u64,
    /// How many conversations have their turn at once.
    pub turn_workers: usize,
    /// How many dispatches are being sent at once.
    pub dispatch_workers: usize,
    /// How many slow bots are being asked at once.
    pub errand_workers: usize,
    /// One send may take this long.
    pub send_timeout: Duration,
    /// A dispatch is given up after this many tries.
    pub dispatch_attempts: u32,
    /// An errand is given up after this many tries.
    pub errand_attempts: u32,
    /// An arrival whose turn failed this often is dead.
    pub arrival_failures: u32,
    /// What to do, by inbox, when a send may have happened and the platform knows no idempotency.
    pub on_unknown: BTreeMap<InboxName, OnUnknown>,
    /// Inboxes where agents work.
    pub desks: BTreeSet<InboxName>,
    /// How long the loops sleep when nobody wakes them.
    pub poll: Duration,
}

/// A send that may have happened: send it again, or tell the agent?
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnUnknown {
    /// Rather twice than never.
    #[default]
    Resend,
    /// Rather never than twice: the agent is told.
    Tell,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            entry: BotName::new(standing::TRANSFER),
            context_messages: 20,
            context_ttl: Duration::from_secs(24 * 3600),
            context_bytes: 16 * 1024,
            idle_timeout: Duration::from_secs(24 * 3600),
            retention: Duration::from_secs(180 * 86_400),
            repeats_window: Duration::from_secs(48 * 3600),
            merge_window: Duration::from_millis(800),
            merge_latest: Duration::from_secs(4),
            transfer_words: ["转人工", "人工", "人工客服"].map(str::to_owned).to_vec(),
            menu_words: BTreeMap::new(),
            rating: true,
            low_allowance: 2,
            position_interval: Duration::from_secs(60),
            lease: Duration::from_secs(10),
            waiting_limit: 500_000,
            turn_workers: 16,
            dispatch_workers: 512,
            errand_workers: 64,
            send_timeout: Duration::from_secs(15),
            dispatch_attempts: 10,
            errand_attempts: 3,
            // Nodes and a database, killed one after the other, have ended five leases of one innocent conversation in 23 s.
            arrival_failures: 12,
            on_unknown: BTreeMap::new(),
            desks: BTreeSet::new(),
            poll: Duration::from_secs(5),
        }
    }
}
