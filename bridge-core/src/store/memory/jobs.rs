//! What becomes due: something to send, to ask, to remember. All three wait in lanes, are taken under a fence and a
//! lease, and are put back or removed.

use std::collections::BTreeMap;

use crate::{
    clock::Timestamp,
    message::{ArrivalId, BotName, ConversationId, DeadlineKind},
    store::{NewDispatch, Said},
};

/// The things of one kind, in the order they were decided.
pub(super) type Jobs<K, T> = BTreeMap<K, Job<T>>;

/// Something that becomes due.
pub(super) struct Job<T> {
    pub due_at: Timestamp,
    /// It waits for a release, whatever the time.
    pub held: bool,
    pub attempts: u32,
    /// Whoever took it last: their fence, and the end of their lease.
    pub taken: Option<(u64, Timestamp)>,
    /// Why it was put back last.
    pub reason: Option<String>,
    pub what: T,
}

/// What waits in lanes: of each lane, only the first may be taken.
pub(super) trait Waits {
    /// What it keeps its order with.
    fn lane(&self) -> impl PartialEq + '_;

    /// The inbox or the bot that may be left alone.
    fn whose(&self) -> Option<&str>;
}

/// Something to send. Its lane: one recipient, in one name.
pub(super) struct Outgoing {
    pub conversation: ConversationId,
    pub created_at: Timestamp,
    pub new: NewDispatch,
}

impl Waits for Outgoing {
    fn lane(&self) -> impl PartialEq + '_ {
        let sender = self.new.sender.as_ref().map(|sender| &sender.id);
        (&self.new.inbox, &self.new.to, sender)
    }

    fn whose(&self) -> Option<&str> {
        Some(self.new.inbox.as_str())
    }
}

/// A question for a slow bot. Its lane: the conversation.
#[derive(Clone)]
pub(super) struct Question {
    pub conversation: ConversationId,
    pub episode: u32,
    pub trace: ArrivalId,
    pub bot: BotName,
    pub argv: Vec<String>,
    pub said: Vec<Said>,
    pub latest: Timestamp,
}

impl Waits for Question {
    fn lane(&self) -> impl PartialEq + '_ {
        self.conversation
    }

    fn whose(&self) -> Option<&str> {
        Some(self.bot.as_str())
    }
}

/// A deadline: a lane of its own, and never left alone.
pub(super) struct Reminder {
    pub conversation: ConversationId,
    pub kind: DeadlineKind,
    pub episode: u32,
}

impl Waits for Reminder {
    fn lane(&self) -> impl PartialEq + '_ {
        (self.conversation, self.kind)
    }

    fn whose(&self) -> Option<&str> {
        None
    }
}

impl<T> Job<T> {
    pub fn new(due_at: Timestamp, what: T) -> Self {
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
    pub fn in_work(&self, now: Timestamp) -> bool {
        self.taken.is_some_and(|(_, until)| until > now)
    }

    /// Whether it was taken last under this fence, however long ago.
    pub fn held_by(&self, fence: u64) -> bool {
        self.taken.is_some_and(|(taken, _)| taken == fence)
    }

    /// The end of the lease of whoever took it last.
    pub fn lease(&mut self) -> Option<&mut Timestamp> {
        self.taken.as_mut().map(|(_, until)| until)
    }

    pub fn take(&mut self, fence: u64, until: Timestamp) {
        self.taken = Some((fence, until));
        self.attempts += 1;
    }

    pub fn put_back(&mut self, at: Timestamp, held: bool, reason: String) {
        (self.taken, self.due_at, self.held, self.reason) = (None, at, held, Some(reason));
    }

    /// When it may go: its time, or the end of whoever's lease has it.
    fn ready_at(&self) -> Timestamp {
        self.taken.map_or(self.due_at, |(_, until)| until)
    }
}

impl<T: Waits> Job<T> {
    /// Whether it is none of those that are left alone.
    fn wanted(&self, but: &[String]) -> bool {
        let whose = self.what.whose();
        but.iter().all(|other| Some(other.as_str()) != whose)
    }
}

/// The first of each lane.
pub(super) fn heads<K, T: Waits>(jobs: &Jobs<K, T>) -> Vec<(&K, &Job<T>)> {
    let mut lanes = Vec::new();
    let mut heads = Vec::new();
    for (key, job) in jobs {
        let lane = job.what.lane();
        if !lanes.contains(&lane) {
            lanes.push(lane);
            heads.push((key, job));
        }
    }
    heads
}

/// The one to take now: of the first of each lane the longest due.
pub(super) fn ripe<K: Ord + Copy, T: Waits>(
    jobs: &Jobs<K, T>,
    now: Timestamp,
    but: &[String],
) -> Option<K> {
    let ready = |job: &Job<T>| !job.held && !job.in_work(now) && job.due_at <= now;
    heads(jobs)
        .into_iter()
        .filter(|(_, job)| ready(job) && job.wanted(but))
        .min_by_key(|(key, job)| (job.due_at, **key))
        .map(|(key, _)| *key)
}

/// When one of them may be taken: the end of a lease is waited for, whosever it is.
pub(super) fn next_ripe<K, T: Waits>(jobs: &Jobs<K, T>, but: &[String]) -> Option<Timestamp> {
    let heads = heads(jobs).into_iter().map(|(_, job)| job);
    heads
        .filter(|job| !job.held && (job.taken.is_some() || job.wanted(but)))
        .map(Job::ready_at)
        .min()
}
