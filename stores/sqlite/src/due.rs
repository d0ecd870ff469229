//! What is due, in lanes: one thing of a lane is in work at a time, in order; a thing that waits holds the later ones of
//! its lane and of no other. Lanes are of groups, so that all of one inbox can be passed over at no cost.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use bridge_core::clock::Timestamp;

/// Things by number, in lanes of key `K`.
pub(crate) struct DueLanes<K, T> {
    items: HashMap<i64, Item<K, T>>,
    lanes: HashMap<K, VecDeque<i64>>,
    ready: Ready,
    /// What is taken, by the end of its lease.
    leases: BTreeSet<(Timestamp, i64)>,
    fence: u64,
}

/// Heads of lanes that are neither taken nor held, by group and time. Groups stay: they are as few as inboxes and bots.
#[derive(Default)]
struct Ready(BTreeMap<Arc<str>, BTreeSet<(Timestamp, i64)>>);

impl Ready {
    /// The group of that name, the same one for all of its things.
    fn group(&mut self, name: &str) -> Arc<str> {
        if let Some((group, _)) = self.0.get_key_value(name) {
            return group.clone();
        }
        let group: Arc<str> = name.into();
        self.0.insert(group.clone(), BTreeSet::new());
        group
    }

    fn insert(&mut self, group: &Arc<str>, at: (Timestamp, i64)) {
        self.0.entry(group.clone()).or_default().insert(at);
    }

    fn remove(&mut self, group: &str, at: (Timestamp, i64)) {
        if let Some(heads) = self.0.get_mut(group) {
            heads.remove(&at);
        }
    }

    /// The earliest of those groups that are not in `but`.
    fn first(&self, but: &[String]) -> Option<(&Arc<str>, (Timestamp, i64))> {
        let wanted = self
            .0
            .iter()
            .filter(|(group, _)| but.iter().all(|name| name.as_str() != &***group));
        wanted
            .filter_map(|(group, heads)| Some((group, *heads.first()?)))
            .min_by_key(|(_, at)| *at)
    }
}

pub(crate) struct Item<K, T> {
    pub(crate) lane: K,
    group: Arc<str>,
    pub(crate) due_at: Timestamp,
    pub(crate) held: bool,
    pub(crate) attempts: u32,
    pub(crate) thing: T,
    /// Nobody ever took it, in this life or an earlier one.
    pub(crate) fresh: bool,
    /// The last taking's; 0 where it was settled since. A worker that is late may still settle what nobody else took.
    fence: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    /// In a worker's hands until then.
    Taken(Timestamp),
    /// Its settlement is being written; before, it was taken until then, or its lease was over.
    Writing(Option<Timestamp>),
}

impl<K, T> Item<K, T> {
    /// Whether it is just being settled or removed.
    pub(crate) fn is_writing(&self) -> bool {
        matches!(self.state, State::Writing(_))
    }
}

impl<K: Clone + Eq + Hash, T> DueLanes<K, T> {
    /// Fences begin at `fence`, above those of any earlier life.
    pub(crate) fn new(fence: u64) -> Self {
        Self {
            items: HashMap::new(),
            lanes: HashMap::new(),
            ready: Ready::default(),
            leases: BTreeSet::new(),
            fence,
        }
    }

