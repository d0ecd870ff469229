//! An agent who is in the configuration no more: whoever was theirs is somebody else's, or waits. Nothing anybody says is
//! said to nobody.

use super::Clerk;
use crate::{
    conversation::Move,
    message::{AgentName, Author, Content},
    routing::ORDINARY,
    store::{EntryAuthor, StoreError},
};

impl Clerk<'_> {
    /// Before the arrival in hand is worked on: finds somebody else for a conversation whose agent is gone.
    pub(in crate::engine) async fn replace_gone(&mut self) -> Result<(), StoreError> {
        if matches!(self.arrival.author, Author::Agent(_)) {
            return Ok(());
        }
        let Some(gone) = self.gone() else {
            return Ok(());
        };
        let words = format!("agent {gone} is not configured any more");
        tracing::warn!(trace = self.trace.0, agent = %gone, "an open conversation's agent is not configured any more");
        self.record(EntryAuthor::Note, Content::text(words));
        self.route(None, None).await?;
        if self.gone().is_none() {
            return Ok(());
        }
        match self.desk.agents.is_empty() {
            true => {
                if self.make(Move::Assist) {
                    self.changes.conversation.bot = self.engine.parts.settings.entry.clone();
                }
            }
            false => self.enqueue(None, None, ORDINARY, None),
        }
        Ok(())
    }

    /// The agent who has the conversation and is not configured.
    fn gone(&self) -> Option<AgentName> {
        let agent = self.changes.conversation.agent()?;
        (!self.desk.agents.contains_key(agent)).then(|| agent.clone())
    }
}
