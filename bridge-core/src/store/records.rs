//! What is read beside the message path, and the few things written there: transcripts, traces, the desk's state,
//! cursors, media, housekeeping.

use async_trait::async_trait;

use super::{Confirmation, Entry, Store, StoreError, Tie, Verdict};
use crate::{
    channel::DeskThread,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    convert::Loss,
    media::KeptMedia,
    message::{
        AgentName, Arrival, ArrivalId, Content, ConversationId, DispatchId, EntryId, Handle,
        InboxName, PeerId, ThreadKey,
    },
};

/// Reading, and housekeeping.
#[async_trait]
pub trait Records: Send + Sync {
    /// One conversation and its contact.
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Contact)>, StoreError>;

    /// The conversation a thread leads to.
    async fn find(&self, thread: &ThreadKey) -> Result<Option<ConversationId>, StoreError>;

    /// The conversations whose contacts are one person with this one's, itself among them, by number. With a tie: those
    /// that it would concern.
    async fn kin(
        &self,
        id: ConversationId,
        tie: Option<&Tie>,
    ) -> Result<Vec<(Conversation, Contact)>, StoreError>;

    /// The conversations whose contacts are known by a handle, by number; at most 100.
    async fn known_as(&self, handle: &Handle) -> Result<Vec<ConversationId>, StoreError>;

    /// The last lines of a transcript, oldest first; from `opened_at` on only, where `this_opening` is set.
    async fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Result<Vec<Entry>, StoreError>;

    /// A part of a transcript, oldest first, at most `limit` lines of it.
    async fn lines(
        &self,
        id: ConversationId,
        part: Part,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut reach = part.first_reach(limit);
        loop {
            let lines = self.recent(id, reach, false).await?;
            let all = lines.len() < reach || reach >= FARTHEST;
            if let Some(lines) = part.of(lines, limit, all) {
                return Ok(lines);
            }
            reach = reach.saturating_mul(4).min(FARTHEST);
        }
    }

    /// Loads and the queue.
    async fn desk(&self) -> Result<DeskState, StoreError>;

    /// Desk threads of conversations that are assigned now.
    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError>;

    /// A message's whole way.
    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError>;

    /// Where a pull goes on.
    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError>;

    /// What became of a medium; the key is the channel's (see `media`).
    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError>;

    /// Remembers what became of a medium.
    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError>;

    /// A small value kept for ever: keys this store generates for itself, markers. `put` keeps the first value and
    /// returns what is kept.
    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError>;

    /// How much waits, for metrics and readiness.
    async fn depths(&self) -> Result<Depths, StoreError>;

    /// Removes history older than `before` and dedupe keys older than `seen_before`, in small steps; how many rows went.
    /// Called again while it returns more than zero. Dispatches go with it that have been held since before then, and what
    /// has waited behind them as long: their contact never wrote again.
    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError>;

    /// Dispatches to a desk or contact by what the platform calls them: finds the dispatch an external id belongs to
    /// among the last ones of a conversation.
    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError>;

    /// The platform says that what it took under this id did not arrive: it counts as dead for this reason from now on.
    /// What it was, or `None` where it is not among the last ones of the conversation. Saying so again changes nothing.
    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError>;

    /// Notes that what was sent has arrived, for those it concerns among the dispatches of the last lines of the
    /// conversation that were sent and not confirmed before. Those, as they are now; saying so again changes nothing and
    /// writes nothing.
    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError>;

    /// Writes a consistent copy into `directory` while everything runs.
    async fn backup(&self, directory: &std::path::Path) -> Result<(), StoreError>;

    /// Tries whether it can write; for readiness.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Finishes what is queued and closes.
    async fn close(&self) -> Result<(), StoreError>;
}

/// How far back into a transcript [`Records::lines`] looks.
const FARTHEST: usize = 10_000;

/// A part of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its last lines.
    Last,
    /// The first lines after this one: what somebody missed.
    After(EntryId),
    /// The last lines before this one: what somebody scrolls up to.
    Before(EntryId),
}

impl Part {
    /// How many of the last lines probably hold it: mostly little was missed.
    fn first_reach(self, limit: usize) -> usize {
        match self {
            Self::Last => limit,
            Self::After(_) => 8,
            Self::Before(_) => limit.saturating_mul(2),
        }
        .min(FARTHEST)
    }

