//! What becomes due: dispatches, errands and deadlines, and what became of them.

use super::Said;
use crate::{
    channel::Dispatch,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    convert::Loss,
    message::{Arrival, ArrivalId, BotName, ConversationId, DeadlineKind, ErrandId, ThreadKey},
};

/// A question for a slow bot, taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Errand {
    /// Its id.
    pub id: ErrandId,
    /// The arrival that caused it first.
    pub trace: ArrivalId,
    /// The conversation as it stands.
    pub conversation: Conversation,
    /// The contact.
    pub contact: Contact,
    /// The episode it was asked in.
    pub episode: u32,
    /// The bot.
    pub bot: BotName,
    /// The command's words.
    pub argv: Vec<String>,
    /// Everything said, in order.
    pub said: Vec<Said>,
    /// Which try this is, from 1.
    pub attempt: u32,
}

/// The three things that become due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueKind {
    /// Something to send.
    Dispatch,
    /// A slow bot to ask.
    Errand,
    /// A deadline of a conversation.
    Deadline,
}

/// Something due, taken by a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// What to settle it by.
    pub id: DueId,
    /// What it is.
    pub what: DueWhat,
}

/// What is due.
#[derive(Debug, Clone, PartialEq)]
pub enum DueWhat {
    /// Something to send.
    Dispatch(Box<Dispatch>),
    /// A slow bot to ask.
    Errand(Box<Errand>),
    /// A deadline of a conversation. Settling it removes it; the cue it became is accepted before.
    Deadline {
        /// Whose.
        conversation: ConversationId,
        /// The thread to accept its cue on.
        thread: ThreadKey,
        /// Which.
        kind: DeadlineKind,
        /// The conversation's episode when it was set.
        episode: u32,
        /// When it was due.
        at: Timestamp,
    },
}

/// Something taken, and the fence it was taken under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DueId {
    /// Which kind.
    pub kind: DueKind,
    /// The dispatch, the errand; for a deadline the conversation.
    pub id: i64,
    /// For a deadline its kind.
    pub deadline: Option<DeadlineKind>,
    /// Rises with every taking.
    pub fence: u64,
}

/// What became of something due.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// It is done: sent, answered, passed on.
    Done {
        /// The platform's id for what was sent.
        external_id: Option<String>,
        /// What could not be shown.
        lost: Vec<Loss>,
    },
    /// Try again then. It stays at the head of its lane.
    Retry {
        /// When.
        at: Timestamp,
        /// Why, for the trace.
        reason: String,
        /// Whether it was tried: a dispatch that only waited its turn has as many tries left as before.
        tried: bool,
    },
    /// The allowance is used up: it waits, at the head of its lane, until the contact writes again.
    Held {
        /// Why.
        reason: String,
        /// Tells the conversation, in the same step.
        cue: Option<Box<Arrival>>,
    },
    /// It will not be. The lane moves on.
    Dead {
        /// Why.
        reason: String,
        /// Tells the conversation, in the same step.
        cue: Option<Box<Arrival>>,
    },
}
