//! The store in memory: the readable specification. One lock around plain maps, no index but what the words of the
//! contract say; slow on purpose where slow is clearer. The conformance suite holds the others to it.

mod kin;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{
    Accepted, Ask, CLAIM_LIMIT, Changes, Claim, Committed, Confirmation, Depths, DeskState, Due,
    DueId, DueKind, DueWhat, Entry, Errand, Intake, NewDispatch, NewEntry, OpenThread, Records,
    Said, Settlement, Store, StoreError, StoredMedia, Tie, Trace, TraceArrival, TraceDispatch,
    Verdict, WaitingRow,
};
use crate::{
    channel::Dispatch,
    clock::{Clock, Timestamp},
    conversation::{Contact, Conversation, Phase},
    message::{
        AgentName, Arrival, ArrivalId, BotName, ContactId, ConversationId, DeadlineKind,
        DispatchId, EntryId, ErrandId, ExternalId, Handle, InboxName, ThreadKey, WorkerId,
    },
};

/// The store in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: i64,
    fence: u64,
    seen: BTreeMap<(InboxName, ExternalId), Timestamp>,
    threads: BTreeMap<ThreadKey, ConversationId>,
    conversations: BTreeMap<ConversationId, (Conversation, Contact)>,
    claims: BTreeMap<ConversationId, Held>,
    arrivals: BTreeMap<ArrivalId, Row>,
    entries: Vec<(ConversationId, Entry)>,
    dispatches: BTreeMap<i64, Job<Outgoing>>,
    sent: Vec<(ArrivalId, TraceDispatch)>,
    errands: BTreeMap<i64, Job<Question>>,
    deadlines: BTreeMap<(ConversationId, DeadlineKind), Job<u32>>,
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

/// Something that becomes due.
struct Job<T> {
    due_at: Timestamp,
    held: bool,
    attempts: u32,
    taken: Option<(u64, Timestamp)>,
    reason: Option<String>,
    what: T,
}

struct Outgoing {
    conversation: ConversationId,
    created_at: Timestamp,
    new: NewDispatch,
}

#[derive(Clone)]
struct Question {
    conversation: ConversationId,
    episode: u32,
    trace: ArrivalId,
    bot: BotName,
    argv: Vec<String>,
    said: Vec<Said>,
    latest: Timestamp,
}

impl<T> Job<T> {
    fn new(due_at: Timestamp, what: T) -> Self {
        Self {
            due_at,
            held: false,
            attempts: 0,
            taken: None,
            reason: None,
            what,
        }
    }

    /// Whether a worker has it now.
    fn in_work(&self, now: Timestamp) -> bool {
        self.taken.is_some_and(|(_, until)| until > now)
    }

    fn held_by(&self, fence: u64) -> bool {
        self.taken.is_some_and(|(taken, _)| taken == fence)
    }

    fn take(&mut self, fence: u64, until: Timestamp) {
        self.taken = Some((fence, until));
        self.attempts += 1;
    }

    fn put_back(&mut self, at: Timestamp, held: bool, reason: &str) {
        (self.taken, self.due_at, self.held, self.reason) =
            (None, at, held, Some(reason.to_owned()));
    }
}

impl Outgoing {
    /// One recipient, in one name: a lane.
    fn lane(&self) -> impl PartialEq + use<'_> {
        (
            &self.new.inbox,
            &self.new.to,
            self.new.sender.as_ref().map(|sender| &sender.id),
        )
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

impl State {
    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    fn raise(&mut self) -> u64 {
        self.fence += 1;
        self.fence
    }

    fn accept(&mut self, intake: Intake, now: Timestamp) -> Vec<Option<ArrivalId>> {
        if let Some(cursor) = intake.cursor {
            self.cursors
                .insert((cursor.inbox, cursor.topic), cursor.cursor);
        }
        intake
            .arrivals
            .into_iter()
            .map(|arrival| self.take_in(arrival, &intake.entry, now))
            .collect()
    }

    fn take_in(&mut self, arrival: Arrival, entry: &BotName, now: Timestamp) -> Option<ArrivalId> {
        let key = (arrival.inbox.clone(), arrival.external_id.clone());
        if self.seen.contains_key(&key) {
            return None;
        }
        self.seen.insert(key, now);
        let conversation = match self.threads.get(&arrival.thread()) {
            Some(id) => *id,
            None => self.open(&arrival, entry, now),
        };
        let id = ArrivalId(self.next());
        self.arrivals.insert(
            id,
            Row {
                conversation,
                accepted_at: now,
                failures: 0,
                turned: None,
                arrival,
            },
        );
        Some(id)
    }

