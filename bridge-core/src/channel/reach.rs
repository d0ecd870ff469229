//! What a platform can do to reach somebody, beside sending: show that somebody writes, take back, nudge who is away,
//! make a code to scan, tell a group.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::ChannelError;
use crate::message::PeerId;

/// Shows "typing…" to a contact. Best effort: errors are for the log.
#[async_trait]
pub trait Typing: Send + Sync {
    /// Starts or stops showing it.
    async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError>;
}

/// Takes back something sent.
#[async_trait]
pub trait Recall: Send + Sync {
    /// Takes back what was sent under this receipt's id.
    async fn recall(
        &self,
        to: &PeerId,
        sender: Option<&PeerId>,
        external_id: &str,
    ) -> Result<(), ChannelError>;
}

/// The key under which the page that a nudge opens says which nudge it was, when the contact comes back by it.
pub const NUDGE_KEY: &str = "kefu_nudge";

/// When a contact who is away is nudged: data, so that deciding is pure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudging {
    /// What the contact's grants are about: WeChat's subscription template.
    pub topic: String,
    /// At most so many in an hour.
    pub most_per_hour: u32,
    /// The least time between two.
    pub pause: Duration,
}

/// Makes codes to scan.
#[async_trait]
pub trait Codes: Send + Sync {
    /// A code that brings `scene` along: `agent:NAME` for a dedicated agent. `page` is where it leads, for platforms
    /// that have pages; `None`: the configured one.
    async fn code(&self, scene: &str, page: Option<&str>) -> Result<Code, ChannelError>;
}

/// A code to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The picture.
    pub picture: Bytes,
    /// Its media type.
    pub mime: &'static str,
}

/// Tells groups something: nobody's conversation, and nothing that is answered.
#[async_trait]
pub trait Notify: Send + Sync {
    /// The names of the groups that are configured.
    fn groups(&self) -> Vec<&str>;

    /// Tells one of them.
    async fn notify(&self, group: &str, notice: &GroupNotice) -> Result<(), ChannelError>;
}

/// What a group is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupNotice {
    /// The words.
    pub words: String,
    /// Whether they are Markdown.
    pub markdown: bool,
    /// Whose attention is called, by account; `@all`: everybody's.
    pub mentioned: Vec<String>,
    /// The same by phone number.
    pub mentioned_phones: Vec<String>,
}
