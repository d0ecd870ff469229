//! Who is whom. A contact is what one thread knows of a customer, and stays so for ever; that several contacts are one
//! person is a tie between their conversations and moves nothing. So a tie cannot lose anything, whoever works on those
//! conversations meanwhile, and cutting it restores exactly what belonged to each.

use super::NewEntry;
use crate::message::{ConversationId, Handle};

/// What is said of who a conversation's contact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// They are known by these handles from now on. Whoever else is known by one of them is the same person, but for
    /// those who were set apart.
    Known(Vec<Handle>),
    /// Somebody says that they are the same person as the contact of that conversation. It ends any setting apart.
    Join(ConversationId),
    /// Somebody says that the contact of that conversation, tied to this one, is another person. That contact is set
    /// apart: handles alone do not tie it again.
    Part(ConversationId),
}

/// A tie as part of a commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Tied {
    /// What is said.
    pub tie: Tie,
    /// Whom it concerns as the turn saw it, by number: what [`Records::kin`](super::Records::kin) says with this tie. The
    /// commit is refused with [`StoreError::Moved`](super::StoreError::Moved) where that has changed.
    pub seen: Vec<ConversationId>,
    /// Lines for the transcripts of others whom it concerns, written in the same step.
    pub notes: Vec<Noted>,
}

/// A line for the transcript of another conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    /// Whose.
    pub conversation: ConversationId,
    /// Its episode.
    pub episode: u32,
    /// The line.
    pub entry: NewEntry,
}