    fn open(&mut self, arrival: &Arrival, entry: &BotName, now: Timestamp) -> ConversationId {
        let (contact, id) = (ContactId(self.next()), ConversationId(self.next()));
        let conversation = Conversation::open(id, contact, arrival.thread(), entry.clone(), now);
        let contact = Contact::new(contact, arrival.profile.clone().unwrap_or_default());
        self.conversations.insert(id, (conversation, contact));
        self.threads.insert(arrival.thread(), id);
        id
    }

    fn waiting(&self, id: ConversationId) -> impl Iterator<Item = (&ArrivalId, &Row)> {
        self.arrivals
            .iter()
            .filter(move |(_, row)| row.conversation == id && row.turned.is_none())
    }

    /// The conversation whose oldest waiting arrival is the oldest, and that nobody has.
    fn claimable(&self, now: Timestamp) -> Option<ConversationId> {
        let free = |id: &ConversationId| self.claims.get(id).is_none_or(|held| held.until <= now);
        let waiting = self.arrivals.values().filter(|row| row.turned.is_none());
        waiting.map(|row| row.conversation).find(free)
    }

    /// A claim ended without a commit.
    fn fail(&mut self, id: ConversationId) {
        let carried = self.claims.remove(&id).map(|held| held.carried);
        for arrival in carried.unwrap_or_default() {
            if let Some(row) = self.arrivals.get_mut(&arrival) {
                row.failures += 1;
            }
        }
    }

    /// Whether the claim holds.
    fn holds(&self, claim: &Claim) -> bool {
        let held = self.claims.get(&claim.conversation.id);
        held.is_some_and(|held| held.fence == claim.fence)
    }

    fn held(&self, contact: &ThreadKey) -> Vec<i64> {
        let ours = |job: &Job<Outgoing>| {
            let new = &job.what.new;
            job.held && new.sender.is_none() && new.inbox == contact.inbox && new.to == contact.peer
        };
        self.dispatches
            .iter()
            .filter(|(_, job)| ours(job))
            .map(|(id, _)| *id)
            .collect()
    }

    fn load(&self, agent: &AgentName) -> u32 {
        let has =
            |(conversation, _): &&(Conversation, Contact)| conversation.agent() == Some(agent);
        u32::try_from(self.conversations.values().filter(has).count()).unwrap_or(u32::MAX)
    }

    fn commit(
        &mut self,
        claim: &Claim,
        changes: Changes,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let id = claim.conversation.id;
        if !self.holds(claim) {
            return Err(StoreError::Lost);
        }
        if let Some((agent, seats)) = &changes.capacity
            && changes.conversation.agent() == Some(agent)
            && claim.conversation.agent() != Some(agent)
            && self.load(agent) >= *seats
        {
            return Err(StoreError::SeatTaken(agent.clone()));
        }
        if let Some(tied) = &changes.tie
            && !self
                .people
                .concerned(id, Some(&tied.tie))
                .iter()
                .eq(&tied.seen)
        {
            return Err(StoreError::Moved);
        }
        let mut committed = Committed::default();
        let episode = changes.conversation.episode;
        for number in self
            .held(&changes.conversation.thread)
            .into_iter()
            .take(changes.release as usize)
        {
            if let Some(job) = self.dispatches.get_mut(&number) {
                (job.held, job.due_at) = (false, now);
            }
        }
        for (arrival, verdict) in changes.done {
            let carried = claim.arrivals.iter().any(|accepted| accepted.id == arrival);
            if carried && let Some(row) = self.arrivals.get_mut(&arrival) {
                row.turned = Some((now, verdict));
            }
        }
        if let Some(tied) = changes.tie {
            self.people.tie(id, &tied.tie);
            for noted in tied.notes {
                self.write_line(noted.conversation, noted.episode, noted.entry);
            }
        }
        for new in changes.entries {
            self.write_line(id, episode, new);
        }
        for new in changes.dispatches {
            let number = self.next();
            let held = new.held;
            let outgoing = Outgoing {
                conversation: id,
                created_at: now,
                new,
            };
            self.dispatches.insert(
                number,
                Job {
                    held,
                    ..Job::new(now, outgoing)
                },
            );
            committed.dispatches.push(DispatchId(number));
        }
        if changes.cancel_errands {
            committed.cancelled = self.cancel(id, now);
        }
        changes
            .asks
            .into_iter()
            .for_each(|ask| self.ask(id, episode, ask));
        for thread in changes.threads {
            self.threads.insert(thread, id);
        }
        for (kind, at) in changes.deadlines {
            self.deadlines.remove(&(id, kind));
            if let Some(at) = at {
                self.deadlines.insert((id, kind), Job::new(at, episode));
            }
        }
        if let Some(known) = self.conversations.get_mut(&id) {
            known.0 = changes.conversation;
            known.1 = changes.contact.unwrap_or_else(|| known.1.clone());
        }
        self.claims.remove(&id);
        committed.more = self.waiting(id).next().is_some();
        Ok(committed)
    }

