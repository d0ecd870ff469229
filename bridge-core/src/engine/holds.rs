//! What this node has taken and works on. It is taken for a short lease, so that what a killed node had is soon another's,
//! and the lease is renewed as long as the work goes on, so that it never ends under who lives. One loop renews for all.
//!
//! A node that stalled for longer than a lease finds others at its work: what it has not begun it leaves to them, and what
//! it settles is refused. Where nobody but itself took it again, whoever is at it goes on under the new fence.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::counter;
use parking_lot::Mutex;

use super::Engine;
use crate::{
    message::DeadlineKind,
    store::{DueId, DueKind, StoreError},
};

/// The part of a lease after which it is renewed, at most twice that: so it is tried twice more before it is over.
const PART: u32 = 4;
/// Where a renewal failed, the next one follows after this.
const SOON: Duration = Duration::from_millis(500);
/// After a store came back: longer than anybody waits who has something to tell it.
const GRACE: Duration = Duration::from_secs(1);
/// Between two looks, however short a lease is.
const SHORTEST: Duration = Duration::from_millis(20);

/// What is taken, whatever its fence.
type Key = (DueKind, i64, Option<DeadlineKind>);

fn key(due: &DueId) -> Key {
    (due.kind, due.id, due.deadline)
}

/// All that this node works on.
#[derive(Default)]
pub(super) struct Holds(Mutex<State>);

#[derive(Default)]
struct State {
    held: HashMap<Key, Held>,
    last: u64,
}

/// One thing in work, and for whom.
struct Held {
    due: DueId,
    /// Nobody else has it before.
    until: Instant,
    /// It was taken or renewed since the loop looked last.
    young: bool,
    /// What became of it is being written: who takes it now takes it anew.
    settling: bool,
    number: u64,
}

/// Something in this node's hands, until dropped.
pub(super) struct Hold {
    holds: Arc<Holds>,
    due: DueId,
    number: u64,
}

impl Holds {
    /// Holds what was taken, until then. `None` where it is in work here already: that goes on, as this taking.
    pub(super) fn hold(self: &Arc<Self>, due: DueId, until: Instant) -> Option<Hold> {
        let mut state = self.0.lock();
        state.last += 1;
        let number = state.last;
        let held = Held {
            due: due.clone(),
            until,
            young: true,
            settling: false,
            number,
        };
        match state.held.entry(key(&due)) {
            Entry::Occupied(mut same) if !same.get().settling => {
                let same = same.get_mut();
                tracing::warn!(id = due.id, "its lease was over while it was in work here");
                *same = Held {
                    number: same.number,
                    ..held
                };
                return None;
            }
            Entry::Occupied(mut settled) => drop(settled.insert(held)),
            Entry::Vacant(free) => drop(free.insert(held)),
        }
        drop(state);
        let holds = self.clone();
        Some(Hold { holds, due, number })
    }

    /// What is to be renewed: all that is not young, and the young grow old.
    fn old(&self) -> Vec<DueId> {
        let mut state = self.0.lock();
        let grown = |held: &mut Held| !std::mem::take(&mut held.young);
        let old = state.held.values_mut().filter_map(|held| {
            let due = held.due.clone();
            grown(held).then_some(due)
        });
        old.collect()
    }

    /// They were asked to be renewed until then; the lost ones were not.
    fn renewed(&self, asked: &[DueId], lost: &[DueId], until: Instant) {
        let mut state = self.0.lock();
        for due in asked {
            // One that was taken again meanwhile is not what was asked for.
            let held = state.held.get_mut(&key(due));
            let Some(held) = held.filter(|held| held.due == *due) else {
                continue;
            };
            if !lost.contains(due) {
                (held.until, held.young) = (until, true);
            } else if !held.settling {
                held.until = Instant::now();
                counter!("kefu_holds_lost_total").increment(1);
                tracing::warn!(kind = ?due.kind, id = due.id, "it was taken over: this node was late");
            }
        }
    }
}

impl Hold {
    /// Whether nobody else can have it yet.
    pub(super) fn is_sure(&self) -> bool {
        let state = self.holds.0.lock();
        let held = state.held.get(&key(&self.due));
        held.is_some_and(|held| held.number == self.number && held.until > Instant::now())
    }

