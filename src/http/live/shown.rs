//! What a page says it has shown: noted as confirmed. A line is shown as soon as it is in the transcript, which may be
//! before its dispatch is noted as sent: so the store is asked again, a little later.

use std::time::Duration;

use bridge_core::{
    message::{ConversationId, EntryId, ThreadKey},
    store::Confirmation,
};
use tokio::time::Instant;

use super::House;

/// When it is asked again, after each time.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(20)];

/// How far a page has shown its transcript.
pub(super) struct Shown {
    line: EntryId,
    asked: usize,
    again: Option<Instant>,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            line: EntryId(0),
            asked: 0,
            again: None,
        }
    }
}

impl Shown {
    /// The page has shown the lines up to this one; whether that is news.
    pub(super) fn reach(&mut self, line: EntryId) -> bool {
        let news = line > self.line;
        if news {
            (self.line, self.asked) = (line, 0);
        }
        news
    }

    /// When there may be something left to note; `None`: all is.
    pub(super) fn again(&self) -> Option<Instant> {
        self.again
    }

    /// Notes it.
    pub(super) async fn note(&mut self, house: &House, id: ConversationId, thread: &ThreadKey) {
        let engine = &house.app.engine;
        let what = Confirmation::Shown {
            inbox: thread.inbox.clone(),
            to: thread.peer.clone(),
            line: self.line,
        };
        self.again = AGAIN.get(self.asked).map(|pause| Instant::now() + *pause);
        self.asked += 1;
        let now = engine.parts().clock.now();
        if let Err(error) = engine.confirm(id, &what, now).await {
            tracing::debug!(%error, %thread, "what a page has shown is not noted");
        }
    }
}