    /// Adds a line to a transcript.
    fn write_line(&mut self, id: ConversationId, episode: u32, new: NewEntry) {
        let line = Entry {
            id: EntryId(self.next()),
            trace: new.trace,
            episode,
            author: new.author,
            content: new.content,
            at: new.at,
        };
        self.entries.push((id, line));
    }

    /// Forgets a conversation's errands; those in work are to be told.
    fn cancel(&mut self, id: ConversationId, now: Timestamp) -> Vec<ErrandId> {
        let ours: Vec<i64> = self
            .errands
            .iter()
            .filter(|(_, job)| job.what.conversation == id)
            .map(|(number, _)| *number)
            .collect();
        let running = |number: &i64| self.errands.get(number).is_some_and(|job| job.in_work(now));
        let cancelled = ours.iter().copied().filter(running).map(ErrandId).collect();
        ours.iter()
            .for_each(|number| drop(self.errands.remove(number)));
        cancelled
    }

    /// Asks, or adds the words to a question of the same kind that nobody ever took. One that was taken before may have
    /// been answered already, and its answer is accepted once.
    fn ask(&mut self, id: ConversationId, episode: u32, ask: Ask) {
        let same = |job: &&mut Job<Question>| {
            let question = &job.what;
            (
                question.conversation,
                question.episode,
                &question.bot,
                &question.argv,
            ) == (id, episode, &ask.bot, &ask.argv)
                && job.attempts == 0
        };
        if let Some(job) = self.errands.values_mut().find(same) {
            job.what.said.extend(ask.said);
            job.due_at = ask.due_at.min(job.what.latest).max(job.due_at);
            return;
        }
        let Ask {
            trace,
            bot,
            argv,
            said,
            due_at,
            latest,
        } = ask;
        let number = self.next();
        let question = Question {
            conversation: id,
            episode,
            trace,
            bot,
            argv,
            said,
            latest,
        };
        self.errands.insert(number, Job::new(due_at, question));
    }

