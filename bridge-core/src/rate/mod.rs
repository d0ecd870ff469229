//! What a platform allows a second, kept by all nodes together: turns are given out by the shared cache, in the order
//! they are asked for, so that whoever waits knows how long and asks once. What a person waits for goes before what
//! nobody does ([`Lane`]). While the cache is out of reach each node keeps to its share.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use metrics::{counter, histogram};
use parking_lot::Mutex;

use crate::{
    cache::{Admission, Cache, Pace, Turns},
    clock::{Clock, Timestamp},
};

/// Nodes are counted over so many seconds, and each count is kept for three such spans.
const CENSUS: i64 = 30;
/// In so many of these seconds the count is looked at once: a node that came after this one is soon known of.
const LOOK: i64 = 2;
/// Whoever could never ask how many nodes there are takes itself for one of so many.
const UNKNOWN: u32 = 4;

/// How much of a platform's allowance is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many a second in the long run.
    pub per_second: NonZeroU32,
    /// So many at once after a pause. Within any second at most `per_second + burst` pass.
    pub burst: NonZeroU32,
    /// How long an interactive call waits for its turn before it is [`Busy`].
    pub patience: Duration,
    /// The same for bulk.
    pub bulk_patience: Duration,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A person waits for it.
    Interactive,
    /// Nobody does: it takes only what the interactive leave, which is a turn while less than half of the burst is used.
    Bulk,
}

impl Lane {
    const fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

/// There is no turn within the caller's patience; nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate is used up for {} ms", again.as_millis())]
pub struct Busy {
    /// When asking again might do.
    pub again: Duration,
}

/// Keeps one rate.
pub struct RateLimiter {
    key: String,
    rate: Rate,
    cache: Arc<dyn Cache>,
    clock: Arc<dyn Clock>,
    /// Turns given out here while the cache is out of reach.
    alone: Mutex<Turns>,
    is_alone: AtomicBool,
    /// How many nodes used this rate lately, the span in which this one was counted last, and when it looked last.
    nodes: AtomicU32,
    counted: AtomicI64,
    looked: AtomicI64,
}

impl RateLimiter {
    /// Keeps `rate` together with every limiter of the same key on the same cache.
    pub fn new(key: &str, rate: Rate, cache: Arc<dyn Cache>, clock: Arc<dyn Clock>) -> Self {
        Self {
            key: format!("rate:{key}"),
            rate,
            cache,
            clock,
            alone: Mutex::default(),
            is_alone: AtomicBool::new(false),
            nodes: AtomicU32::new(UNKNOWN),
            counted: AtomicI64::new(i64::MIN),
            looked: AtomicI64::new(i64::MIN),
        }
    }

    /// Returns when it is the caller's turn.
    ///
    /// # Errors
    /// [`Busy`] where that is too far away.
    pub async fn turn(&self, lane: Lane) -> Result<(), Busy> {
        let began = self.clock.now();
        let turn = self.wait_for(lane, began).await;
        let (waited, lane) = (self.clock.now().since(began), lane.name());
        match turn {
            Ok(()) => {
                histogram!("kefu_rate_wait_seconds", "rate" => self.key.clone(), "lane" => lane)
                    .record(waited)
            }
            Err(_) => counter!("kefu_rate_busy_total", "rate" => self.key.clone(), "lane" => lane)
                .increment(1),
        }
        turn
    }

    async fn wait_for(&self, lane: Lane, began: Timestamp) -> Result<(), Busy> {
        loop {
            match self.ask(lane).await {
                Admission::Granted { after } => {
                    self.wait(after).await;
                    return Ok(());
                }
                Admission::Refused { again } if lane == Lane::Interactive => {
                    return Err(Busy { again });
                }
                Admission::Refused { again } => {
                    let again = again.max(self.every());
                    if self.clock.now() + again > began + self.rate.bulk_patience {
                        return Err(Busy { again });
                    }
                    self.wait(again).await;
                }
            }
        }
    }

    async fn wait(&self, span: Duration) {
        if span.is_zero() {
            return;
        }
        // The clock counts whole milliseconds: rather one too long than early.
        let whole =
            Duration::from_millis(u64::try_from(span.as_micros().div_ceil(1000)).unwrap_or(0));
        self.clock.sleep(whole).await;
    }

    async fn ask(&self, lane: Lane) -> Admission {
        self.be_counted().await;
        match self.cache.admit(&self.key, &self.pace(lane, 1)).await {
            Ok(admission) => {
                if self.is_alone.swap(false, Ordering::Relaxed) {
                    tracing::info!(
                        key = self.key,
                        "the rate is kept by all nodes together again"
                    );
                }
                admission
            }
            Err(error) => {
                let nodes = self.nodes.load(Ordering::Relaxed);
                if !self.is_alone.swap(true, Ordering::Relaxed) {
                    tracing::warn!(key = self.key, %error, nodes, "no shared rate: this node keeps to its share");
                }
                let now = self.clock.now().0.saturating_mul(1000);
                let mut turns = self.alone.lock();
                let (admission, taken) = turns.ask(now, &self.pace(lane, nodes));
                *turns = taken;
                admission
            }
        }
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1) / self.rate.per_second.get()
    }

    /// The pace of one among `nodes`.
    fn pace(&self, lane: Lane, nodes: u32) -> Pace {
        let every = self.every().saturating_mul(nodes);
        let burst = (self.rate.burst.get() / nodes).max(1);
        let (burst, patience) = match lane {
            Lane::Interactive => (burst, self.rate.patience),
            Lane::Bulk => (burst.div_ceil(2), Duration::ZERO),
        };
        Pace {
            every,
            ahead: every.saturating_mul(burst - 1),
            patience,
        }
    }

    /// Tells the others that this node is one of those that share, once in each span, and hears how many there are. By
    /// whatever a node's clock says: it is counted once in each span that it lives through.
    async fn be_counted(&self) {
        let second = self.clock.now().as_secs();
        let (span, look) = (second.div_euclid(CENSUS), second.div_euclid(LOOK));
        if self.looked.swap(look, Ordering::Relaxed) == look {
            return;
        }
        let one = i64::from(self.counted.swap(span, Ordering::Relaxed) != span);
        let key = |span: i64| format!("{}:nodes:{span}", self.key);
        let ttl = Duration::from_secs(CENSUS.unsigned_abs() * 3);
        let Ok(now) = self.cache.add(&key(span), one, ttl).await else {
            if one > 0 {
                // Counted as soon as it can be.
                self.counted.store(i64::MIN, Ordering::Relaxed);
            }
            return;
        };
        let before = self.cache.get(&key(span - 1)).await.ok().flatten();
        let before: i64 = before.and_then(|count| count.parse().ok()).unwrap_or(1);
        let nodes = u32::try_from(now.max(before)).unwrap_or(1).max(1);
        self.nodes.store(nodes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
