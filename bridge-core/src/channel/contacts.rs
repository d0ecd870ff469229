//! What a platform tells about people: who is online, who a contact is, what its own people know of them.

use async_trait::async_trait;

use super::ChannelError;
use crate::message::{Handle, PeerId, Profile};

/// Tells which agents are online, where the platform can be asked.
#[async_trait]
pub trait Presence: Send + Sync {
    /// For each account whether it can be reached; accounts the platform does not know are left out.
    async fn online(&self, accounts: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError>;
}

/// Tells name, picture and handles of a contact, where the platform can be asked.
#[async_trait]
pub trait People: Send + Sync {
    /// What the platform knows of a contact: names, and handles that tie them to the same person elsewhere. Asked once in a
    /// while for each contact who writes; errors are for the log.
    async fn person(&self, contact: &PeerId) -> Result<Profile, ChannelError>;
}

/// A page of ours that the platform's client shows beside a chat.
#[async_trait]
pub trait Sidebar: Send + Sync {
    /// What the page at this address hands to the client so that it is let in: signed, as the platform's scripts want it.
    async fn pass(&self, url: &str) -> Result<serde_json::Value, ChannelError>;

    /// What the contact of a chat is known by, whose id the client tells; no I/O.
    fn handle(&self, contact: &str) -> Option<Handle>;

    /// What the platform's own people know of that contact.
    async fn known(&self, contact: &str) -> Result<Acquaintance, ChannelError>;
}

/// What the platform's own people know of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acquaintance {
    /// Names, and handles beside the one that was asked by.
    pub profile: Profile,
    /// Their tags for the contact, each once.
    pub tags: Vec<String>,
}
