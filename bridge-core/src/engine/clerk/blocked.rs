//! Messages to the contact that wait until somebody has mended the account: whoever writes on knows how many wait, and hears
//! when they go out. The first is told by itself, the others by their number, once in a while.

use std::time::Duration;

use super::Clerk;
use crate::{
    conversation::Blocked,
    message::{ArrivalId, Author, Content, ThreadKey},
    store::{StoreError, TraceDispatch},
    texts::Text,
};

/// How many of the last lines are looked through for what waits already.
const LOOK_BACK: usize = 20;
/// Between two words on how many wait.
const PAUSE: Duration = Duration::from_secs(60);

impl Clerk<'_> {
    /// One cannot be sent; who said it is told beside.
    pub(super) async fn blocked(&mut self, reason: String) -> Result<(), StoreError> {
        if let Some(blocked) = &mut self.changes.conversation.blocked {
            blocked.reason = reason;
            return Ok(());
        }
        self.changes.conversation.blocked = Some(Blocked {
            reason,
            count: self.waiting_dispatches().await?.max(1),
            told: 1,
            told_at: self.now,
        });
        Ok(())
    }

    /// How many wait already: more may have been said before it was known.
    async fn waiting_dispatches(&self) -> Result<u32, StoreError> {
        let store = &self.engine.parts.store;
        let conversation = &self.changes.conversation;
        let lines = store.recent(conversation.id, LOOK_BACK, false).await?;
        let mut traces: Vec<ArrivalId> = lines.iter().map(|line| line.trace).collect();
        traces.dedup();
        let ThreadKey { inbox, peer } = &conversation.thread;
        let mut count = 0;
        for trace in traces {
            let found = store.trace(trace).await?;
            let dispatches = found.into_iter().flat_map(|trace| trace.dispatches);
            let waits = |one: &TraceDispatch| {
                one.state == "waiting" && one.inbox == *inbox && one.to == *peer
            };
            count += u32::try_from(dispatches.filter(waits).count()).unwrap_or_default();
        }
        Ok(count)
    }

    /// So many more wait behind it.
    pub(super) fn wait_too(&mut self, more: u32) {
        let by_agent = matches!(self.arrival.author, Author::Agent(_));
        let Some(blocked) = &mut self.changes.conversation.blocked else {
            return;
        };
        blocked.count = blocked.count.saturating_add(more);
        let due = blocked.told == 1 || self.now.since(blocked.told_at) >= PAUSE;
        if !by_agent || more == 0 || !due {
            return;
        }
        (blocked.told, blocked.told_at) = (blocked.count, self.now);
        let (count, reason) = (blocked.count.to_string(), blocked.reason.clone());
        self.notice_agent(Text::DeskBlocked, &[("count", &count), ("reason", &reason)]);
    }

    /// The first was sent, and the others follow it; or one of them was given up.
    pub(super) fn unblocked(&mut self, sent: bool) {
        let Some(mut blocked) = self.changes.conversation.blocked.take() else {
            return;
        };
        if sent {
            let count = blocked.count.to_string();
            let texts = &self.engine.parts.texts;
            let words = texts.say(Text::DeskUnblocked, &[("count", &count)]);
            return self.tell_agent(Content::text(words));
        }
        blocked.count -= 1;
        if blocked.count > 0 {
            self.changes.conversation.blocked = Some(blocked);
        }
    }
}
