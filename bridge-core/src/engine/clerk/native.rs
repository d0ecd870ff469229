//! Platforms whose agents work in its own client: who does, and what the platform has to hear.

use super::Clerk;
use crate::{
    message::{AgentName, Event, InboxName},
    routing::Agent,
};

/// For a platform whose agents work in its own client.
pub(super) struct PlatformWord {
    pub(super) event: Event,
    /// Before what is said to the contact, or after it. While an agent has the conversation there, nothing we say reaches
    /// the contact: what announces a handing goes before it, and the good-bye after the release.
    pub(super) first: bool,
}

impl Clerk<'_> {
    /// Whether agents of an inbox work in the platform's own client.
    pub(super) fn native(&self, inbox: &InboxName) -> bool {
        self.desk.native.contains(inbox)
    }

    /// Whether an agent works in the platform's own client.
    pub(super) fn works_natively(&self, name: Option<&AgentName>) -> Option<&Agent> {
        let agent = self.desk.agents.get(name?)?;
        self.native(&agent.inbox).then_some(agent)
    }

    /// What a platform whose agents work in its own client has to hear of this claim: the conversation became one's, or
    /// is theirs no more. What was done there needs no telling: by now it may be otherwise there, and would be undone.
    pub(super) fn word_to_platform(&self) -> Option<PlatformWord> {
        let conversation = &self.changes.conversation;
        let (before, episode) = &self.before;
        // Back with the same agent after all that was in between is a handing, too.
        if self.made_there || *episode == conversation.episode {
            return None;
        }
        let before = self.works_natively(before.as_ref());
        match self.works_natively(conversation.agent()) {
            Some(agent) => Some(PlatformWord {
                event: Event::Handed {
                    agent: agent.account.clone(),
                },
                first: before.is_some(),
            }),
            None => before.map(|_| PlatformWord {
                event: Event::Released,
                first: true,
            }),
        }
    }
}
