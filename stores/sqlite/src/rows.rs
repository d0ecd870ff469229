//! Forms in which things lie in their rows.

use bridge_core::{
    channel::{Dispatch, Persona},
    clock::Timestamp,
    conversation::Phase,
    message::{ArrivalId, BotName, Content, ConversationId, DispatchId, InboxName, PeerId},
    store::{NewDispatch, Said, StoreError},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::damaged;

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(damaged)
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(damaged)
}

/// A dispatch in its row; id, tries and times are columns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DispatchRow {
    pub(crate) trace: ArrivalId,
    pub(crate) conversation: ConversationId,
    pub(crate) inbox: InboxName,
    pub(crate) to: PeerId,
    pub(crate) sender: Option<Persona>,
    pub(crate) content: Content,
    pub(crate) created_at: Timestamp,
    /// Whether it goes to the conversation's contact.
    pub(crate) to_contact: bool,
}

/// A recipient's lane.
pub(crate) type DispatchLane = (InboxName, PeerId, Option<PeerId>);

impl DispatchRow {
    pub(crate) fn new(new: NewDispatch, conversation: ConversationId, at: Timestamp) -> Self {
        let NewDispatch {
            trace,
            inbox,
            to,
            sender,
            content,
            held: _,
        } = new;
        let to_contact = sender.is_none();
        Self {
            trace,
            conversation,
            inbox,
            to,
            sender,
            content,
            created_at: at,
            to_contact,
        }
    }

    pub(crate) fn lane(&self) -> DispatchLane {
        (
            self.inbox.clone(),
            self.to.clone(),
            self.sender.as_ref().map(|sender| sender.id.clone()),
        )
    }

    pub(crate) fn dispatch(&self, id: i64, attempt: u32) -> Dispatch {
        Dispatch {
            id: DispatchId(id),
            trace: self.trace,
            conversation: self.conversation,
            inbox: self.inbox.clone(),
            to: self.to.clone(),
            sender: self.sender.clone(),
            content: self.content.clone(),
            attempt,
            created_at: self.created_at,
        }
    }
}

/// An errand in its row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ErrandRow {
    pub(crate) trace: ArrivalId,
    pub(crate) conversation: ConversationId,
    pub(crate) episode: u32,
    pub(crate) bot: BotName,
    pub(crate) argv: Vec<String>,
    pub(crate) said: Vec<Said>,
    pub(crate) latest: Timestamp,
}

/// The column `phase`.
pub(crate) fn phase_number(phase: &Phase) -> i64 {
    match phase {
        Phase::Assisted => 0,
        Phase::Queued(_) => 1,
        Phase::Assigned { .. } => 2,
        Phase::Resolved { .. } => 3,
    }
}
