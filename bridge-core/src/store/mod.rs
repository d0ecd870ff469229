//! The message path's storage contract. Every method is one atomic step; together they keep the promises:
//! nothing acknowledged is lost ([`Store::accept`]), one worker per conversation and in order ([`Store::claim`]), all
//! or nothing ([`Store::commit`]), in order per recipient ([`Store::due`], [`Store::settle`]).

mod confirmation;
mod kin;
#[cfg(feature = "engine")]
mod memory;
#[cfg(feature = "engine")]
pub mod moving;
mod records;

use std::time::Duration;

use async_trait::async_trait;

pub use confirmation::Confirmation;
pub use kin::{Noted, Tie, Tied};
#[cfg(feature = "engine")]
pub use memory::MemoryStore;
pub use records::{
    Backend, Depths, DeskState, OpenThread, Part, Records, StoredMedia, Trace, TraceArrival,
    TraceDispatch, WaitingRow,
};

use crate::{
    channel::{Dispatch, Persona},
    clock::Timestamp,
    conversation::{Contact, Conversation},
    convert::Loss,
    error::Remedy,
    message::{
        AgentName, Arrival, ArrivalId, BotName, ContactId, Content, ConversationId, DeadlineKind,
        DispatchId, EntryId, ErrandId, InboxName, PeerId, ThreadKey, WorkerId,
    },
};

/// The message path. A store knows threads, lanes and queues; it knows no rules.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes arrivals durable, together with the pull cursor where one came along. For each arrival its number, or
    /// `None` where it was seen before. An arrival of a thread that belongs to no conversation opens one.
    /// Returns only when everything survives a power cut.
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError>;

    /// Whether [`accept_in_hand`](Self::accept_in_hand) and [`commit_and_take`](Self::commit_and_take) save steps: where
    /// several nodes share a store, each step is a round trip.
    fn hands_over(&self) -> bool {
        false
    }

    /// As [`accept`](Self::accept), by a worker who is free: the conversation of a single arrival that nobody works on may
    /// come back as that worker's claim. Whoever asks has to work on it: nobody else will before the lease is over.
    async fn accept_in_hand(
        &self,
        intake: Intake,
        worker: &WorkerId,
        lease: Duration,
    ) -> Result<(Vec<Option<ArrivalId>>, Option<Claim>), StoreError> {
        let _ = (worker, lease);
        Ok((self.accept(intake).await?, None))
    }

    /// Takes one conversation with arrivals waiting: nobody else gets it until the claim is committed, let go, or its
    /// lease is over.
    async fn claim(&self, worker: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError>;

    /// Writes what the turns came to, all or nothing, if the claim still holds. Arrivals not named in
    /// `changes.done` stay waiting.
    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError>;

    /// As [`commit`](Self::commit), by a worker who would send what comes of it: new dispatches that are first of their lanes
    /// may come back as taken by that worker, as by [`due`](Self::due). The others wait as always.
    async fn commit_and_take(
        &self,
        claim: Claim,
        changes: Changes,
        worker: &WorkerId,
        lease: Duration,
    ) -> Result<(Committed, Vec<Due>), StoreError> {
        let _ = (worker, lease);
        Ok((self.commit(claim, changes).await?, Vec::new()))
    }

    /// Lets a claim go: everything stays as it was, and may be claimed again at once. No arrival is blamed for it; a lease
    /// that ends without a word is what counts as a failure.
    async fn abandon(&self, claim: Claim) -> Result<(), StoreError>;

    /// Takes what is due, at most one per lane (a recipient's dispatches, a conversation's errands) and `limit` in
    /// all. Nobody else gets them until settled or the lease, [renewed](Self::renew) or not, is over. `due` is never ahead of the order of a lane: a
    /// dispatch that waits for its retry holds the later ones of its lane. `but`: inboxes, of dispatches, and bots, of
    /// errands, that are left alone, however much of theirs is due.
    async fn due(
        &self,
        kind: DueKind,
        worker: &WorkerId,
        limit: usize,
        lease: Duration,
        but: &[String],
    ) -> Result<Vec<Due>, StoreError>;

    /// Takes one dispatch that nobody has in hand, wherever it stands in its lane, held or not: to settle it unsent.
    /// `None` where it is being sent or was settled.
    async fn take(
        &self,
        dispatch: DispatchId,
        worker: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError>;

    /// Keeps what was taken for so long from now, by whoever still works on it. Those that are not the caller's any more:
    /// settled, or taken over meanwhile. A lease that is over, but whose thing nobody took since, is renewed like any other.
    async fn renew(&self, taken: &[DueId], lease: Duration) -> Result<Vec<DueId>, StoreError>;

    /// Says what became of something due. Settling what another worker has taken over meanwhile is
    /// [`StoreError::Lost`].
    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError>;

    /// As [`settle`](Self::settle). Whether something may be due now that waited behind this.
    async fn settle_and_tell(
        &self,
        due: &DueId,
        settlement: Settlement,
    ) -> Result<bool, StoreError> {
        self.settle(due, settlement).await?;
        Ok(true)
    }

    /// When `due` of that kind, `but` the same ones, will have something that is not due yet: what the loop sleeps until.
    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError>;
}

/// What comes in together: one callback, one pulled page, one cue.
#[derive(Debug, Clone, PartialEq)]
pub struct Intake {
    /// In order.
    pub arrivals: Vec<Arrival>,
    /// Moves a pull cursor in the same transaction.
    pub cursor: Option<CursorMove>,
    /// The bot that answers conversations opened by this intake.
    pub entry: BotName,
}

/// Where a pull goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorMove {
    /// The inbox.
    pub inbox: InboxName,
    /// The channel's topic.
    pub topic: String,
    /// The new cursor.
    pub cursor: String,
}

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
    /// Seats per agent: the commit is refused with [`StoreError::SeatTaken`] when giving the conversation to an agent
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