    /// As what it is to be settled, now: what is taken after this is none of it.
    pub(super) fn settling(&self) -> DueId {
        let mut state = self.holds.0.lock();
        let held = state.held.get_mut(&key(&self.due));
        match held.filter(|held| held.number == self.number) {
            Some(held) => {
                held.settling = true;
                held.due.clone()
            }
            None => self.due.clone(),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.holds.0.lock();
        if let Entry::Occupied(held) = state.held.entry(key(&self.due))
            && held.get().number == self.number
        {
            held.remove();
        }
    }
}

impl Engine {
    /// What was taken by a call that began then.
    pub(super) fn hold(&self, due: DueId, began: Instant) -> Option<Hold> {
        self.holds.hold(due, began + self.parts.settings.lease)
    }

    /// Renews what is in work, to the end of the last.
    pub(super) async fn keep_holds(self: Arc<Self>) {
        let lease = self.parts.settings.lease;
        let usual = (lease / PART).max(SHORTEST);
        let mut pause = usual;
        loop {
            tokio::select! {
                () = self.parts.clock.sleep(pause) => {}
                () = self.finished.cancelled() => return,
            }
            pause = match self.renew_holds(lease).await {
                Ok(()) => usual,
                Err(error) => {
                    tracing::warn!(%error, "cannot renew what is in work; trying again");
                    usual.min(SOON)
                }
            };
        }
    }

    async fn renew_holds(&self, lease: Duration) -> Result<(), StoreError> {
        let old = self.holds.old();
        if !old.is_empty() {
            let began = Instant::now();
            let lost = self.parts.store.renew(&old, lease).await?;
            self.holds.renewed(&old, &lost, began + lease);
        }
        Ok(())
    }

    /// Waits for a store that was out of reach, and a moment longer: while it was, leases ran out under who lives. They
    /// have their word first, before anybody takes over what they have sent already.
    pub(super) async fn store_is_back(&self) {
        let moment = async || self.wait_for(std::future::pending(), GRACE).await;
        moment().await;
        while self.parts.store.ping().await.is_err() && !self.stop.is_cancelled() {
            moment().await;
        }
        moment().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(id: i64, fence: u64) -> DueId {
        DueId {
            kind: DueKind::Dispatch,
            id,
            deadline: None,
            fence,
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn only_what_lasts_is_renewed() {
        let holds = Arc::new(Holds::default());
        let quick = holds.hold(due(1, 1), soon()).unwrap();
        let slow = holds.hold(due(2, 2), soon()).unwrap();
        assert!(holds.old().is_empty(), "both are young");
        drop(quick);
        let next = holds.hold(due(3, 3), soon()).unwrap();
        assert_eq!(holds.old(), [due(2, 2)]);
        holds.renewed(&[due(2, 2)], &[], soon());
        assert_eq!(holds.old(), [due(3, 3)], "the other was renewed just now");
        assert_eq!(
            holds.old().len(),
            2,
            "what could not be renewed is asked again"
        );
        drop((slow, next));
        assert!(holds.old().is_empty());
    }

    #[test]
    fn what_is_lost_or_over_is_not_begun() {
        let holds = Arc::new(Holds::default());
        let late = holds.hold(due(1, 1), Instant::now()).unwrap();
        assert!(!late.is_sure(), "its lease is over");
        let lost = holds.hold(due(2, 2), soon()).unwrap();
        assert!(lost.is_sure());
        holds.renewed(&[due(1, 1), due(2, 2)], &[due(2, 2)], soon());
        assert!(late.is_sure(), "nobody else had taken it");
        assert!(!lost.is_sure());
    }

    #[test]
    fn what_it_took_from_itself_goes_on_under_the_new_fence() {
        let holds = Arc::new(Holds::default());
        let slow = holds.hold(due(1, 1), Instant::now()).unwrap();
        assert!(holds.hold(due(1, 5), soon()).is_none(), "it is in work");
        assert!(slow.is_sure());
        // An answer that is late is about what was.
        holds.renewed(&[due(1, 1)], &[due(1, 1)], soon());
        assert!(slow.is_sure());
        assert_eq!(slow.settling(), due(1, 5));
        let again = holds.hold(due(1, 6), soon()).unwrap();
        assert!(!slow.is_sure(), "it was put back, and taken anew");
        drop(slow);
        assert!(again.is_sure());
        assert_eq!(again.settling(), due(1, 6));
    }
}
