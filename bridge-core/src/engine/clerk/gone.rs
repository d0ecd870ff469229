//! An agent who is in the configuration no more: whoever was theirs is somebody else's, or waits. An agent who works at
//! another inbox now: their contacts are brought there. Nothing anybody says is said to nobody.

use super::Clerk;
use crate::{
    conversation::Move,
    message::{AgentName, Author, Content, Cue, What},
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

    /// Brings a conversation to where its agent works now: what is said there leads to it, and its card lies there.
    pub(in crate::engine) async fn follow_desk(&mut self) -> Result<(), StoreError> {
        let What::Cue(Cue::DeskMoved { agent: name }) = self.arrival.what.clone() else {
            return Ok(());
        };
        let theirs = self.changes.conversation.agent() == Some(&name);
        let Some(agent) = self.desk.agents.get(&name).filter(|_| theirs) else {
            return Ok(());
        };
        let stand_in = self.stand_in_at(&agent.inbox);
        self.changes.threads.push(stand_in);
        self.hand_files(&name, None).await
    }

    /// The agent who has the conversation and is not configured, or works where this contact cannot be brought.
    fn gone(&self) -> Option<AgentName> {
        let conversation = &self.changes.conversation;
        let name = conversation.agent()?;
        let agent = self.desk.agents.get(name);
        let there = agent.is_some_and(|agent| self.desk.reaches(agent, &conversation.thread.inbox));
        (!there).then(|| name.clone())
    }
}
