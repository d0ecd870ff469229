//! Housekeeping: history goes when its time is over, in small steps that delay nobody; depths become metrics.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::gauge;

use super::{Engine, dispatches::LONGEST_PAUSE};

/// How often old history is looked for.
const SWEEP: Duration = Duration::from_secs(3600);
/// Beyond the longest silence of an open conversation.
const DAY: Duration = Duration::from_secs(86_400);
/// How often depths are measured, where that is cheap.
const MEASURE: Duration = Duration::from_secs(1);
/// Else the pause is so many times what the last counting took: what waits is counted one by one, and in a backlog the store
/// has better things to do.
const SHARE: u32 = 20;
/// The longest pause.
const LONGEST_MEASURE: Duration = Duration::from_secs(15);
/// After so many of these looks what a clock has put off is recalled.
const RECALL: u64 = 60;
/// Nodes' clocks and the store's may differ by so much.
const MARGIN: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) async fn keep_house(self: Arc<Self>) {
        let mut sweep_at = self.parts.clock.now() + SWEEP;
        let (mut looks, mut pause) = (0_u64, MEASURE);
        while !self.stop.is_cancelled() {
            // At once: the clock may have been set back while nobody ran.
            if looks.is_multiple_of(RECALL) {
                self.recall().await;
            }
            looks += 1;
            self.wait_for(std::future::pending(), pause).await;
            let counted = self.measure().await;
            pause = (counted * SHARE).clamp(MEASURE, LONGEST_MEASURE);
            let now = self.parts.clock.now();
            // Or the clock was set back.
            if now >= sweep_at || now + SWEEP < sweep_at {
                if self.sweeps().await {
                    self.sweep().await;
                }
                self.sweep_media().await;
                sweep_at = self.parts.clock.now() + SWEEP;
            }
        }
    }

    /// One node sweeps the store they share; without a cache each does, which is harmless.
    async fn sweeps(&self) -> bool {
        let hold = self
            .parts
            .cache
            .hold("sweep", self.worker.as_str(), SWEEP / 2);
        hold.await.unwrap_or(true)
    }

    /// How long the store has counted.
    async fn measure(&self) -> Duration {
        gauge!("kefu_burst").set(f64::from(u8::from(self.pressure.is_burst())));
        let began = Instant::now();
        let depths = self.parts.store.depths().await;
        let counted = began.elapsed();
        gauge!("kefu_store_up").set(f64::from(u8::from(depths.is_ok())));
        let Ok(depths) = depths else {
            return Duration::ZERO;
        };
        self.pressure.measured(depths.arrivals);
        let depths = [
            ("arrivals", depths.arrivals),
            ("dispatches", depths.dispatches),
            ("held", depths.held),
            ("errands", depths.errands),
            ("queued", depths.queued),
            ("assigned", depths.assigned),
            ("open", depths.open),
        ];
        for (what, depth) in depths {
            gauge!("kefu_depth", "of" => what).set(depth as f64);
        }
        counted
    }

    /// What a clock that was set back has put off is due.
    async fn recall(&self) {
        let farthest = LONGEST_PAUSE.max(self.parts.settings.lease) + MARGIN;
        match self.parts.store.recall(farthest).await {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("the clock was set back: what it had put off is due now");
                self.wake.all();
            }
            Err(error) => tracing::debug!(%error, "cannot recall; trying again"),
        }
    }

    async fn sweep_media(&self) {
        match self.parts.media.sweep().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "old media removed"),
            Err(error) => tracing::warn!(%error, "cannot sweep media"),
        }
    }

    async fn sweep(&self) {
        let settings = &self.parts.settings;
        let now = self.parts.clock.now();
        // A pull may bring what was said last for as long as the conversation is open.
        let repeats = settings.repeats_window.max(settings.idle_timeout + DAY);
        let (before, seen_before) = (now - settings.retention, now - repeats);
        loop {
            match self.parts.store.sweep(before, seen_before).await {
                Ok(0) => return,
                Ok(rows) => tracing::info!(rows, "old history removed"),
                Err(error) => return tracing::warn!(%error, "cannot sweep"),
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }
}