    /// The first of each lane.
    fn heads<'a, T, L: PartialEq>(
        jobs: &'a BTreeMap<i64, Job<T>>,
        lane: impl Fn(&'a T) -> L,
    ) -> Vec<&'a Job<T>> {
        let mut lanes: Vec<L> = Vec::new();
        let mut first = |job: &&'a Job<T>| {
            let lane = lane(&job.what);
            let fresh = !lanes.contains(&lane);
            lanes.extend(fresh.then_some(lane));
            fresh
        };
        jobs.values().filter(|job| first(job)).collect()
    }

    fn due(
        &mut self,
        kind: DueKind,
        now: Timestamp,
        limit: usize,
        until: Timestamp,
        but: &[String],
    ) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < limit
            && let Some(next) = self.take(kind, now, until, but)
        {
            due.push(next);
        }
        due
    }

    fn take(
        &mut self,
        kind: DueKind,
        now: Timestamp,
        until: Timestamp,
        but: &[String],
    ) -> Option<Due> {
        match kind {
            DueKind::Dispatch => {
                let head = |id: i64| {
                    let lane = self.dispatches[&id].what.lane();
                    self.dispatches
                        .iter()
                        .find(|(_, job)| job.what.lane() == lane)
                        .is_some_and(|(first, _)| *first == id)
                };
                let ready = |(id, job): &(&i64, &Job<Outgoing>)| {
                    !job.held
                        && !job.in_work(now)
                        && job.due_at <= now
                        && wanted(but, job.what.new.inbox.as_str())
                        && head(**id)
                };
                let id = self
                    .dispatches
                    .iter()
                    .filter(ready)
                    .min_by_key(|(id, job)| (job.due_at, **id))
                    .map(|(id, _)| *id)?;
                let fence = self.raise();
                let job = self.dispatches.get_mut(&id)?;
                job.take(fence, until);
                let what = DueWhat::Dispatch(Box::new(dispatch(id, job)));
                Some(Due {
                    id: DueId {
                        kind,
                        id,
                        deadline: None,
                        fence,
                    },
                    what,
                })
            }
            DueKind::Errand => {
                let head = |id: i64| {
                    let lane = self.errands[&id].what.conversation;
                    let mut lane = self
                        .errands
                        .iter()
                        .filter(|(_, job)| job.what.conversation == lane);
                    lane.next().is_some_and(|(first, _)| *first == id)
                };
                let ready = |(id, job): &(&i64, &Job<Question>)| {
                    !job.in_work(now)
                        && job.due_at <= now
                        && wanted(but, job.what.bot.as_str())
                        && head(**id)
                };
                let id = self
                    .errands
                    .iter()
                    .filter(ready)
                    .min_by_key(|(id, job)| (job.due_at, **id))
                    .map(|(id, _)| *id)?;
                let fence = self.raise();
                let job = self.errands.get_mut(&id)?;
                job.take(fence, until);
                let (conversation, contact) =
                    self.conversations.get(&job.what.conversation)?.clone();
                let Question {
                    episode,
                    trace,
                    bot,
                    argv,
                    said,
                    ..
                } = job.what.clone();
                let errand = Errand {
                    id: ErrandId(id),
                    trace,
                    conversation,
                    contact,
                    episode,
                    bot,
                    argv,
                    said,
                    attempt: job.attempts,
                };
                Some(Due {
                    id: DueId {
                        kind,
                        id,
                        deadline: None,
                        fence,
                    },
                    what: DueWhat::Errand(Box::new(errand)),
                })
            }
            DueKind::Deadline => {
                let ready = |(_, job): &(&(ConversationId, DeadlineKind), &Job<u32>)| {
                    !job.in_work(now) && job.due_at <= now
                };
                let key = *self
                    .deadlines
                    .iter()
                    .filter(ready)
                    .min_by_key(|(_, job)| job.due_at)?
                    .0;
                let fence = self.raise();
                let job = self.deadlines.get_mut(&key)?;
                job.take(fence, until);
                let thread = self.conversations.get(&key.0)?.0.thread.clone();
                let what = DueWhat::Deadline {
                    conversation: key.0,
                    thread,
                    kind: key.1,
                    episode: job.what,
                    at: job.due_at,
                };
                Some(Due {
                    id: DueId {
                        kind,
                        id: key.0.0,
                        deadline: Some(key.1),
                        fence,
                    },
                    what,
                })
            }
        }
    }

    fn settle(
        &mut self,
        due: &DueId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let cue = match due.kind {
            DueKind::Dispatch => self.settle_dispatch(due, settlement, now)?,
            DueKind::Errand => {
                let job = self
                    .errands
                    .get_mut(&due.id)
                    .filter(|job| job.held_by(due.fence))
                    .ok_or(StoreError::Lost)?;
                match settlement {
                    Settlement::Retry { at, reason, .. } => {
                        job.put_back(at, false, &reason);
                        None
                    }
                    Settlement::Dead { cue, .. } | Settlement::Held { cue, .. } => {
                        self.errands.remove(&due.id);
                        cue
                    }
                    Settlement::Done { .. } => {
                        self.errands.remove(&due.id);
                        None
                    }
                }
            }
            DueKind::Deadline => {
                let key = (
                    ConversationId(due.id),
                    due.deadline.ok_or(StoreError::Lost)?,
                );
                let job = self
                    .deadlines
                    .get_mut(&key)
                    .filter(|job| job.held_by(due.fence))
                    .ok_or(StoreError::Lost)?;
                match settlement {
                    Settlement::Retry { at, reason, .. } => {
                        job.put_back(at, false, &reason);
                        None
                    }
                    Settlement::Dead { cue, .. } | Settlement::Held { cue, .. } => {
                        self.deadlines.remove(&key);
                        cue
                    }
                    Settlement::Done { .. } => {
                        self.deadlines.remove(&key);
                        None
                    }
                }
            }
        };
        if let Some(cue) = cue {
            let intake = Intake {
                arrivals: vec![*cue],
                cursor: None,
                entry: BotName::new("transfer"),
            };
            self.accept(intake, now);
        }
        Ok(())
    }

    fn settle_dispatch(
        &mut self,
        due: &DueId,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Option<Box<Arrival>>, StoreError> {
        let job = self
            .dispatches
            .get_mut(&due.id)
            .filter(|job| job.held_by(due.fence))
            .ok_or(StoreError::Lost)?;
        let (state, reason, external_id, lost, cue) = match settlement {
            Settlement::Retry { at, reason, tried } => {
                job.put_back(at, false, &reason);
                job.attempts -= u32::from(!tried);
                return Ok(None);
            }
            Settlement::Held { reason, cue } => {
                job.put_back(now, true, &reason);
                return Ok(cue);
            }
            Settlement::Done { external_id, lost } => ("sent", None, external_id, lost, None),
            Settlement::Dead { reason, cue } => ("dead", Some(reason), None, Vec::new(), cue),
        };
        if let Some(job) = self.dispatches.remove(&due.id) {
            let line = TraceDispatch {
                reason,
                external_id,
                lost,
                ..line(due.id, &job, state, now)
            };
            self.sent.push((job.what.new.trace, line));
        }
        Ok(cue)
    }
}

