//! What is measured of the way in, by inbox. The handles are made once: to look one up by its name costs more than to count.

use std::{collections::BTreeMap, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};

use crate::message::{Arrival, ArrivalId, InboxName, What};

/// The meters of the configured inboxes.
pub(super) struct Meters(BTreeMap<InboxName, Meter>);

/// The meters of one.
#[derive(Clone)]
pub(super) struct Meter {
    accepted: Counter,
    repeated: Counter,
    seconds: Histogram,
}

impl Meters {
    pub(super) fn of<'a>(inboxes: impl Iterator<Item = &'a InboxName>) -> Self {
        let meter = |inbox: &InboxName| Meter {
            accepted: counter!("kefu_accepted_total", "inbox" => inbox.to_string()),
            repeated: counter!("kefu_repeated_total", "inbox" => inbox.to_string()),
            seconds: histogram!("kefu_accept_seconds", "inbox" => inbox.to_string()),
        };
        Self(inboxes.map(|inbox| (inbox.clone(), meter(inbox))).collect())
    }

    /// The meter of what comes from outside: what comes together comes by one inbox. The bridge's own cues are not counted.
    pub(super) fn by(&self, arrivals: &[Arrival]) -> Option<Meter> {
        let first = arrivals.first()?;
        let from_outside = matches!(first.what, What::Content(_));
        from_outside.then(|| self.0.get(&first.inbox).cloned())?
    }
}

impl Meter {
    /// Arrivals became durable, or had been.
    pub(super) fn took(&self, ids: &[Option<ArrivalId>], within: Duration) {
        let new = ids.iter().flatten().count() as u64;
        self.accepted.increment(new);
        self.repeated.increment(ids.len() as u64 - new);
        self.seconds.record(within);
    }
}
