//! Dispatches: takes what is due, sends it, settles it. One recipient's dispatches leave in order; a slow platform
//! delays nobody but those who wait for it.

mod failing;
mod sending;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use metrics::{counter, gauge, histogram};

pub(super) use self::failing::LONGEST_PAUSE;
use self::failing::waits_for_operator;
use super::{Engine, Side, holds::Hold};
use crate::{
    broker::Notice,
    channel::{ChannelError, ChannelErrorKind, Dispatch},
    error::Remedy,
    message::{BotName, Content, Event, PeerId, Rated},
    store::{Due, DueKind, DueWhat, Settlement, StoreError},
};

/// The pause before a dispatch of an inbox that is not configured is looked at again.
const UNKNOWN: Duration = Duration::from_secs(10);
/// How many are taken from the store at once.
const BATCH: usize = 64;
/// The same in a burst.
const FEW: usize = 4;
/// The longest id of a receipt that is kept: it is the platform's word.
const ID: usize = 512;

impl Engine {
    pub(super) async fn send_dispatches(self: Arc<Self>) {
        let mut side = Side::new(self.parts.settings.dispatch_workers);
        while !self.stop.is_cancelled() {
            self.pressure.trickle().await;
            let heard = self.wake.dispatches.notified();
            let room = side.room();
            let beside = self.hands.taken(side.running.len());
            let most = if self.pressure.is_burst() { FEW } else { BATCH };
            let room = room.saturating_sub(beside).min(most);
            gauge!("kefu_dispatches_in_flight").set((side.running.len() + beside) as f64);
            if room == 0 {
                tokio::select! {
                    () = side.one_done() => {}
                    () = self.wait_for(heard, self.parts.settings.poll) => {}
                }
                continue;
            }
            let (full, began) = (side.full(), Instant::now());
            let lease = self.parts.settings.lease;
            let store = &self.parts.store;
            match store
                .due(DueKind::Dispatch, &self.worker, room, lease, &full)
                .await
            {
                Ok(due) if due.is_empty() => {
                    self.until_due(DueKind::Dispatch, heard, &full, &mut side)
                        .await;
                }
                Ok(due) => {
                    for Due { id, what } in due {
                        if let DueWhat::Dispatch(dispatch) = what
                            && let Some(hold) = self.hold(id, began)
                        {
                            let (engine, inbox) = (self.clone(), dispatch.inbox.clone());
                            let work = async move { engine.deliver(hold, *dispatch).await };
                            side.start(inbox.as_str(), work);
                        }
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "cannot take dispatches");
                    self.store_is_back().await;
                }
            }
        }
        side.finish().await;
    }

    /// Waits for the bell, or until the next of that kind is due, or until a group that was full may have room.
    pub(super) async fn until_due(
        &self,
        kind: DueKind,
        heard: impl Future<Output = ()>,
        full: &[String],
        side: &mut Side,
    ) {
        let poll = self.parts.settings.poll;
        let now = self.parts.clock.now();
        let wait = match self.parts.store.next_due(kind, full).await {
            Ok(Some(next)) => next.since(now).min(poll),
            _ => poll,
        };
        if kind == DueKind::Deadline {
            self.wake.watches(Some(now + wait));
        }
        if full.is_empty() {
            return self.wait_for(heard, wait).await;
        }
        tokio::select! {
            () = self.wait_for(heard, wait) => {}
            () = side.one_done() => {}
        }
    }

    pub(super) async fn deliver(&self, hold: Hold, dispatch: Dispatch) {
        let started = self.parts.clock.now();
        let result = match hold.is_sure() {
            true => self.send(&dispatch).await,
            false => Err(too_late()),
        };
        histogram!("kefu_send_seconds", "inbox" => dispatch.inbox.to_string())
            .record(self.parts.clock.now().since(started));
        let settlement = match result {
            Ok(receipt) => {
                self.tell_of_the_end(&dispatch).await;
                counter!("kefu_sent_total", "inbox" => dispatch.inbox.to_string()).increment(1);
                tracing::debug!(trace = dispatch.trace.0, dispatch = dispatch.id.0, inbox = %dispatch.inbox, "sent");
                Settlement::Done {
                    external_id: receipt.external_id.filter(|id| is_kept(id)),
                    lost: receipt.lost,
                }
            }
            Err(error) => {
                if waits_for_operator(&dispatch, &error) {
                    self.tell_of_the_wait(&dispatch, &error, started).await;
                }
                self.failed(&dispatch, &error, started)
            }
        };
        let moved_on = !matches!(settlement, Settlement::Retry { .. });
        let told = matches!(
            &settlement,
            Settlement::Held { cue: Some(_), .. } | Settlement::Dead { cue: Some(_), .. }
        );
        let others = self.settle_and_tell(&hold, settlement).await;
        if moved_on && others {
            self.notify(Notice::Dispatches);
        }
        if told {
            self.notify(Notice::Arrivals);
        }
    }

    /// Settles, however long the store is away: what was sent must not be sent again for want of a note.
    pub(super) async fn settle(&self, hold: &Hold, settlement: Settlement) {
        self.settle_and_tell(hold, settlement).await;
    }

    /// The same. Whether others may be due now that waited behind it.
    async fn settle_and_tell(&self, hold: &Hold, settlement: Settlement) -> bool {
        let id = hold.settling();
        loop {
            let settled = self.parts.store.settle_and_tell(&id, settlement.clone());
            match settled.await {
                Ok(others) => return others,
                Err(StoreError::Unavailable(reason)) if !self.finished.is_cancelled() => {
                    tracing::warn!(reason, "cannot settle; trying again");
                    self.pause(Duration::from_millis(500)).await;
                }
                Err(error) => {
                    tracing::warn!(%error, id = id.id, "not settled");
                    return true;
                }
            }
        }
    }
}

fn is_kept(id: &str) -> bool {
    id.len() <= ID && !id.contains('\0')
}

/// This node stalled before it began: another may be sending it by now. If not, it goes out as if it had only waited its turn.
fn too_late() -> ChannelError {
    let again = Remedy::Retry {
        after: Duration::ZERO,
    };
    let detail = "its lease was over before it was begun";
    ChannelError::new(ChannelErrorKind::Busy, again, detail.to_owned())
}

/// The "recipient" of what a bot is told: no account of any platform has a space in it.
pub(super) fn to_bot(bot: &BotName) -> PeerId {
    PeerId::new(format!("bot {bot}"))
}

/// The rating it tells a bot, if that is what it is.
fn rating(dispatch: &Dispatch) -> Option<&Rated> {
    match &dispatch.content {
        Content::Event(Event::Rated(rated)) => Some(rated),
        _ => None,
    }
}

/// Whether it tells the platform who has the conversation.
fn is_word_to_platform(dispatch: &Dispatch) -> bool {
    matches!(dispatch.content, Content::Event(_))
}

fn is_nudge(dispatch: &Dispatch) -> bool {
    matches!(dispatch.content, Content::Nudge { .. })
}