fn dispatch(id: i64, job: &Job<Outgoing>) -> Dispatch {
    let Outgoing {
        conversation,
        created_at,
        new,
    } = &job.what;
    Dispatch {
        id: DispatchId(id),
        trace: new.trace,
        conversation: *conversation,
        inbox: new.inbox.clone(),
        to: new.to.clone(),
        sender: new.sender.clone(),
        content: new.content.clone(),
        attempt: job.attempts,
        created_at: *created_at,
    }
}

fn line(id: i64, job: &Job<Outgoing>, state: &str, at: Timestamp) -> TraceDispatch {
    let Outgoing {
        created_at, new, ..
    } = &job.what;
    TraceDispatch {
        id: DispatchId(id),
        inbox: new.inbox.clone(),
        to: new.to.clone(),
        content: new.content.clone(),
        created_at: *created_at,
        at,
        state: state.to_owned(),
        attempts: job.attempts,
        reason: job.reason.clone(),
        external_id: None,
        lost: Vec::new(),
        confirmed_at: None,
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        Ok(self.state.lock().accept(intake, self.clock.now()))
    }

    async fn claim(&self, _: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let over: Vec<_> = state
            .claims
            .iter()
            .filter(|(_, held)| held.until <= now)
            .map(|(id, _)| *id)
            .collect();
        over.into_iter().for_each(|id| state.fail(id));
        let Some(id) = state.claimable(now) else {
            return Ok(None);
        };
        let fence = state.raise();
        let Some((conversation, contact)) = state.conversations.get(&id).cloned() else {
            return Ok(None);
        };
        let accepted = |(id, row): (&ArrivalId, &Row)| Accepted {
            id: *id,
            failures: row.failures,
            arrival: row.arrival.clone(),
        };
        let arrivals: Vec<Accepted> = state.waiting(id).take(CLAIM_LIMIT).map(accepted).collect();
        let claimed = Held {
            fence,
            until: now + lease,
            carried: arrivals.iter().map(|accepted| accepted.id).collect(),
        };
        state.claims.insert(id, claimed);
        let held = u32::try_from(state.held(&conversation.thread).len()).unwrap_or(u32::MAX);
        Ok(Some(Claim {
            fence,
            conversation,
            contact,
            arrivals,
            held,
        }))
    }

    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError> {
        self.state.lock().commit(&claim, changes, self.clock.now())
    }

    async fn abandon(&self, claim: Claim) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        let id = claim.conversation.id;
        if !state.holds(&claim) {
            return Err(StoreError::Lost);
        }
        state.fail(id);
        Ok(())
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
        Ok(self.state.lock().due(kind, now, limit, now + lease, but))
    }

    async fn take(
        &self,
        dispatch: DispatchId,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError> {
        let now = self.clock.now();
        let mut state = self.state.lock();
        let fence = state.raise();
        let job = state.dispatches.get_mut(&dispatch.0);
        Ok(job.filter(|job| !job.in_work(now)).map(|job| {
            job.taken = Some((fence, now + lease));
            DueId {
                kind: DueKind::Dispatch,
                id: dispatch.0,
                deadline: None,
                fence,
            }
        }))
    }

    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError> {
        self.state.lock().settle(due, settlement, self.clock.now())
    }

    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state.lock();
        Ok(match kind {
            DueKind::Dispatch => {
                let mut heads = State::heads(&state.dispatches, |outgoing| outgoing.lane());
                heads.retain(|job| job.taken.is_some() || wanted(but, job.what.new.inbox.as_str()));
                next(heads)
            }
            DueKind::Errand => {
                let mut heads = State::heads(&state.errands, |question| question.conversation);
                heads.retain(|job| job.taken.is_some() || wanted(but, job.what.bot.as_str()));
                next(heads)
            }
            DueKind::Deadline => next(state.deadlines.values()),
        })
    }
}

