//! How far this node's clock is from the database's. What is due and which lease is over is decided by the database's, so
//! that nodes agree; what a node sets a time for, a second try or the end of a burst of words, is meant by its own. Were it
//! written down as it is, a node whose clock is half a minute ahead would put a try that is due in a second half a minute
//! off, and take the time until then for over.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::Duration,
};

use bridge_core::{
    clock::Timestamp,
    store::{Changes, Settlement, StoreError},
};

use crate::{link::Link, steps::get};

/// An answer that took longer does not tell its moment well enough.
const QUICK: Duration = Duration::from_millis(200);
/// Clocks that are no farther from each other agree, as well as that can be told.
const AGREE: i64 = 100;

/// The database's clock, less this node's, in milliseconds.
#[derive(Default)]
pub(crate) struct Skew(AtomicI64);

impl Skew {
    /// Asks the database, once.
    pub(crate) async fn learn(
        &self,
        link: &Link,
        now: impl Fn() -> Timestamp,
    ) -> Result<(), StoreError> {
        let asked = now();
        let row = link
            .first(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint",
                &[],
            )
            .await?;
        if let Some(row) = row {
            self.seen(asked, get(&row, 0)?, now());
        }
        Ok(())
    }

    /// The database's clock said `there` between two moments of this node's.
    pub(crate) fn seen(&self, asked: Timestamp, there: i64, answered: Timestamp) {
        let took = answered.since(asked);
        if answered < asked || took > QUICK {
            return;
        }
        let here = asked + took / 2;
        let skew = there.saturating_sub(here.0);
        self.0
            .store(if skew.abs() <= AGREE { 0 } else { skew }, Relaxed);
    }

    /// A moment of this node's, by the database's clock.
    pub(crate) fn there(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_add(self.0.load(Relaxed)))
    }

    /// A moment of the database's, by this node's clock.
    pub(crate) fn here(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_sub(self.0.load(Relaxed)))
    }

    /// When questions are to be asked.
    pub(crate) fn of_changes(&self, mut changes: Changes) -> Changes {
        for ask in &mut changes.asks {
            (ask.due_at, ask.latest) = (self.there(ask.due_at), self.there(ask.latest));
        }
        changes
    }

    /// When something is to be tried again.
    pub(crate) fn of_settlement(&self, settlement: Settlement) -> Settlement {
        match settlement {
            Settlement::Retry { at, reason, tried } => {
                let at = self.there(at);
                Settlement::Retry { at, reason, tried }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_by_quick_answers_and_small_differences_are_none() {
        let skew = Skew::default();
        let at = |millis| Timestamp(millis);
        skew.seen(at(1_000_000), 970_010, at(1_000_020));
        assert_eq!(skew.there(at(1_000_000)), at(970_000));
        assert_eq!(skew.here(at(970_000)), at(1_000_000));
        skew.seen(at(1_000_000), 0, at(1_000_201));
        skew.seen(at(1_000_000), 0, at(999_999));
        assert_eq!(skew.there(at(1_000_000)), at(970_000), "these tell nothing");
        skew.seen(at(1_000_000), 1_000_090, at(1_000_000));
        assert_eq!(skew.there(at(5)), at(5));
    }
}
