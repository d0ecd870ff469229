//! The end of a conversation, and how it was.

use super::Clerk;
use crate::{
    chain::rating_item,
    conversation::{Move, Rating, RatingAsked},
    message::{AgentName, Author, Content, DeadlineKind, MenuItem},
    texts::Text,
};

/// Ratings kept with a contact.
const RATINGS: usize = 20;

impl Clerk<'_> {
    /// Ends the conversation: the context is dropped, the seat is free, the contact may rate.
    pub(super) fn resolve(&mut self, rating: bool) {
        let previous = self.changes.conversation.agent().cloned();
        let episode = self.changes.conversation.episode;
        if !self.make(Move::Resolve) {
            self.notice_agent_only(Text::NotPossible);
            return;
        }
        self.changes.conversation.memory.clear();
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
            self.ask_rating(episode, agent);
        }
    }

    fn ask_rating(&mut self, episode: u32, agent: AgentName) {
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
        });
        self.tell_contact(menu, None);
    }

    /// Keeps the contact's word.
    pub(super) fn rate(&mut self, score: u8) {
        let agent = self
            .changes
            .conversation
            .rating_asked
            .take()
            .and_then(|asked| asked.agent);
        self.contact.ratings.push(Rating {
            score,
            agent,
            at: self.now,
        });
        let surplus = self.contact.ratings.len().saturating_sub(RATINGS);
        self.contact.ratings.drain(..surplus);
        self.contact_changed = true;
    }
}
