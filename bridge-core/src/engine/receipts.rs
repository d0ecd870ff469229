//! Receipts: somebody says that what was sent has arrived, or was read. It is noted for the trace, and how long it took.

use metrics::{counter, histogram};

use super::Engine;
use crate::{
    clock::Timestamp,
    message::ConversationId,
    store::{Confirmation, StoreError},
};

impl Engine {
    /// Notes that what was sent in a conversation has arrived, learned at `at`; how many dispatches that confirms.
    ///
    /// # Errors
    /// The store's.
    pub async fn confirm(
        &self,
        conversation: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let confirmed = self.parts.store.confirm(conversation, what, at).await?;
        for dispatch in &confirmed {
            let inbox = dispatch.inbox.to_string();
            counter!("kefu_confirmed_total", "inbox" => inbox.clone()).increment(1);
            histogram!("kefu_confirm_seconds", "inbox" => inbox).record(at.since(dispatch.at));
        }
        Ok(confirmed.len())
    }
}
