//! Pauses between attempts: each about twice the one before, and never the same for two nodes that failed together.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// The pauses of one series of attempts.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// A series that begins with `first` and grows to `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            next: first,
        }
    }

    /// How long to pause now: between half of the step and the whole of it.
    pub fn pause(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        // Fresh keys of the standard hasher: as random as spreading nodes needs, and no dependency.
        let dice = RandomState::new().build_hasher().finish() % 1024;
        step / 2 + step.mul_f64(dice as f64 / 2048.0)
    }

    /// It worked: the next series begins anew.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_begin_anew() {
        let ms = Duration::from_millis;
        let mut backoff = Backoff::new(ms(100), ms(350));
        for step in [100, 200, 350, 350] {
            let pause = backoff.pause();
            assert!(
                (ms(step / 2)..=ms(step)).contains(&pause),
                "{step}: {pause:?}"
            );
        }
        backoff.reset();
        assert!(backoff.pause() <= ms(100));
    }

    #[test]
    fn two_that_failed_together_part() {
        let series = || {
            let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
            [(); 6].map(|()| backoff.pause())
        };
        assert_ne!(series(), series());
    }
}
