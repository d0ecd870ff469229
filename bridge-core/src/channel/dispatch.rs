//! What is sent, in whose name, and what the platform says to it.

use sha2::{Digest, Sha256};

use crate::{
    clock::Timestamp,
    convert::Loss,
    message::{ArrivalId, Content, ConversationId, DispatchId, InboxName, PeerId, ThreadKey},
};

/// One thing to send to one recipient: after planning, one call to the platform.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Dispatch {
    /// Its id; idempotency keys are derived from it.
    pub id: DispatchId,
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The inbox it leaves by.
    pub inbox: InboxName,
    /// The recipient there.
    pub to: PeerId,
    /// In whose name, where the platform allows it: the contact's stand-in at a desk.
    pub sender: Option<Persona>,
    /// What.
    pub content: Content,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// A contact's stand-in account at a desk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Persona {
    /// Its account id there: at most 32 bytes of `[0-9a-zA-Z_-]`.
    pub id: PeerId,
    /// Name to show.
    pub name: String,
    /// Picture to show.
    pub avatar_url: Option<String>,
}

impl Persona {
    /// How every stand-in's id begins, so that a desk's channel knows one when it sees it.
    pub const PREFIX: &str = "kefu_";

    /// The id of the stand-in of whoever writes on a thread: the same for ever and on every desk, at most 32 bytes, and it
    /// tells nothing.
    pub fn id_of(thread: &ThreadKey) -> PeerId {
        let digest = Sha256::digest(format!("{}\n{}", thread.inbox, thread.peer));
        let id: String = digest
            .iter()
            .take(13)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        PeerId::from(format!("{}{id}", Self::PREFIX))
    }

    /// Whether an account at a desk is a contact's stand-in. What people there say to one another is none of ours.
    pub fn is_stand_in(account: &str) -> bool {
        account.starts_with(Self::PREFIX)
    }
}

/// What is known once the platform has taken a dispatch.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Receipt {
    /// The platform's id for it, where it gives one: what a recall needs.
    pub external_id: Option<String>,
    /// What could not be shown.
    pub lost: Vec<Loss>,
}
