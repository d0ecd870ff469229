//! The contact sees that somebody is at an answer: an assistant, or an agent whose client says so. Best effort, never waited
//! for, and kept nowhere.

use std::time::Duration;

use super::{Engine, contained::contained};
use crate::{
    broker::Notice,
    conversation::Phase,
    message::{Arrival, Author, Content, ConversationId, Event, ThreadKey, What},
    store::StoreError,
};

/// An agent's client says it again every few seconds; the contact's platform hears of it once in so long.
const AGAIN: Duration = Duration::from_secs(5);
/// So many platforms are told at once; of what is more nobody hears.
pub(super) const AT_ONCE: usize = 64;
/// The longest a platform may take: then it is old.
const PATIENCE: Duration = Duration::from_secs(3);

impl Engine {
    /// Takes out what is over in a moment and lets it be seen; the rest is to be kept.
    pub(super) async fn pass_by(&self, arrivals: Vec<Arrival>) -> Vec<Arrival> {
        let is_typing = |arrival: &Arrival| {
            matches!(arrival.what, What::Content(Content::Event(Event::Typing)))
        };
        let (typing, kept): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(is_typing);
        for arrival in typing {
            if let Err(error) = self.agent_types(&arrival).await {
                tracing::debug!(%error, "an agent's typing is not shown");
            }
        }
        kept
    }

    /// Shows it where the conversation is this agent's.
    async fn agent_types(&self, arrival: &Arrival) -> Result<(), StoreError> {
        let Author::Agent(account) = &arrival.author else {
            return Ok(());
        };
        let store = &self.parts.store;
        let Some(id) = store.find(&arrival.thread()).await? else {
            return Ok(());
        };
        let Some((conversation, _)) = store.conversation(id).await? else {
            return Ok(());
        };
        let Phase::Assigned { agent, .. } = &conversation.phase else {
            return Ok(());
        };
        let theirs = self.parts.agents.get(agent);
        let theirs =
            theirs.is_some_and(|agent| agent.inbox == arrival.inbox && agent.account == *account);
        if !theirs {
            return Ok(());
        }
        let key = format!("typing:{id}");
        let told = self.parts.cache.add(&key, 1, AGAIN).await;
        // A cache out of reach means that it is shown once more.
        if told.unwrap_or(1) == 1 {
            self.show_typing(id, &conversation.thread);
        }
        Ok(())
    }

    /// The contact of a conversation sees it.
    pub(super) fn show_typing(&self, id: ConversationId, thread: &ThreadKey) {
        let Some(channel) = self.parts.channels.get(&thread.inbox).cloned() else {
            return;
        };
        if channel.live().is_some() {
            return self.announce(Notice::Typing(id));
        }
        if channel.typing().is_none() {
            return;
        }
        let Ok(turn) = self.shows.clone().try_acquire_owned() else {
            return;
        };
        let (peer, stop) = (thread.peer.clone(), self.stop.clone());
        self.beside(async move {
            let _turn = turn;
            let Some(typing) = channel.typing() else {
                return;
            };
            let shown = contained(typing.typing(&peer, true), PATIENCE);
            match stop.run_until_cancelled(shown).await {
                None | Some(Ok(Ok(()))) => {}
                Some(Ok(Err(error))) => {
                    tracing::debug!(conversation = %id, %error, "typing is not shown")
                }
                Some(Err(mishap)) => {
                    tracing::debug!(conversation = %id, %mishap, "typing is not shown")
                }
            }
        });
    }
}
