//! Deadlines enter as cues, on the same clock as everything else.

use std::{sync::Arc, time::Duration};

use super::{Engine, Side};
use crate::{
    message::Cue,
    store::{Due, DueKind, DueWhat, Settlement},
};

/// How many are taken at once.
const BATCH: usize = 64;

impl Engine {
    pub(super) async fn watch_deadlines(self: Arc<Self>) {
        // They are done one by one, at once: nothing runs beside.
        let mut side = Side::new(1);
        while !self.stop.is_cancelled() {
            let heard = self.wake.deadlines.notified();
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
                    for due in due {
                        self.ring(due).await;
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

    async fn ring(&self, due: Due) {
        let DueWhat::Deadline {
            conversation,
            thread,
            kind,
            episode,
            at,
        } = due.what
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
                    &due.id,
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