    /// Adds a thing at the end of its lane.
    #[expect(clippy::too_many_arguments, reason = "a row is what it is")]
    pub(crate) fn push(
        &mut self,
        id: i64,
        group: &str,
        lane: K,
        due_at: Timestamp,
        held: bool,
        attempts: u32,
        thing: T,
    ) {
        let group = self.ready.group(group);
        self.lanes.entry(lane.clone()).or_default().push_back(id);
        self.items.insert(
            id,
            Item {
                lane: lane.clone(),
                group,
                due_at,
                held,
                attempts,
                thing,
                fresh: true,
                fence: 0,
                state: State::Free,
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
            && item.state == State::Free
            && !item.held
        {
            self.ready.insert(&item.group, (item.due_at, *head));
        }
    }

    /// Takes what is due, of all groups but those: number, fence.
    pub(crate) fn take(
        &mut self,
        now: Timestamp,
        limit: usize,
        until: Timestamp,
        but: &[String],
    ) -> Vec<(i64, u64)> {
        self.expire(now);
        let mut taken = Vec::new();
        while taken.len() < limit
            && let Some((group, (due_at, id))) = self.ready.first(but)
            && due_at <= now
        {
            let group = group.clone();
            self.ready.remove(&group, (due_at, id));
            self.fence += 1;
            if let Some(item) = self.items.get_mut(&id) {
                (item.fence, item.state, item.fresh) = (self.fence, State::Taken(until), false);
                item.attempts += 1;
                self.leases.insert((until, id));
                taken.push((id, self.fence));
            }
        }
        taken
    }

    /// Takes one thing that nobody has, wherever it stands in its lane, held or not. That is no try. Its fence.
    pub(crate) fn take_one(&mut self, id: i64, now: Timestamp, until: Timestamp) -> Option<u64> {
        self.expire(now);
        let item = self.items.get_mut(&id)?;
        if item.state != State::Free {
            return None;
        }
        self.ready.remove(&item.group, (item.due_at, id));
        self.fence += 1;
        (item.fence, item.state) = (self.fence, State::Taken(until));
        self.leases.insert((until, id));
        Some(self.fence)
    }

    /// Moves the end of a lease, be it over, unless somebody took the thing since. Whether it still is that taking's; while
    /// its settlement is being written it is.
    pub(crate) fn renew(&mut self, id: i64, fence: u64, until: Timestamp) -> bool {
        let Some(item) = self.items.get_mut(&id).filter(|item| item.fence == fence) else {
            return false;
        };
        match item.state {
            State::Writing(_) => {
                item.state = State::Writing(Some(until));
                return true;
            }
            State::Taken(before) => {
                self.leases.remove(&(before, id));
            }
            State::Free => self.ready.remove(&item.group, (item.due_at, id)),
        }
        item.state = State::Taken(until);
        self.leases.insert((until, id));
        true
    }

    /// Ends leases that end beyond `farthest`. Whether there were any.
    pub(crate) fn recall_leases(&mut self, now: Timestamp, farthest: Timestamp) -> bool {
        let over = (farthest + Duration::from_millis(1), i64::MIN);
        let far = self.leases.split_off(&over);
        for (_, id) in &far {
            self.leases.insert((now, *id));
            if let Some(item) = self.items.get_mut(id) {
                item.state = State::Taken(now);
            }
        }
        !far.is_empty()
    }

    /// Makes due what is put off beyond `farthest`, whoever has it. Whether there was anything.
    pub(crate) fn recall(&mut self, now: Timestamp, farthest: Timestamp) -> bool {
        let far = |item: &Item<K, T>| item.due_at > farthest && !item.held;
        let put_off = self.items.iter().filter(|(_, item)| far(item));
        let put_off: Vec<i64> = put_off.map(|(id, _)| *id).collect();
        for id in &put_off {
            self.change(*id, |item| item.due_at = now);
        }
        !put_off.is_empty()
    }

    /// Leases that are over: somebody else may take it.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((until, id)) = self.leases.first().copied()
            && until <= now
        {
            self.leases.remove(&(until, id));
            self.free(id);
        }
    }

    fn free(&mut self, id: i64) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        item.state = State::Free;
        let lane = item.lane.clone();
        self.offer(&lane);
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Item<K, T>> {
        self.items.get(&id)
    }

    /// Whether whoever took it under this fence may still settle it.
    pub(crate) fn holds(&self, id: i64, fence: u64) -> bool {
        self.items
            .get(&id)
            .is_some_and(|item| item.fence == fence && !matches!(item.state, State::Writing(_)))
    }

    /// A settlement is being written: nobody takes it or settles it meanwhile. Whether it may be, under this fence.
    pub(crate) fn pin(&mut self, id: i64, fence: u64) -> bool {
        if !self.holds(id, fence) {
            return false;
        }
        let Some(item) = self.items.get_mut(&id) else {
            return false;
        };
        let until = match item.state {
            State::Taken(until) => Some(until),
            State::Free | State::Writing(_) => None,
        };
        item.state = State::Writing(until);
        match until {
            Some(until) => {
                self.leases.remove(&(until, id));
            }
            None => self.ready.remove(&item.group, (item.due_at, id)),
        }
        true
    }

    /// Nobody takes or settles a thing that nobody has, while it is removed. Whether nobody has it.
    pub(crate) fn pin_free(&mut self, id: i64) -> bool {
        let free = |item: &&mut Item<K, T>| item.state == State::Free;
        let Some(item) = self.items.get_mut(&id).filter(free) else {
            return false;
        };
        item.state = State::Writing(None);
        self.ready.remove(&item.group, (item.due_at, id));
        true
    }

    /// What has been held since before then and is first of its lane, each with what has waited behind it as long; of so
    /// many lanes.
    pub(crate) fn given_up(&self, before: Timestamp, lanes: usize) -> Vec<Vec<i64>> {
        let old = |item: &Item<K, T>| item.state == State::Free && item.due_at < before;
        let known = |id: &i64| self.items.get(id);
        let held = self.lanes.values().filter(|lane| {
            let head = lane.front().and_then(known);
            head.is_some_and(|head| head.held && old(head))
        });
        let waited = held.map(|lane| {
            let ids = lane.iter().copied();
            ids.take_while(|id| known(id).is_some_and(old)).collect()
        });
        waited.take(lanes).collect()
    }

    /// The settlement was not written after all.
    pub(crate) fn unpin(&mut self, id: i64) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        match item.state {
            State::Writing(Some(until)) => {
                item.state = State::Taken(until);
                self.leases.insert((until, id));
            }
            State::Writing(None) => self.free(id),
            State::Free | State::Taken(_) => {}
        }
    }

