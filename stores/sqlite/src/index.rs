//! What is in work, in memory: conversations with arrivals waiting, claims, what is due, seats and the queue. It is
//! changed only after a commit has succeeded, and rebuilt at start.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation, Phase},
    message::{AgentName, Arrival, ArrivalId, ConversationId, DeadlineKind, ThreadKey},
    store::{CLAIM_LIMIT, Claim, DueId, DueKind, OpenThread},
};

use crate::{
    due::DueLanes,
    people::{People, WithPeople},
    rows::{DispatchLane, DispatchRow, ErrandRow},
};

/// So many arrivals, and so many dispatches, are kept in memory while they wait; more are read when they are taken.
const AT_HAND: u64 = 4096;
/// Conversations kept ready in memory; more are read when they are claimed.
const CACHED: usize = 12_000;

pub(crate) struct Index {
    lanes: HashMap<ConversationId, Lane>,
    ready: VecDeque<ConversationId>,
    leases: BTreeSet<(Timestamp, ConversationId)>,
    fence: u64,
    /// `None`: it is in the database only.
    pub(crate) dispatches: DueLanes<DispatchLane, Option<Box<DispatchRow>>>,
    pub(crate) errands: DueLanes<ConversationId, ErrandRow>,
    pub(crate) deadlines: DueLanes<i64, DeadlineRow>,
    deadline_ids: BTreeMap<(ConversationId, DeadlineKind), i64>,
    next_deadline: i64,
    pub(crate) people: People,
    pub(crate) desk_threads: HashMap<ConversationId, Vec<ThreadKey>>,
    cache: HashMap<ConversationId, (Conversation, Contact)>,
    pub(crate) open: u64,
    /// Arrivals without a turn.
    pub(crate) waiting: u64,
}

/// Arrivals of one conversation.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    claimed: Option<Claimed>,
}

/// An arrival that waits.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) id: ArrivalId,
    pub(crate) failures: u32,
    /// `None`: it is in the database only.
    pub(crate) arrival: Option<Box<Arrival>>,
}

/// A claim on a lane.
#[derive(Clone, Copy)]
struct Claimed {
    fence: u64,
    until: Timestamp,
    /// How many arrivals it carries: the first ones.
    carried: usize,
    /// Its commit is being written: it cannot end, and there is no second.
    writing: bool,
}

/// A deadline.
#[derive(Debug, Clone)]
pub(crate) struct DeadlineRow {
    pub(crate) conversation: ConversationId,
    pub(crate) kind: DeadlineKind,
    pub(crate) episode: u32,
    pub(crate) at: Timestamp,
}

/// A claim as the index knows it.
pub(crate) struct Taken {
    pub(crate) conversation: ConversationId,
    pub(crate) fence: u64,
    pub(crate) arrivals: Vec<Waiting>,
}

/// What became due.
pub(crate) enum Found {
    Dispatch(i64, u32, Option<Box<DispatchRow>>),
    Errand(i64, u32, ErrandRow),
    Deadline(DeadlineRow),
}

impl Index {
    /// Fences begin at the time of the start: above those of any earlier life.
    pub(crate) fn new(now: Timestamp) -> Self {
        let fence = u64::try_from(now.0).unwrap_or(0) << 8;
        Self {
            lanes: HashMap::new(),
            ready: VecDeque::new(),
            leases: BTreeSet::new(),
            fence,
            dispatches: DueLanes::new(fence),
            errands: DueLanes::new(fence),
            deadlines: DueLanes::new(fence),
            deadline_ids: BTreeMap::new(),
            next_deadline: 0,
            people: People::default(),
            desk_threads: HashMap::new(),
            cache: HashMap::new(),
            open: 0,
            waiting: 0,
        }
    }

    pub(crate) fn arrived(
        &mut self,
        conversation: ConversationId,
        id: ArrivalId,
        arrival: Arrival,
    ) {
        let at_hand = self.waiting < AT_HAND;
        self.waiting += 1;
        let lane = self.lanes.entry(conversation).or_default();
        lane.waiting.push_back(Waiting {
            id,
            failures: 0,
            arrival: at_hand.then(|| Box::new(arrival)),
        });
        if lane.waiting.len() == 1 && lane.claimed.is_none() {
            self.ready.push_back(conversation);
        }
    }

    pub(crate) fn claim(&mut self, now: Timestamp, until: Timestamp) -> Option<Taken> {
        while let Some((over, id)) = self.leases.first().copied()
            && over <= now
        {
            self.leases.remove(&(over, id));
            self.failed(id);
        }
        let id = self.ready.pop_front()?;
        self.fence += 1;
        let lane = self.lanes.get_mut(&id)?;
        let arrivals: Vec<Waiting> = lane.waiting.iter().take(CLAIM_LIMIT).cloned().collect();
        lane.claimed = Some(Claimed {
            fence: self.fence,
            until,
            carried: arrivals.len(),
            writing: false,
        });
        self.leases.insert((until, id));
        Some(Taken {
            conversation: id,
            fence: self.fence,
            arrivals,
        })
    }

