//! Contacts who are away: what an agent wrote is held, and where the contact allowed it, a nudge says so by another way. The
//! grant is spent in the same commit; the nudge goes in the agent's name and so waits behind nothing that is held.

use super::Clerk;
use crate::{
    channel::Persona,
    conversation::Denied,
    message::{AgentName, Answer, ArrivalId, ConsentAnswer, Content, PeerId},
    store::{EntryAuthor, NewDispatch},
    texts::{Text, shortened},
};

/// What a nudge says of what was written.
const SUMMARY: usize = 20;

impl Clerk<'_> {
    /// The contact says whether they may be nudged.
    pub(super) fn hear_consent(&mut self, said: &ConsentAnswer) {
        let counts = said.answer == Answer::Withdrawn
            || self
                .engine
                .parts
                .channels
                .get(&self.changes.conversation.thread.inbox)
                .and_then(|channel| channel.nudging())
                .is_some_and(|rules| rules.topic == said.topic);
        if counts {
            self.changes.conversation.grants.hear(said);
        }
    }

    /// Nudges on behalf of whoever has the conversation.
    pub(super) fn nudge_for_agent(&mut self, content: &Content) {
        if let Some(agent) = self.changes.conversation.agent().cloned() {
            self.nudge(&agent, self.trace, content);
        }
    }

    /// Tells a contact who is away that this agent has written this.
    pub(super) fn nudge(&mut self, agent: &AgentName, trace: ArrivalId, content: &Content) {
        let thread = self.changes.conversation.thread.clone();
        let Some(channel) = self.engine.parts.channels.get(&thread.inbox).cloned() else {
            return;
        };
        let Some(rules) = channel.nudging() else {
            return;
        };
        let left = match self.changes.conversation.grants.spend(rules, self.now) {
            Ok(left) => left,
            Err(denied @ (Denied::NoGrant | Denied::TooOften)) => {
                return tracing::debug!(trace = trace.0, ?denied, "not nudged");
            }
        };
        let from = self
            .desk
            .agents
            .get(agent)
            .map_or_else(|| agent.to_string(), |agent| agent.display_name.clone());
        let nudge = Content::Nudge {
            topic: rules.topic.clone(),
            from: from.clone(),
            summary: shortened(content, SUMMARY, self.locale()),
        };
        metrics::counter!("kefu_nudges_total", "inbox" => thread.inbox.to_string(), "result" => "decided")
            .increment(1);
        self.changes.dispatches.push(NewDispatch {
            trace,
            inbox: thread.inbox,
            to: thread.peer,
            sender: Some(Persona {
                id: PeerId::from(format!("agent:{agent}")),
                name: from,
                avatar_url: None,
            }),
            content: nudge,
            held: false,
        });
        let words = self
            .engine
            .parts
            .texts
            .say(Text::DeskNudged, &[("left", &left.to_string())]);
        self.record(EntryAuthor::Note, Content::text(words.clone()));
        self.to_agent(agent, Content::text(words));
    }

    /// What the page the contact came from says; the agent who has the conversation is told what is new.
    pub(super) fn came_from(&mut self, origin: String) {
        if self.changes.conversation.origin == origin {
            return;
        }
        self.changes.conversation.origin.clone_from(&origin);
        if origin.is_empty() {
            return;
        }
        let texts = &self.engine.parts.texts;
        let words = texts.say(Text::DeskOrigin, &[("origin", &origin)]);
        self.record(EntryAuthor::Note, Content::text(words.clone()));
        self.tell_agent(Content::text(words));
    }
}
