//! The store in memory: the readable specification. One lock around plain maps, no index but what the words of the
//! contract say; slow on purpose where slow is clearer. The conformance suite holds the others to it.
//!
//! A file for each duty: each adds its steps to [`State`], and a step is atomic because whoever takes it has the lock.

mod accept;
mod claim;
mod commit;
mod desk;
mod due;
mod jobs;
mod kin;
mod settle;
mod sweep;
mod trace;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

use self::jobs::{Jobs, Outgoing, Question, Reminder};
use super::{
    Changes, Claim, Committed, Confirmation, Depths, DeskState, Due, DueId, DueKind, Entry, Intake,
    OpenThread, Records, Settlement, Store, StoreError, StoredMedia, Tie, Trace, TraceDispatch,
    Verdict,
};
use crate::{
    clock::{Clock, Timestamp},
    conversation::{Contact, Conversation},
    message::{
        Arrival, ArrivalId, ConversationId, DeadlineKind, DispatchId, ExternalId, Handle,
        InboxName, ThreadKey, WorkerId,
    },
};

/// The store in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// Everything that is stored.
#[derive(Default)]
struct State {
    /// The last number given to a row of any kind.
    last: i64,
    /// The last fence given to whoever took a conversation or something due.
    fence: u64,
    seen: BTreeMap<(InboxName, ExternalId), Timestamp>,
    threads: BTreeMap<ThreadKey, ConversationId>,
    conversations: BTreeMap<ConversationId, (Conversation, Contact)>,
    claims: BTreeMap<ConversationId, Held>,
    arrivals: BTreeMap<ArrivalId, Row>,
    entries: Vec<(ConversationId, Entry)>,
    dispatches: Jobs<i64, Outgoing>,
    /// Dispatches that are settled for good, in that order, under the arrival that caused them.
    sent: Vec<(ArrivalId, TraceDispatch)>,
    errands: Jobs<i64, Question>,
    deadlines: Jobs<(ConversationId, DeadlineKind), Reminder>,
    cursors: BTreeMap<(InboxName, String), String>,
    media: BTreeMap<String, StoredMedia>,
    facts: BTreeMap<String, String>,
    people: kin::People,
}

/// A claim: its fence, the end of its lease, the arrivals it carries.
struct Held {
    fence: u64,
    until: Timestamp,
    carried: Vec<ArrivalId>,
}

/// An arrival and how far it is.
struct Row {
    conversation: ConversationId,
    accepted_at: Timestamp,
    failures: u32,
    turned: Option<(Timestamp, Verdict)>,
    arrival: Arrival,
}

impl State {
    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    fn raise(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }

    /// The arrivals of a conversation that no turn was made of, in the order of acceptance.
    fn waiting(&self, id: ConversationId) -> impl Iterator<Item = (&ArrivalId, &Row)> {
        self.arrivals
            .iter()
            .filter(move |(_, row)| row.conversation == id && row.turned.is_none())
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        Ok(self.state.lock().accept(intake, self.clock.now()))
    }

    async fn claim(&self, _: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let now = self.clock.now();
        Ok(self.state.lock().claim(now, now + lease))
    }

    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError> {
        pause().await;
        self.state.lock().commit(&claim, changes, self.clock.now())
    }

    async fn abandon(&self, claim: Claim) -> Result<(), StoreError> {
        self.state.lock().abandon(&claim)
    }

    async fn due(
        &self,
        kind: DueKind,
        _: &WorkerId,
        limit: usize,
        lease: Duration,
        but: &[String],
    ) -> Result<Vec<Due>, StoreError> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let next = || state.take_next(kind, now, now + lease, but);
        Ok(std::iter::from_fn(next).take(limit).collect())
    }

    async fn take(
        &self,
        dispatch: DispatchId,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError> {
        let now = self.clock.now();
        Ok(self.state.lock().withdraw(dispatch, now, now + lease))
    }

    async fn renew(&self, taken: &[DueId], lease: Duration) -> Result<Vec<DueId>, StoreError> {
        let (mut state, until) = (self.state.lock(), self.clock.now() + lease);
        let lost = taken.iter().filter(|due| !state.renew(due, until));
        Ok(lost.cloned().collect())
    }

    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError> {
        self.state.lock().settle(due, settlement, self.clock.now())
    }

    async fn recall(&self, farther_than: Duration) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(self.state.lock().recall(now, now + farther_than))
    }

    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state.lock().next_due(kind, but))
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Contact)>, StoreError> {
        Ok(self.state.lock().conversations.get(&id).cloned())
    }

    async fn find(&self, thread: &ThreadKey) -> Result<Option<ConversationId>, StoreError> {
        Ok(self.state.lock().threads.get(thread).copied())
    }

    async fn kin(
        &self,
        id: ConversationId,
        tie: Option<&Tie>,
    ) -> Result<Vec<(Conversation, Contact)>, StoreError> {
        let state = self.state.lock();
        let group = state.people.concerned(id, tie);
        let known = group.iter().filter_map(|id| state.conversations.get(id));
        Ok(known.cloned().collect())
    }

    async fn known_as(&self, handle: &Handle) -> Result<Vec<ConversationId>, StoreError> {
        Ok(self.state.lock().people.known_as(handle))
    }

    async fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Result<Vec<Entry>, StoreError> {
        Ok(self.state.lock().recent(id, limit, this_opening))
    }

    async fn desk(&self) -> Result<DeskState, StoreError> {
        Ok(self.state.lock().desk())
    }

    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError> {
        Ok(self.state.lock().open_threads())
    }

    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
        Ok(self.state.lock().trace(id))
    }

    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError> {
        let key = (inbox.clone(), topic.to_owned());
        Ok(self.state.lock().cursors.get(&key).cloned())
    }

    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        Ok(self.state.lock().media.get(key).cloned())
    }

    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.media.insert(key.to_owned(), media.clone());
        Ok(())
    }

    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let mut state = self.state.lock();
        let kept = state.facts.entry(key.to_owned());
        Ok(kept.or_insert_with(|| value.to_owned()).clone())
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        Ok(self.state.lock().depths())
    }

    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
        let now = self.clock.now();
        Ok(self.state.lock().sweep(before, seen_before, now))
    }

    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError> {
        Ok(self.state.lock().sent(id, external_id))
    }

    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError> {
        Ok(self.state.lock().unsent(id, external_id, reason))
    }

    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError> {
        Ok(self.state.lock().confirm(id, what, at))
    }

    async fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::Unavailable(
            "what is in memory only is not backed up".to_owned(),
        ))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Lets everybody else go first, as they may while another store writes to its disk: who is told of a commit before it is
/// made then sees that it is not.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
