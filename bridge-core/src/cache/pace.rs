//! Giving out turns at a pace: one number, the moment up to which turns are given out (the "generic cell rate
//! algorithm"). A burst may run ahead of now by `ahead`; a turn beyond that is to be waited for.

use std::time::Duration;

use super::{Admission, Pace};

/// The moment up to which turns are given out, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Turns(pub(crate) i64);

impl Turns {
    /// The answer at `now`, and what is to be kept instead.
    pub(crate) fn ask(self, now: i64, pace: &Pace) -> (Admission, Self) {
        let given = self.0.max(now);
        let wait = (given - now).saturating_sub(micros(pace.ahead)).max(0);
        let patience = micros(pace.patience);
        if wait > patience {
            let again = span(wait - patience);
            return (Admission::Refused { again }, self);
        }
        let after = span(wait);
        let taken = Self(given.saturating_add(micros(pace.every)));
        (Admission::Granted { after }, taken)
    }
}

pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
