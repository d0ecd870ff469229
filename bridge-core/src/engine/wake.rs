//! One bell per loop. A bell rung while its loop is busy is heard when it comes back.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{broker::Notice, clock::Timestamp};

/// The loops' bells.
#[derive(Default)]
pub(super) struct Wake {
    pub(super) arrivals: Notify,
    pub(super) dispatches: Notify,
    pub(super) errands: Notify,
    pub(super) deadlines: Notify,
    pub(super) desk: Notify,
    /// When the loop of deadlines looks again by itself; while it looks, nobody knows.
    looks_at: Mutex<Option<Timestamp>>,
}

impl Wake {
    /// The loop of deadlines sleeps until then; `None`: it is looking.
    pub(super) fn watches(&self, until: Option<Timestamp>) {
        *self.looks_at.lock() = until;
    }

    /// Whether a deadline comes before that loop looks by itself.
    pub(super) fn is_early(&self, deadline: Timestamp) -> bool {
        self.looks_at
            .lock()
            .is_none_or(|looks_at| deadline < looks_at)
    }

    pub(super) fn notice(&self, notice: Notice) {
        match notice {
            Notice::Arrivals => self.arrivals.notify_one(),
            Notice::Dispatches => self.dispatches.notify_one(),
            Notice::Errands => self.errands.notify_one(),
            Notice::Deadlines => self.deadlines.notify_one(),
            Notice::Desk => self.desk.notify_one(),
            Notice::All => self.all(),
            Notice::Seats | Notice::Cancelled(_) | Notice::Changed(_) | Notice::Typing(_) => {}
        }
    }

    pub(super) fn all(&self) {
        for bell in [
            &self.arrivals,
            &self.dispatches,
            &self.errands,
            &self.deadlines,
            &self.desk,
        ] {
            bell.notify_one();
        }
    }
}