/// A line of the transcript to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// Who said it.
    pub author: EntryAuthor,
    /// What.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The episode it was said in.
    pub episode: u32,
    /// Who said it.
    pub author: EntryAuthor,
    /// What.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// Whether the contact may see it: what was said between both sides and what an agent has taken back of it, never a note,
    /// never what merely happened.
    pub fn is_for_contact(&self) -> bool {
        match (&self.content, &self.author) {
            (Content::Event(_) | Content::Unsupported { .. }, _) => false,
            (Content::Recalled { .. }, author) => matches!(author, EntryAuthor::Agent(_)),
            (_, author) => *author != EntryAuthor::Note,
        }
    }
}

/// Who a line of the transcript is by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "by", content = "name", rename_all = "snake_case")]
pub enum EntryAuthor {
    /// The contact.
    Contact,
    /// An agent, to the contact.
    Agent(AgentName),
    /// A bot, to the contact.
    Bot(BotName),
    /// The bridge, to the contact: notices.
    System,
    /// A note for agents only.
    Note,
}

/// One thing said to a slow bot.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Said {
    /// The arrival it came by.
    pub trace: ArrivalId,
    /// What.
    pub content: Content,
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

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The claim (or what was due) is another's by now; nothing was written.
    #[error("the claim was lost: its lease was over")]
    Lost,
    /// The agent's seats are taken; nothing was written.
    #[error("agent {0} has no free seat")]
    SeatTaken(AgentName),
    /// Whom a [`Tie`] concerns is not what the turn saw any more; nothing was written. The turn is to look again.
    #[error("who is whom has changed meanwhile")]
    Moved,
    /// Out of reach, full, or shutting down; nothing was written as far as is known.
    #[error("the store is out of reach: {0}")]
    Unavailable(String),
    /// What is stored cannot be read, or a bug.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// What may be done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable(_) | Self::SeatTaken(_) | Self::Moved => Remedy::retry_secs(1),
            Self::Lost | Self::Damaged(_) => Remedy::Never,
        }
    }
}

/// The contact's id where a fresh contact is not stored yet.
pub const NO_CONTACT: ContactId = ContactId(0);
