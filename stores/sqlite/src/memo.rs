//! What the writer remembers between requests, so that it need not ask the database, and what it knows before the index
//! does: a group's effects reach the index only when the disk has them.

use std::collections::{HashMap, HashSet};

use bridge_core::message::{AgentName, ConversationId, DeadlineKind};

use crate::index::Index;

/// Entries of the small caches below; they are emptied when full.
const CACHED: usize = 50_000;

/// What is remembered.
#[derive(Default)]
pub(crate) struct Memo {
    pub(crate) ids: Ids,
    pub(crate) inboxes: HashMap<String, i64>,
    pub(crate) threads: HashMap<(i64, String), ConversationId>,
    pub(crate) tails: HashMap<ConversationId, i64>,
    /// Of the group being written.
    ahead: Ahead,
    /// Of the group before, while the index has not learned of it.
    before: Ahead,
}

/// What the index does not know yet.
#[derive(Default)]
struct Ahead {
    /// Who has which conversation.
    seated: HashMap<ConversationId, Option<AgentName>>,
    /// Deadlines set or unset: who settles one of these has lost it.
    moved: HashSet<(ConversationId, DeadlineKind)>,
}

/// The last numbers given out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ids {
    pub(crate) arrival: i64,
    pub(crate) conversation: i64,
    pub(crate) contact: i64,
    pub(crate) dispatch: i64,
    pub(crate) errand: i64,
    pub(crate) entry: i64,
    /// Numbers up to here are spoken for in the database: a number that was ever given out is never given again.
    pub(crate) dispatch_reserved: i64,
    pub(crate) errand_reserved: i64,
}

impl Memo {
    pub(crate) fn new(ids: Ids) -> Self {
        Self {
            ids,
            ..Self::default()
        }
    }

    /// What was remembered of the database may have been rolled back. Numbers are not given again; what was reserved of
    /// them is reserved anew. What the group has seated and moved so far stays: at worst a seat counts that is free.
    pub(crate) fn forget(&mut self) {
        self.ids.dispatch_reserved = 0;
        self.ids.errand_reserved = 0;
        self.inboxes.clear();
        self.threads.clear();
        self.tails.clear();
    }

    /// The group is written; the index has learned of the one before.
    pub(crate) fn next_group(&mut self) {
        self.before = std::mem::take(&mut self.ahead);
        if self.threads.len() > CACHED {
            self.threads.clear();
        }
        if self.tails.len() > CACHED {
            self.tails.clear();
        }
    }

    /// The index has learned of the group before.
    pub(crate) fn learned(&mut self) {
        self.before.seated.clear();
        self.before.moved.clear();
    }

    pub(crate) fn seat(&mut self, id: ConversationId, agent: Option<AgentName>) {
        self.ahead.seated.insert(id, agent);
    }

    /// Conversations that an agent has, but for this one: by the index, and by what it does not know yet.
    pub(crate) fn seats_taken(
        &self,
        index: &Index,
        agent: &AgentName,
        but: ConversationId,
    ) -> usize {
        let (ahead, before) = (&self.ahead.seated, &self.before.seated);
        let before_only = before.iter().filter(|(id, _)| !ahead.contains_key(id));
        let changing = ahead.keys().chain(before_only.clone().map(|(id, _)| id));
        let changing = changing.filter(|id| **id != but && index.people.has(agent, **id));
        let own = usize::from(index.people.has(agent, but));
        let stored = index.people.load(agent) as usize - changing.count() - own;
        let theirs = ahead
            .iter()
            .chain(before_only)
            .filter(|(id, name)| **id != but && name.as_ref() == Some(agent));
        stored + theirs.count()
    }

    pub(crate) fn move_deadline(&mut self, id: ConversationId, kind: DeadlineKind) {
        self.ahead.moved.insert((id, kind));
    }

    pub(crate) fn has_moved(&self, id: ConversationId, kind: DeadlineKind) -> bool {
        let key = (id, kind);
        self.ahead.moved.contains(&key) || self.before.moved.contains(&key)
    }
}

/// A note in the index that a request makes when it is written, and that is taken back where it is not committed.
pub(crate) enum Undo {
    /// A commit of this claim is being written.
    Claim(ConversationId),
    /// A settlement is being written.
    Dispatch(i64),
    /// A settlement is being written.
    Errand(i64),
    /// A settlement is being written.
    Deadline(i64),
    /// An errand is kept from being taken while it is changed.
    Kept(i64),
}

impl Undo {
    pub(crate) fn take_back(self, index: &mut Index) {
        match self {
            Self::Claim(id) => index.unpin(id),
            Self::Dispatch(id) => index.dispatches.unpin(id),
            Self::Errand(id) => index.errands.unpin(id),
            Self::Deadline(id) => index.deadlines.unpin(id),
            Self::Kept(id) => index.errands.change(id, |item| item.held = false),
        }
    }
}
