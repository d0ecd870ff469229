//! What comes in: seen once, and led to the conversation of its thread.

use super::{Row, State};
use crate::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, BotName, ContactId, ConversationId},
    store::Intake,
};

impl State {
    pub(super) fn accept(&mut self, intake: Intake, now: Timestamp) -> Vec<Option<ArrivalId>> {
        if let Some(moved) = intake.cursor {
            self.cursors
                .insert((moved.inbox, moved.topic), moved.cursor);
        }
        let arrivals = intake.arrivals.into_iter();
        arrivals
            .map(|arrival| self.take_in(arrival, &intake.entry, now))
            .collect()
    }

    fn take_in(&mut self, arrival: Arrival, entry: &BotName, now: Timestamp) -> Option<ArrivalId> {
        let key = (arrival.inbox.clone(), arrival.external_id.clone());
        if self.seen.contains_key(&key) {
            return None;
        }
        self.seen.insert(key, now);
        let conversation = match self.threads.get(&arrival.thread()) {
            Some(id) => *id,
            None => self.open(&arrival, entry, now),
        };
        let id = ArrivalId(self.next());
        let row = Row {
            conversation,
            accepted_at: now,
            failures: 0,
            turned: None,
            arrival,
        };
        self.arrivals.insert(id, row);
        Some(id)
    }

    fn open(&mut self, arrival: &Arrival, entry: &BotName, now: Timestamp) -> ConversationId {
        let (contact, id) = (ContactId(self.next()), ConversationId(self.next()));
        let conversation = Conversation::open(id, contact, arrival.thread(), entry.clone(), now);
        let contact = Contact::new(contact, arrival.profile.clone().unwrap_or_default());
        self.conversations.insert(id, (conversation, contact));
        self.threads.insert(arrival.thread(), id);
        id
    }
}