    pub(crate) fn is_taken(&self, id: i64) -> bool {
        self.items
            .get(&id)
            .is_some_and(|item| item.state != State::Free)
    }

    /// Changes a thing that is not taken; its time may move.
    pub(crate) fn change(&mut self, id: i64, change: impl FnOnce(&mut Item<K, T>)) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        self.ready.remove(&item.group, (item.due_at, id));
        change(item);
        let lane = item.lane.clone();
        self.offer(&lane);
    }

    /// Lets go of a thing under new conditions; what was not tried has as many tries left as before.
    pub(crate) fn put_back(&mut self, id: i64, due_at: Timestamp, held: bool, tried: bool) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        if let State::Taken(until) = item.state {
            self.leases.remove(&(until, id));
        }
        (item.state, item.fence) = (State::Free, 0);
        self.change(id, |item| {
            (item.due_at, item.held) = (due_at, held);
            item.attempts -= u32::from(!tried);
        });
    }

    /// Removes a thing; the next of its lane may go.
    pub(crate) fn remove(&mut self, id: i64) -> Option<T> {
        let item = self.items.remove(&id)?;
        self.ready.remove(&item.group, (item.due_at, id));
        if let State::Taken(until) = item.state {
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

    /// When something may go next: the earliest ready one of all groups but those, or the end of a lease.
    pub(crate) fn next(&self, but: &[String]) -> Option<Timestamp> {
        let ready = self.ready.first(but).map(|(_, (at, _))| at);
        let lease = self.leases.first().map(|(at, _)| *at);
        ready.into_iter().chain(lease).min()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many there are, and how many of them are held.
    pub(crate) fn count(&self) -> (u64, u64) {
        let held = self.items.values().filter(|item| item.held).count();
        (self.items.len() as u64, held as u64)
    }
}
