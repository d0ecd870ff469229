//! Deadlines enter as cues, on the same clock as everything else.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Engine, Side, holds::Hold};
use crate::{
    message::Cue,
    store::{DueKind, DueWhat, Settlement},
};

/// How many are taken at once.
const BATCH: usize = 64;

impl Engine {
    pub(super) async fn watch_deadlines(self: Arc<Self>) {
        // They are done one by one, at once: nothing runs beside.
        let mut side = Side::new(1);
        while !self.stop.is_cancelled() {
            let heard = self.wake.deadlines.notified();
            self.wake.watches(None);
            let began = Instant::now();
            match self
                .parts
                .store
                .due(
                    DueKind::Deadline,
                    &self.worker,
                    BATCH,
                    self.parts.settings.lease,
                    &[],
                )
                .await
            {
                Ok(due) if due.is_empty() => {
                    self.until_due(DueKind::Deadline, heard, &[], &mut side)
                        .await;
                }
                Ok(due) => {
                    let held = due
                        .into_iter()
                        .filter_map(|due| Some((self.hold(due.id, began)?, due.what)));
                    // All of them first: the last are renewed while the first are rung.
                    for (hold, what) in held.collect::<Vec<_>>() {
                        self.ring(&hold, what).await;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot take deadlines");
                    self.wait_for(std::future::pending(), Duration::from_secs(1))
                        .await;
                }
            }
        }
    }

    async fn ring(&self, hold: &Hold, what: DueWhat) {
        let DueWhat::Deadline {
            conversation,
            thread,
            kind,
            episode,
            at,
        } = what
        else {
            return;
        };
        let key = format!(
            "{}:deadline:{conversation}:{kind:?}:{episode}",
            at.as_secs()
        );
        let cue = self.cue(&thread, key, Cue::Deadline { kind, episode });
        match self.accept(vec![cue]).await {
            Ok(_) => {
                self.settle(
                    hold,
                    Settlement::Done {
                        external_id: None,
                        lost: Vec::new(),
                    },
                )
                .await
            }
            Err(error) => {
                tracing::warn!(%error, "a deadline was not accepted; its lease brings it back")
            }
        }
    }
}
