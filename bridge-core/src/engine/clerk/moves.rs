//! Moving the conversation, and what comes with every move.

use super::Clerk;
use crate::{
    conversation::{Move, Phase},
    message::Content,
    store::EntryAuthor,
};

impl Clerk<'_> {
    /// Makes a move; one that the table does not allow is noted and changes nothing.
    pub(super) fn make(&mut self, attempted: Move) -> bool {
        let before = self.changes.conversation.phase.clone();
        match self.changes.conversation.apply(attempted, self.now) {
            Ok(()) => {
                tracing::info!(trace = self.trace.0, conversation = %self.changes.conversation.id,
                    from = before.name(), to = self.changes.conversation.phase.name(), "moved");
                if let Phase::Assigned { since, .. } = before {
                    self.engine.desk.finished(self.now.since(since));
                }
                self.made_there = self.arrival.made_there();
                // Whatever a bot was asked in the episode before is not wanted any more.
                self.changes.cancel_errands = true;
                self.changes.asks.clear();
                self.expect_silence();
                true
            }
            Err(illegal) => {
                self.record(EntryAuthor::Note, Content::text(illegal.to_string()));
                false
            }
        }
    }
}
