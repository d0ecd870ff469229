//! A rating: kept with the contact, and on its way to the bots that took part and want to hear of it. It goes there as a
//! dispatch does: durable, tried again, and in the trace.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Clerk;
use crate::{
    conversation::{Rating, RatingAsked},
    engine::dispatches::to_bot,
    message::{BotName, Content, Event, Rated},
    store::NewDispatch,
};

/// Ratings kept with a contact.
const RATINGS: usize = 20;

impl Clerk<'_> {
    /// Keeps the contact's word.
    pub(super) fn rate(&mut self, score: u8) {
        let asked = self.changes.conversation.rating_asked.take();
        self.contact.ratings.push(Rating {
            score,
            agent: asked.as_ref().and_then(|asked| asked.agent.clone()),
            at: self.now,
        });
        let surplus = self.contact.ratings.len().saturating_sub(RATINGS);
        self.contact.ratings.drain(..surplus);
        self.contact_changed = true;
        if let Some(asked) = asked {
            self.tell_bots(asked, score);
        }
    }

    /// What is kept until the contact rates, of what bots remember.
    pub(super) fn who_hear(&self, memory: BTreeMap<BotName, Value>) -> BTreeMap<BotName, Value> {
        let catalogue = &self.engine.parts.catalogue;
        let hears = |bot: &BotName| {
            let known = catalogue.get(bot);
            known.is_some_and(|known| known.spec.hears_ratings)
        };
        memory.into_iter().filter(|(bot, _)| hears(bot)).collect()
    }

    fn tell_bots(&mut self, asked: RatingAsked, score: u8) {
        let thread = self.changes.conversation.thread.clone();
        let told = asked.bots.into_iter().map(|(bot, memory)| NewDispatch {
            trace: self.trace,
            inbox: thread.inbox.clone(),
            to: to_bot(&bot),
            sender: None,
            content: Content::Event(Event::Rated(Box::new(Rated {
                bot,
                thread: thread.clone(),
                score,
                memory,
                since: asked.since,
            }))),
            held: false,
        });
        self.changes.dispatches.extend(told);
    }
}
