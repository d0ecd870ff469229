//! One bell per loop. A bell rung while its loop is busy is heard when it comes back.

use tokio::sync::Notify;

use crate::broker::Notice;

/// The loops' bells.
#[derive(Default)]
pub(super) struct Wake {
    pub(super) arrivals: Notify,
    pub(super) dispatches: Notify,
    pub(super) errands: Notify,
    pub(super) deadlines: Notify,
    pub(super) desk: Notify,
}

impl Wake {
    pub(super) fn notice(&self, notice: Notice) {
        match notice {
            Notice::Arrivals => self.arrivals.notify_one(),
            Notice::Dispatches => self.dispatches.notify_one(),
            Notice::Errands => self.errands.notify_one(),
            Notice::Deadlines => self.deadlines.notify_one(),
            Notice::Desk => self.desk.notify_one(),
            Notice::All => self.all(),
            Notice::Cancelled(_) | Notice::Changed(_) | Notice::Typing(_) => {}
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
