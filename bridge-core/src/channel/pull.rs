//! Platforms that are asked for messages.

use std::time::Duration;

use async_trait::async_trait;

use super::{ChannelError, PullHint};
use crate::{
    clock::Timestamp,
    message::{Arrival, PeerId},
};

/// Platforms that are asked for messages: the intake of those that only say "there is something", and the repair of
/// those whose callbacks are not retried.
#[async_trait]
pub trait Pull: Send + Sync {
    /// Fetches the page after `cursor`. Arrivals carry the same external ids as callbacks do.
    async fn pull(
        &self,
        topic: &str,
        token: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page, ChannelError>;

    /// What to pull without being told, given the desk threads that are open now, and how often.
    fn routine(&self, open: &[DeskThread]) -> Vec<PullHint>;

    /// How often the routine pulls run.
    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// A contact's stand-in and the agent who talks to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeskThread {
    /// The stand-in's account.
    pub stand_in: PeerId,
    /// The agent's account.
    pub agent: PeerId,
    /// Since when this agent has the conversation.
    pub since: Timestamp,
}

/// One page of pulled messages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// In order.
    pub arrivals: Vec<Arrival>,
    /// Where the next page begins; stored in the same transaction as the arrivals.
    pub cursor: Option<String>,
    /// Whether there is more right now.
    pub more: bool,
}
