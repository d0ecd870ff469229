//! The message path's storage contract. Every method is one atomic step; together they keep the promises:
//! nothing acknowledged is lost ([`Store::accept`]), one worker per conversation and in order ([`Store::claim`]), all
//! or nothing ([`Store::commit`]), in order per recipient ([`Store::due`], [`Store::settle`]).

mod confirmation;
mod due;
mod entry;
mod kin;
#[cfg(feature = "engine")]
mod memory;
#[cfg(feature = "engine")]
pub mod moving;
mod records;
mod turn;

use async_trait::async_trait;
use std::time::Duration;

pub use confirmation::Confirmation;
pub use due::{Due, DueId, DueKind, DueWhat, Errand, Settlement};
pub use entry::{Entry, EntryAuthor, NewEntry};
pub use kin::{Noted, Tie, Tied};
#[cfg(feature = "engine")]
pub use memory::MemoryStore;
pub use records::{
    Backend, Depths, DeskState, OpenThread, Part, Records, StoredMedia, Trace, TraceArrival,
    TraceDispatch, WaitingRow,
};
pub use turn::{
    Accepted, Ask, CLAIM_LIMIT, Changes, Claim, Committed, NewDispatch, SAID_LIMIT, Said, Verdict,
};

use crate::{
    clock::Timestamp,
    error::Remedy,
    message::{AgentName, Arrival, ArrivalId, BotName, ContactId, DispatchId, InboxName, WorkerId},
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
    /// that ends without a word is what counts as a failure. Where it has ended already (`Lost`) this is the word: what was
    /// counted then is taken back, for whoever lives to say so was not ended by an arrival.
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

    /// Makes due now what was put off for longer than that from now (dispatches and errands), and ends leases that end later
    /// than that. Nobody asks for as much: the clock was set back. Whether there was anything. Deadlines stay where they are,
    /// for they may be as far off as they like.
    async fn recall(&self, farther_than: Duration) -> Result<bool, StoreError>;

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
    /// Its schema is of another version than this program's; nothing was read or written.
    #[error("the store is of another version: {0}")]
    OtherVersion(String),
    /// What is stored cannot be read, or a bug.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}

impl StoreError {
    /// What may be done about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable(_) | Self::SeatTaken(_) | Self::Moved => Remedy::retry_secs(1),
            Self::Lost | Self::OtherVersion(_) | Self::Damaged(_) => Remedy::Never,
        }
    }
}

/// The contact's id where a fresh contact is not stored yet.
pub const NO_CONTACT: ContactId = ContactId(0);
