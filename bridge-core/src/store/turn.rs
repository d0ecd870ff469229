//! A conversation in a worker's hands, and what its turns came to.

use super::{NewEntry, Tied};
use crate::{
    channel::Persona,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{
        AgentName, Arrival, ArrivalId, BotName, Content, DeadlineKind, DispatchId, ErrandId,
        InboxName, PeerId, ThreadKey,
    },
};

/// A conversation in one worker's hands.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Rises with every claim of the conversation; a commit under an older one is refused.
    pub fence: u64,
    /// Its state.
    pub conversation: Conversation,
    /// The contact.
    pub contact: Contact,
    /// Waiting arrivals in the order of acceptance, at most [`CLAIM_LIMIT`].
    pub arrivals: Vec<Accepted>,
    /// How many dispatches to the contact are held.
    pub held: u32,
    /// Nobody else is known to be this person: then [`Records::kin`](super::Records::kin) need not be asked. Where the store did
    /// not look, it says `false`.
    pub alone: bool,
}

/// The most arrivals one claim carries.
pub const CLAIM_LIMIT: usize = 32;

/// An arrival and its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Its number.
    pub id: ArrivalId,
    /// How often it was claimed and not committed: 0 at first.
    pub failures: u32,
    /// What came in.
    pub arrival: Arrival,
}

/// What the turns of one claim came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The conversation's new state.
    pub conversation: Conversation,
    /// The contact's new state, where it changed.
    pub contact: Option<Contact>,
    /// Arrivals that are done with, and what became of each.
    pub done: Vec<(ArrivalId, Verdict)>,
    /// New lines of the transcript.
    pub entries: Vec<NewEntry>,
    /// New dispatches, in order.
    pub dispatches: Vec<NewDispatch>,
    /// How many held dispatches to the contact may go now, oldest first.
    pub release: u32,
    /// Questions for slow bots.
    pub asks: Vec<Ask>,
    /// Errands of this conversation that are not wanted any more.
    pub cancel_errands: bool,
    /// Threads that lead to this conversation from now on: stand-ins at desks.
    pub threads: Vec<ThreadKey>,
    /// Deadlines: set (replacing the one of that kind) or, with `None`, unset.
    pub deadlines: Vec<(DeadlineKind, Option<Timestamp>)>,
    /// Seats per agent: the commit is refused with [`StoreError::SeatTaken`](super::StoreError::SeatTaken) when giving the conversation to an agent
    /// would exceed this.
    pub capacity: Option<(AgentName, u32)>,
    /// What was learned of who the contact is.
    pub tie: Option<Tied>,
}

impl Changes {
    /// No change at all.
    pub fn none(conversation: Conversation) -> Self {
        Self {
            conversation,
            contact: None,
            done: Vec::new(),
            entries: Vec::new(),
            dispatches: Vec::new(),
            release: 0,
            asks: Vec::new(),
            cancel_errands: false,
            threads: Vec::new(),
            deadlines: Vec::new(),
            capacity: None,
            tie: None,
        }
    }
}

/// What became of an arrival.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A turn was made of it: by this bot, or by the chain itself with this note.
    Turned {
        /// The bot.
        by: Option<BotName>,
        /// Why it ended early.
        note: Option<String>,
    },
    /// It kept failing; an agent can see why.
    Dead {
        /// Why.
        reason: String,
    },
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Committed {
    /// The new dispatches' ids, in order.
    pub dispatches: Vec<DispatchId>,
    /// Errands cancelled while they ran: their workers are to be told.
    pub cancelled: Vec<ErrandId>,
    /// Whether arrivals wait still.
    pub more: bool,
}

/// A dispatch to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDispatch {
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The inbox it leaves by.
    pub inbox: InboxName,
    /// The recipient.
    pub to: PeerId,
    /// In whose name.
    pub sender: Option<Persona>,
    /// What.
    pub content: Content,
    /// Held until the contact writes again: the allowance is used up.
    pub held: bool,
}

/// One thing said to a slow bot.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Said {
    /// The arrival it came by.
    pub trace: ArrivalId,
    /// What.
    pub content: Content,
}

/// The most that one question to a slow bot carries of what was said: the newest.
pub const SAID_LIMIT: usize = 200;

impl Said {
    /// Adds what was said since to a question that waits. Of too much the oldest is left out: whoever writes on while the bot
    /// is busy makes neither a row nor a question without end.
    pub fn add(question: &mut Vec<Self>, since: impl IntoIterator<Item = Self>) {
        question.extend(since);
        let too_many = question.len().saturating_sub(SAID_LIMIT);
        question.drain(..too_many);
    }
}

/// A question for a slow bot. Where one for the same bot and episode is still waiting, the words are added to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The bot.
    pub bot: BotName,
    /// The command's words; empty for plain speech.
    pub argv: Vec<String>,
    /// What was said.
    pub said: Vec<Said>,
    /// Not before this: bursts of short messages become one question. Adding to a waiting errand moves its time to
    /// this, but never beyond `latest`.
    pub due_at: Timestamp,
    /// However much is added, not later than this.
    pub latest: Timestamp,
}