/// Whether things of this inbox or bot are wanted.
fn wanted(but: &[String], name: &str) -> bool {
    but.iter().all(|other| other != name)
}

/// When the first of these may go: its time, or the end of its lease.
fn next<'a, T: 'a>(jobs: impl IntoIterator<Item = &'a Job<T>>) -> Option<Timestamp> {
    let jobs = jobs.into_iter().filter(|job| !job.held);
    jobs.map(|job| job.taken.map_or(job.due_at, |(_, until)| until))
        .min()
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
        let state = self.state.lock();
        let since = state
            .conversations
            .get(&id)
            .filter(|_| this_opening)
            .map(|(conversation, _)| conversation.opened_at);
        let ours = state
            .entries
            .iter()
            .filter(|(of, line)| *of == id && since.is_none_or(|since| line.at >= since));
        let lines: Vec<Entry> = ours.map(|(_, line)| line.clone()).collect();
        Ok(lines[lines.len().saturating_sub(limit)..].to_vec())
    }

    async fn desk(&self) -> Result<DeskState, StoreError> {
        let state = self.state.lock();
        let mut loads: BTreeMap<AgentName, u32> = BTreeMap::new();
        let mut waiting = Vec::new();
        for (conversation, contact) in state.conversations.values() {
            match &conversation.phase {
                Phase::Assigned { agent, .. } => *loads.entry(agent.clone()).or_default() += 1,
                Phase::Queued(row) => waiting.push(WaitingRow {
                    conversation: conversation.id,
                    thread: conversation.thread.clone(),
                    episode: conversation.episode,
                    waiting: row.clone(),
                    dedicated: contact.dedicated.clone(),
                }),
                Phase::Assisted | Phase::Resolved { .. } => {}
            }
        }
        waiting.sort_by_key(|row| {
            (
                std::cmp::Reverse(row.waiting.priority),
                row.waiting.since,
                row.conversation,
            )
        });
        Ok(DeskState {
            loads: loads.into_iter().collect(),
            waiting,
        })
    }

    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError> {
        let state = self.state.lock();
        let open = |(conversation, _): &(Conversation, Contact)| match &conversation.phase {
            Phase::Assigned { agent, since } => {
                let leads = |(thread, id): &(&ThreadKey, &ConversationId)| {
                    **id == conversation.id && **thread != conversation.thread
                };
                let threads = state
                    .threads
                    .iter()
                    .filter(leads)
                    .map(|(thread, _)| thread.clone())
                    .collect();
                Some(OpenThread {
                    agent: agent.clone(),
                    threads,
                    since: *since,
                })
            }
            _ => None,
        };
        Ok(state.conversations.values().filter_map(open).collect())
    }

    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
        let state = self.state.lock();
        let Some(row) = state.arrivals.get(&id) else {
            return Ok(None);
        };
        let arrival = TraceArrival {
            id,
            conversation: row.conversation,
            arrival: row.arrival.clone(),
            accepted_at: row.accepted_at,
            turned: row.turned.clone(),
        };
        let sent = state
            .sent
            .iter()
            .filter(|(trace, _)| *trace == id)
            .map(|(_, line)| line.clone());
        let waiting = state
            .dispatches
            .iter()
            .filter(|(_, job)| job.what.new.trace == id);
        let waiting = waiting.map(|(id, job)| {
            line(
                *id,
                job,
                if job.held { "held" } else { "waiting" },
                job.due_at,
            )
        });
        let mut dispatches: Vec<TraceDispatch> = sent.chain(waiting).collect();
        dispatches.sort_by_key(|dispatch| dispatch.id);
        Ok(Some(Trace {
            arrival,
            dispatches,
        }))
    }

    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError> {
        Ok(self
            .state
            .lock()
            .cursors
            .get(&(inbox.clone(), topic.to_owned()))
            .cloned())
    }

    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        Ok(self.state.lock().media.get(key).cloned())
    }

    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        self.state
            .lock()
            .media
            .insert(key.to_owned(), media.clone());
        Ok(())
    }

    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError> {
        Ok(self
            .state
            .lock()
            .facts
            .entry(key.to_owned())
            .or_insert_with(|| value.to_owned())
            .clone())
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let state = self.state.lock();
        let phases = |wanted: fn(&Phase) -> bool| {
            state
                .conversations
                .values()
                .filter(|(conversation, _)| wanted(&conversation.phase))
                .count() as u64
        };
        let held = state.dispatches.values().filter(|job| job.held).count() as u64;
        Ok(Depths {
            arrivals: state
                .arrivals
                .values()
                .filter(|row| row.turned.is_none())
                .count() as u64,
            dispatches: state.dispatches.len() as u64 - held,
            held,
            errands: state.errands.len() as u64,
            queued: phases(|phase| matches!(phase, Phase::Queued(_))),
            assigned: phases(|phase| matches!(phase, Phase::Assigned { .. })),
            open: phases(|phase| !matches!(phase, Phase::Resolved { .. })),
        })
    }

    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
        let mut state = self.state.lock();
        let count = |state: &State| {
            state.arrivals.len() + state.entries.len() + state.sent.len() + state.seen.len()
        };
        let had = count(&state);
        state
            .arrivals
            .retain(|_, row| row.turned.as_ref().is_none_or(|(at, _)| *at >= before));
        state.entries.retain(|(_, line)| line.at >= before);
        state.sent.retain(|(_, line)| line.at >= before);
        state.seen.retain(|_, at| *at >= seen_before);
        Ok((had - count(&state)) as u64)
    }

    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError> {
        let state = self.state.lock();
        let ours = |trace: &ArrivalId| {
            state
                .arrivals
                .get(trace)
                .is_some_and(|row| row.conversation == id)
        };
        let mut found = state.sent.iter().rev().filter(|(trace, _)| ours(trace));
        Ok(found
            .find(|(_, line)| line.external_id.as_deref() == Some(external_id))
            .map(|(_, line)| line.id))
    }

    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError> {
        let mut state = self.state.lock();
        let State { arrivals, sent, .. } = &mut *state;
        let ours = |trace: &ArrivalId| {
            arrivals
                .get(trace)
                .is_some_and(|row| row.conversation == id)
        };
        let mut sent = sent.iter_mut().rev();
        let found = sent
            .find(|(trace, line)| line.external_id.as_deref() == Some(external_id) && ours(trace));
        Ok(found.map(|(_, line)| {
            (line.state, line.reason) = ("dead".to_owned(), Some(reason.to_owned()));
            line.clone()
        }))
    }

    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError> {
        let mut state = self.state.lock();
        let State {
            arrivals,
            entries,
            sent,
            ..
        } = &mut *state;
        // What is said of somebody's kin makes lines in several conversations.
        let ours = |trace: &ArrivalId| {
            arrivals
                .get(trace)
                .is_some_and(|row| row.conversation == id)
        };
        // What was shown of a message is all of it or not yet enough.
        let reached = |trace: ArrivalId| {
            let ours = entries.iter().filter(|(of, _)| *of == id);
            let mut lines = ours
                .map(|(_, line)| line)
                .filter(|line| line.trace == trace)
                .peekable();
            lines.peek().is_some() && lines.all(|line| what.reaches(line.id))
        };
        let confirmed = sent
            .iter_mut()
            .filter(|(trace, line)| what.confirms(line) && ours(trace) && reached(*trace));
        Ok(confirmed
            .map(|(_, line)| {
                line.confirmed_at = Some(at);
                line.clone()
            })
            .collect())
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
