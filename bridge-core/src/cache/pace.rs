//! Giving out turns at a pace: one number, the moment up to which turns are given out (the "generic cell rate
//! algorithm"). A burst may run ahead of now by `ahead`; a turn beyond that is to be waited for.

use std::time::Duration;

use super::{Admission, Pace};

/// Longer than anybody's patience.
const LONGEST_PATIENCE: Duration = Duration::from_secs(300);

impl Pace {
    /// No turn was ever given out that ends further away than this. What says otherwise is of a clock that was set back
    /// since, and nobody waits for it to catch up.
    pub fn farthest(&self) -> Duration {
        let patience = self.patience.max(LONGEST_PATIENCE);
        self.ahead
            .saturating_add(self.every)
            .saturating_add(patience)
    }
}

/// The moment up to which turns are given out, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Turns(pub(crate) i64);

impl Turns {
    /// The answer at `now`, and what is to be kept instead.
    pub(crate) fn ask(self, now: i64, pace: &Pace) -> (Admission, Self) {
        let given = match self.0 > now.saturating_add(micros(pace.farthest())) {
            true => now,
            false => self.0.max(now),
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn a_clock_that_is_set_back_closes_nothing() {
        let pace = Pace {
            every: Duration::from_secs(1),
            ahead: Duration::from_secs(9),
            patience: Duration::ZERO,
        };
        let mut turns = Turns::default();
        let granted = |turns: &mut Turns, now: i64| {
            let (admission, kept) = turns.ask(now, &pace);
            *turns = kept;
            matches!(admission, Admission::Granted { .. })
        };
        let all = (0..20).filter(|_| granted(&mut turns, 5 * HOUR));
        assert_eq!(all.count(), 10);
        let all = (0..20).filter(|_| granted(&mut turns, 4 * HOUR));
        assert_eq!(
            all.count(),
            10,
            "an hour earlier it is as fast as ever, and no faster"
        );
    }
}
