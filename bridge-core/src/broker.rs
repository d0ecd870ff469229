//! "Look at the store": notices between the steps, and between nodes. A notice is an id, never a message; losing one
//! costs time, not data.

use crate::{
    health::Health,
    message::{ConversationId, ErrandId},
};

/// What has become worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A conversation has arrivals waiting.
    Arrivals,
    /// Something is to be sent.
    Dispatches,
    /// A slow bot is asked something.
    Errands,
    /// A deadline was set earlier than the others.
    Deadlines,
    /// A seat is free, or presence or the queue have changed: seats may be offered.
    Desk,
    /// A seat was given: nothing to do, but who gives the next one counts it.
    Seats,
    /// An errand is no longer wanted.
    Cancelled(ErrandId),
    /// A conversation changed: for those who watch it live.
    Changed(ConversationId),
    /// Somebody is at an answer in a conversation: for those who watch it live.
    Typing(ConversationId),
    /// Notices may have been missed: look at everything.
    All,
}

/// Carries notices between nodes. Publishing never waits and never fails: what cannot be carried is dropped, and the
/// receivers' polling finds it.
#[async_trait::async_trait]
pub trait Broker: Send + Sync {
    /// Tells the other nodes.
    fn publish(&self, notice: Notice);
    /// What the other nodes tell, and [`Notice::All`] whenever some of it may have been missed; `None`: there are no
    /// other nodes.
    #[cfg(feature = "engine")]
    fn subscribe(&self) -> Option<tokio::sync::broadcast::Receiver<Notice>>;

    /// Returns when what was published has left, as far as it can: for whoever publishes no more.
    async fn flush(&self) {}

    /// Whether other nodes can be told now.
    fn health(&self) -> Health {
        Health::up("")
    }
}

/// One process alone: nobody to tell.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embedded;

impl Broker for Embedded {
    fn publish(&self, _: Notice) {}

    #[cfg(feature = "engine")]
    fn subscribe(&self) -> Option<tokio::sync::broadcast::Receiver<Notice>> {
        None
    }

    fn health(&self) -> Health {
        Health::up("embedded")
    }
}
