//! The end of a conversation, and the question how it was.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Clerk;
use crate::{
    chain::rating_item,
    conversation::{Move, RatingAsked},
    message::{AgentName, Author, BotName, Content, DeadlineKind, MenuItem},
    texts::Text,
};

impl Clerk<'_> {
    /// Ends the conversation: the context is dropped, the seat is free, the contact may rate.
    pub(super) fn resolve(&mut self, rating: bool) {
        let previous = self.changes.conversation.agent().cloned();
        let episode = self.changes.conversation.episode;
        if !self.make(Move::Resolve) {
            self.notice_agent_only(Text::NotPossible);
            return;
        }
        let memory = std::mem::take(&mut self.changes.conversation.memory);
        self.changes.deadlines.push((DeadlineKind::Queue, None));
        let Some(agent) = previous else { return };
        let by_contact = self.arrival.author == Author::Contact;
        let rated = rating
            && self.engine.parts.settings.rating
            && self.contact.reachable
            && !self.engine.parts.texts.silenced(Text::RatingHead);
        // A platform's own desk takes one last word of ours.
        let one_word = rated && self.works_natively(Some(&agent)).is_some();
        if self.arrival.author != Author::System && !one_word {
            self.notice_contact(Text::Closed, &[]);
        }
        let text = if by_contact {
            Text::DeskContactLeft
        } else {
            Text::DeskClosed
        };
        let words = self.engine.parts.texts.say(text, &[]);
        self.to_agent(&agent, Content::text(words));
        if rated {
            self.ask_rating(episode, agent, memory);
        }
    }

    fn ask_rating(&mut self, episode: u32, agent: AgentName, memory: BTreeMap<BotName, Value>) {
        let texts = &self.engine.parts.texts;
        let choices = texts.say(Text::RatingChoices, &[]);
        let items = choices.split('|').zip((1..=5_u8).rev());
        let items = items.map(|(label, score)| MenuItem {
            id: rating_item(episode, score),
            label: label.to_owned(),
        });
        let menu = Content::Menu {
            head: texts.say(Text::RatingHead, &[]),
            items: items.collect(),
            tail: texts.say(Text::RatingTail, &[]),
        };
        self.changes.conversation.rating_asked = Some(RatingAsked {
            episode,
            agent: Some(agent),
            at: self.now,
            since: self.changes.conversation.opened_at,
            bots: self.who_hear(memory),
        });
        self.tell_contact(menu, None);
    }
}