    /// The part as far as these last lines hold it; `None`: they do not reach back to it, and they are not `all`.
    fn of(self, mut lines: Vec<Entry>, limit: usize, all: bool) -> Option<Vec<Entry>> {
        match self {
            Self::Last => {}
            Self::After(line) => {
                let reached = lines.first().is_some_and(|first| first.id <= line);
                if !all && !reached {
                    return None;
                }
                lines.retain(|entry| entry.id > line);
                lines.truncate(limit);
            }
            Self::Before(line) => {
                lines.retain(|entry| entry.id < line);
                if !all && lines.len() < limit {
                    return None;
                }
            }
        }
        lines.drain(..lines.len().saturating_sub(limit));
        Some(lines)
    }
}

/// Everything a bridge needs of its store.
pub trait Backend: Store + Records + 'static {}
impl<T: Store + Records + 'static> Backend for T {}

/// Loads and the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeskState {
    /// How many conversations each agent has; agents without any are left out.
    pub loads: Vec<(AgentName, u32)>,
    /// Who waits: higher priority first, then first come.
    pub waiting: Vec<WaitingRow>,
}

/// One waiting contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRow {
    /// The conversation.
    pub conversation: ConversationId,
    /// The contact's thread, to accept cues on.
    pub thread: ThreadKey,
    /// Its episode.
    pub episode: u32,
    /// What it waits for.
    pub waiting: crate::conversation::Waiting,
    /// The contact's dedicated agent.
    pub dedicated: Option<AgentName>,
}

/// A desk thread of an assigned conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenThread {
    /// The agent who has it.
    pub agent: AgentName,
    /// The threads that lead to the conversation, the contact's own left out.
    pub threads: Vec<ThreadKey>,
    /// Since when.
    pub since: Timestamp,
}

impl OpenThread {
    /// As a channel wants it, for one inbox and the agent's account there.
    pub fn at(&self, inbox: &InboxName, agent: &PeerId) -> Vec<DeskThread> {
        self.threads
            .iter()
            .filter(|thread| thread.inbox == *inbox)
            .map(|thread| DeskThread {
                stand_in: thread.peer.clone(),
                agent: agent.clone(),
                since: self.since,
            })
            .collect()
    }
}

/// What became of a medium that was to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredMedia {
    /// It is kept.
    Kept(KeptMedia),
    /// It is not to be had.
    Gone {
        /// Why.
        reason: String,
    },
}

/// A message's whole way, with times.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Trace {
    /// Its beginning.
    pub arrival: TraceArrival,
    /// What it caused to be sent.
    pub dispatches: Vec<TraceDispatch>,
}

/// The arrival of a trace.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TraceArrival {
    /// Its number.
    pub id: ArrivalId,
    /// The conversation.
    pub conversation: ConversationId,
    /// When it had been read.
    pub decoded_at: Timestamp,
    /// What came in.
    pub arrival: Arrival,
    /// When it was made durable.
    pub accepted_at: Timestamp,
    /// When its turn was committed, and what became of it; `None`: it waits.
    pub turned: Option<(Timestamp, Verdict)>,
}

/// One dispatch of a trace.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TraceDispatch {
    /// Its id.
    pub id: DispatchId,
    /// The inbox it left by.
    pub inbox: InboxName,
    /// The recipient.
    pub to: PeerId,
    /// What.
    pub content: Content,
    /// When it was decided and converted to what the recipient's platform shows.
    pub created_at: Timestamp,
    /// When it was sent, failed for good, or is to be tried next.
    pub at: Timestamp,
    /// `waiting`, `held`, `sent`, `dead`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed last.
    pub reason: Option<String>,
    /// The platform's id.
    pub external_id: Option<String>,
    /// What could not be shown.
    pub lost: Vec<Loss>,
    /// When we learned that it has arrived or was read, where the platform tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Depths {
    /// Arrivals without a turn.
    pub arrivals: u64,
    /// Dispatches not settled, held ones left out.
    pub dispatches: u64,
    /// Dispatches that wait for the contact.
    pub held: u64,
    /// Errands not settled.
    pub errands: u64,
    /// Conversations that wait for an agent.
    pub queued: u64,
    /// Conversations with an agent.
    pub assigned: u64,
    /// Conversations not resolved.
    pub open: u64,
}