    /// A claim ended without a commit.
    fn failed(&mut self, id: ConversationId) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        let carried = lane.claimed.take().map_or(0, |claimed| claimed.carried);
        for accepted in lane.waiting.iter_mut().take(carried) {
            accepted.failures += 1;
        }
        self.ready.push_back(id);
    }

    /// Takes back what its arrivals count for a claim that ended without a word: its worker lives.
    pub(crate) fn acquit(&mut self, claim: &Claim) {
        let Some(lane) = self.lanes.get_mut(&claim.conversation.id) else {
            return;
        };
        let ids: Vec<_> = claim.arrivals.iter().map(|accepted| accepted.id).collect();
        for accepted in &mut lane.waiting {
            if ids.contains(&accepted.id) {
                accepted.failures = accepted.failures.saturating_sub(1);
            }
        }
    }

    fn claimed(&self, id: ConversationId, fence: u64) -> bool {
        self.lanes
            .get(&id)
            .and_then(|lane| lane.claimed)
            .is_some_and(|claimed| claimed.fence == fence && !claimed.writing)
    }

    /// A commit is being written: the lease cannot end meanwhile, and a second commit is refused.
    pub(crate) fn pin(&mut self, id: ConversationId, fence: u64) -> bool {
        let ours = self.claimed(id, fence);
        if ours {
            self.unlease(id);
            self.writing(id, true);
        }
        ours
    }

    /// The commit was not written after all.
    pub(crate) fn unpin(&mut self, id: ConversationId) {
        self.writing(id, false);
        if let Some(claimed) = self.lanes.get(&id).and_then(|lane| lane.claimed) {
            self.leases.insert((claimed.until, id));
        }
    }

    fn writing(&mut self, id: ConversationId, writing: bool) {
        if let Some(claimed) = self
            .lanes
            .get_mut(&id)
            .and_then(|lane| lane.claimed.as_mut())
        {
            claimed.writing = writing;
        }
    }

    fn unlease(&mut self, id: ConversationId) {
        if let Some(claimed) = self.lanes.get(&id).and_then(|lane| lane.claimed) {
            self.leases.remove(&(claimed.until, id));
        }
    }

    /// Hands a claim back as if it had not been. Whether it was held.
    pub(crate) fn release(&mut self, id: ConversationId, fence: u64) -> bool {
        let ours = self.claimed(id, fence);
        if ours {
            self.finish(id, &[]);
        }
        ours
    }

    /// A claim was committed: these arrivals are done. Whether others wait.
    pub(crate) fn finish(&mut self, id: ConversationId, done: &[ArrivalId]) -> bool {
        self.unlease(id);
        let Some(lane) = self.lanes.get_mut(&id) else {
            return false;
        };
        lane.claimed = None;
        let had = lane.waiting.len();
        lane.waiting.retain(|accepted| !done.contains(&accepted.id));
        self.waiting -= (had - lane.waiting.len()) as u64;
        let more = !lane.waiting.is_empty();
        if more {
            self.ready.push_back(id);
        } else {
            self.lanes.remove(&id);
        }
        more
    }

    pub(crate) fn cached(&self, id: ConversationId) -> Option<(Conversation, Contact)> {
        self.cache.get(&id).cloned()
    }

    pub(crate) fn remember(&mut self, conversation: Conversation, contact: Contact) {
        if self.cache.len() >= CACHED && !self.cache.contains_key(&conversation.id) {
            // Any one: a map's order is as good as random, and a wrong guess costs one read.
            if let Some(id) = self.cache.keys().next().copied() {
                self.cache.remove(&id);
            }
        }
        self.cache.insert(conversation.id, (conversation, contact));
    }

    /// A dispatch at the end of its lane.
    pub(crate) fn dispatch(
        &mut self,
        id: i64,
        row: DispatchRow,
        due_at: Timestamp,
        held: bool,
        attempts: u32,
    ) {
        let (lane, inbox) = (row.lane(), row.inbox.to_string());
        let at_hand = self.dispatches.len() < AT_HAND as usize;
        let row = at_hand.then(|| Box::new(row));
        self.dispatches
            .push(id, &inbox, lane, due_at, held, attempts, row);
    }

    /// Held dispatches to a contact, oldest first, without those that are being removed.
    pub(crate) fn held(&self, contact: &ThreadKey) -> Vec<i64> {
        let lane = (contact.inbox.clone(), contact.peer.clone(), None);
        self.dispatches
            .lane(&lane)
            .filter(|one| {
                let item = self.dispatches.get(*one);
                item.is_some_and(|item| item.held && !item.is_writing())
            })
            .collect()
    }

    /// The conversation's phase is this now.
    pub(crate) fn phase(&mut self, conversation: &Conversation, dedicated: Option<AgentName>) {
        self.people.remove(conversation.id);
        match &conversation.phase {
            Phase::Queued(_) | Phase::Assigned { .. } => {
                let people = WithPeople {
                    thread: conversation.thread.clone(),
                    episode: conversation.episode,
                    phase: conversation.phase.clone(),
                    dedicated,
                };
                self.people.insert(conversation.id, people);
            }
            Phase::Assisted | Phase::Resolved { .. } => {
                self.desk_threads.remove(&conversation.id);
            }
        }
    }

    pub(crate) fn open_threads(&self) -> Vec<OpenThread> {
        let open = |(id, agent, since): (ConversationId, &AgentName, Timestamp)| OpenThread {
            agent: agent.clone(),
            threads: self.desk_threads.get(&id).cloned().unwrap_or_default(),
            since,
        };
        self.people.assigned().map(open).collect()
    }

    pub(crate) fn set_deadline(&mut self, row: DeadlineRow) {
        self.unset_deadline(row.conversation, row.kind);
        self.next_deadline += 1;
        let id = self.next_deadline;
        self.deadline_ids.insert((row.conversation, row.kind), id);
        self.deadlines.push(id, "", id, row.at, false, 0, row);
    }

    pub(crate) fn unset_deadline(&mut self, conversation: ConversationId, kind: DeadlineKind) {
        if let Some(id) = self.deadline_ids.remove(&(conversation, kind)) {
            self.deadlines.remove(id);
        }
    }

    /// The number of a deadline that is taken; it is another one's once the deadline was moved.
    pub(crate) fn deadline(&self, due: &DueId) -> Option<i64> {
        let key = (ConversationId(due.id), due.deadline?);
        self.deadline_ids.get(&key).copied()
    }

    /// A deadline was settled: it is gone, unless it was moved meanwhile.
    pub(crate) fn forget_deadline(&mut self, id: i64) {
        if let Some(row) = self.deadlines.remove(id)
            && self.deadline_ids.get(&(row.conversation, row.kind)) == Some(&id)
        {
            self.deadline_ids.remove(&(row.conversation, row.kind));
        }
    }

    pub(crate) fn due(
        &mut self,
        kind: DueKind,
        now: Timestamp,
        limit: usize,
        until: Timestamp,
        but: &[String],
    ) -> Vec<(DueId, Found)> {
        let name = |id, deadline, fence| DueId {
            kind,
            id,
            deadline,
            fence,
        };
        match kind {
            DueKind::Dispatch => {
                let taken = self.dispatches.take(now, limit, until, but);
                let found = |(id, fence)| {
                    let item = self.dispatches.get(id)?;
                    Some((
                        name(id, None, fence),
                        Found::Dispatch(id, item.attempts, item.thing.clone()),
                    ))
                };
                taken.into_iter().filter_map(found).collect()
            }
            DueKind::Errand => {
                let taken = self.errands.take(now, limit, until, but);
                let found = |(id, fence)| {
                    let item = self.errands.get(id)?;
                    Some((
                        name(id, None, fence),
                        Found::Errand(id, item.attempts, item.thing.clone()),
                    ))
                };
                taken.into_iter().filter_map(found).collect()
            }
            DueKind::Deadline => {
                let taken = self.deadlines.take(now, limit, until, but);
                let found = |(id, fence)| {
                    let row = self.deadlines.get(id)?.thing.clone();
                    Some((
                        name(row.conversation.0, Some(row.kind), fence),
                        Found::Deadline(row),
                    ))
                };
                taken.into_iter().filter_map(found).collect()
            }
        }
    }

    /// Whether what was taken still is that taking's, whose lease ends then.
    pub(crate) fn renew(&mut self, due: &DueId, until: Timestamp) -> bool {
        match due.kind {
            DueKind::Dispatch => self.dispatches.renew(due.id, due.fence, until),
            DueKind::Errand => self.errands.renew(due.id, due.fence, until),
            DueKind::Deadline => self
                .deadline(due)
                .is_some_and(|id| self.deadlines.renew(id, due.fence, until)),
        }
    }

    /// Nothing is leased or, but for deadlines, put off beyond `farthest`. Whether anything was.
    pub(crate) fn recall(&mut self, now: Timestamp, farthest: Timestamp) -> bool {
        let over = (
            farthest + Duration::from_millis(1),
            ConversationId(i64::MIN),
        );
        let far = self.leases.split_off(&over);
        for (_, id) in &far {
            self.leases.insert((now, *id));
            let lane = self.lanes.get_mut(id);
            if let Some(claimed) = lane.and_then(|lane| lane.claimed.as_mut()) {
                claimed.until = now;
            }
        }
        // Each of them, whatever was found before.
        [
            !far.is_empty(),
            self.dispatches.recall_leases(now, farthest),
            self.errands.recall_leases(now, farthest),
            self.deadlines.recall_leases(now, farthest),
            self.dispatches.recall(now, farthest),
            self.errands.recall(now, farthest),
        ]
        .contains(&true)
    }

    pub(crate) fn next_due(&self, kind: DueKind, but: &[String]) -> Option<Timestamp> {
        match kind {
            DueKind::Dispatch => self.dispatches.next(but),
            DueKind::Errand => self.errands.next(but),
            DueKind::Deadline => self.deadlines.next(but),
        }
    }
}
