//! What is due, in lanes: one thing of a lane is in work at a time, in order; a thing that waits holds the later ones of
//! its lane and of no other.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
};

use bridge_core::clock::Timestamp;

/// Things by number, in lanes of key `K`.
pub(crate) struct DueLanes<K, T> {
    items: HashMap<i64, Item<K, T>>,
    lanes: HashMap<K, VecDeque<i64>>,
    /// Heads of lanes that are neither taken nor held, by time.
    ready: BTreeSet<(Timestamp, i64)>,
    /// What is taken, by the end of its lease.
    leases: BTreeSet<(Timestamp, i64)>,
    fence: u64,
}

pub(crate) struct Item<K, T> {
    pub(crate) lane: K,
    pub(crate) due_at: Timestamp,
    pub(crate) held: bool,
    pub(crate) attempts: u32,
    pub(crate) thing: T,
    taken: Option<(u64, Timestamp)>,
}

impl<K: Clone + Eq + Hash, T> DueLanes<K, T> {
    /// Fences begin at `fence`, above those of any earlier life.
    pub(crate) fn new(fence: u64) -> Self {
        Self {
            items: HashMap::new(),
            lanes: HashMap::new(),
            ready: BTreeSet::new(),
            leases: BTreeSet::new(),
            fence,
        }
    }

    /// Adds a thing at the end of its lane.
    pub(crate) fn push(
        &mut self,
        id: i64,
        lane: K,
        due_at: Timestamp,
        held: bool,
        attempts: u32,
        thing: T,
    ) {
        self.lanes.entry(lane.clone()).or_default().push_back(id);
        self.items.insert(
            id,
            Item {
                lane: lane.clone(),
                due_at,
                held,
                attempts,
                thing,
                taken: None,
            },
        );
        self.offer(&lane);
    }

    /// Puts a lane's head among the ready ones, if it may go.
    fn offer(&mut self, lane: &K) {
        let Some(head) = self.lanes.get(lane).and_then(|lane| lane.front()) else {
            return;
        };
        if let Some(item) = self.items.get(head)
            && item.taken.is_none()
            && !item.held
        {
            self.ready.insert((item.due_at, *head));
        }
    }

    /// Takes what is due: number, fence.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        limit: usize,
        until: Timestamp,
    ) -> Vec<(i64, u64)> {
        self.expire(now);
        let mut taken = Vec::new();
        while taken.len() < limit
            && let Some((due_at, id)) = self.ready.first().copied()
            && due_at <= now
        {
            self.ready.remove(&(due_at, id));
            self.fence += 1;
            if let Some(item) = self.items.get_mut(&id) {
                item.taken = Some((self.fence, until));
                item.attempts += 1;
                self.leases.insert((until, id));
                taken.push((id, self.fence));
            }
        }
        taken
    }

    /// Leases that are over: whoever took it has lost it.
    fn expire(&mut self, now: Timestamp) {
        while let Some((until, id)) = self.leases.first().copied()
            && until <= now
        {
            self.leases.remove(&(until, id));
            self.untake(id);
        }
    }

    fn untake(&mut self, id: i64) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        item.taken = None;
        let lane = item.lane.clone();
        self.offer(&lane);
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Item<K, T>> {
        self.items.get(&id)
    }

    /// Whether it is taken under this fence still.
    pub(crate) fn holds(&self, id: i64, fence: u64) -> bool {
        self.items
            .get(&id)
            .and_then(|item| item.taken)
            .is_some_and(|(taken, _)| taken == fence)
    }

    /// A settlement is being written: the lease cannot end meanwhile. Whether it is held under this fence.
    pub(crate) fn pin(&mut self, id: i64, fence: u64) -> bool {
        let ours = self.holds(id, fence);
        if ours && let Some((_, until)) = self.items.get(&id).and_then(|item| item.taken) {
            self.leases.remove(&(until, id));
        }
        ours
    }

    pub(crate) fn is_taken(&self, id: i64) -> bool {
        self.items.get(&id).is_some_and(|item| item.taken.is_some())
    }

    /// Changes a thing that is not taken; its time may move.
    pub(crate) fn change(&mut self, id: i64, change: impl FnOnce(&mut Item<K, T>)) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        self.ready.remove(&(item.due_at, id));
        change(item);
        let lane = item.lane.clone();
        self.offer(&lane);
    }

    /// Lets go of a thing under new conditions.
    pub(crate) fn put_back(&mut self, id: i64, due_at: Timestamp, held: bool) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        if let Some((_, until)) = item.taken.take() {
            self.leases.remove(&(until, id));
        }
        self.change(id, |item| (item.due_at, item.held) = (due_at, held));
    }

    /// Removes a thing; the next of its lane may go.
    pub(crate) fn remove(&mut self, id: i64) -> Option<T> {
        let item = self.items.remove(&id)?;
        self.ready.remove(&(item.due_at, id));
        if let Some((_, until)) = item.taken {
            self.leases.remove(&(until, id));
        }
        if let Some(lane) = self.lanes.get_mut(&item.lane) {
            lane.retain(|other| *other != id);
            if lane.is_empty() {
                self.lanes.remove(&item.lane);
            }
        }
        self.offer(&item.lane);
        Some(item.thing)
    }

    /// A lane's things in order.
    pub(crate) fn lane(&self, lane: &K) -> impl Iterator<Item = i64> + '_ {
        self.lanes.get(lane).into_iter().flatten().copied()
    }

    /// When something may go next: the earliest ready one, or the end of a lease.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let ready = self.ready.first().map(|(at, _)| *at);
        let lease = self.leases.first().map(|(at, _)| *at);
        ready.into_iter().chain(lease).min()
    }

    /// How many there are, and how many of them are held.
    pub(crate) fn count(&self) -> (u64, u64) {
        let held = self.items.values().filter(|item| item.held).count();
        (self.items.len() as u64, held as u64)
    }

    /// Fences go on above `fence`.
    pub(crate) fn raise(&mut self, fence: u64) {
        self.fence = self.fence.max(fence);
    }
}
