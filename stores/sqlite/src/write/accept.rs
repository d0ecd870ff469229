//! Accept: each arrival once, in order, with the conversation its thread leads to.

use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, BotName, ContactId, ConversationId, ThreadKey},
    store::{Intake, StoreError},
};

use crate::{
    index::Index,
    rows::{phase_number, to_json},
    writer::{Request, Tx},
};

/// What comes in, ready to be written.
pub(crate) struct Accept {
    intake: Intake,
    bodies: Vec<String>,
    now: Timestamp,
    fresh: Fresh,
}

/// What is new of it.
#[derive(Default)]
struct Fresh {
    /// Of each arrival that was not seen before, where it went.
    places: Vec<Option<(ConversationId, ArrivalId)>>,
    opened: u64,
}

impl Accept {
    pub(crate) fn new(intake: Intake, now: Timestamp) -> Result<Self, StoreError> {
        let bodies = intake
            .arrivals
            .iter()
            .map(to_json)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            intake,
            bodies,
            now,
            fresh: Fresh::default(),
        })
    }
}

impl Request for Accept {
    type Answer = Vec<Option<ArrivalId>>;

    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.fresh = Fresh::default();
        for (arrival, body) in self.intake.arrivals.iter().zip(&self.bodies) {
            let place = self
                .fresh
                .take(tx, arrival, body, &self.intake.entry, self.now)?;
            self.fresh.places.push(place);
        }
        if let Some(cursor) = &self.intake.cursor {
            let inbox = tx.inbox(&cursor.inbox)?;
            tx.run(
                "INSERT INTO cursors (inbox, topic, cursor) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
                &[&inbox, &cursor.topic, &cursor.cursor],
            )?;
        }
        Ok(())
    }

    fn apply(self, index: &mut Index) -> Self::Answer {
        index.open += self.fresh.opened;
        let ids = self.fresh.places.iter();
        let ids = ids.map(|place| place.map(|(_, id)| id)).collect();
        for (arrival, place) in self.intake.arrivals.into_iter().zip(self.fresh.places) {
            if let Some((conversation, id)) = place {
                index.arrived(conversation, id, arrival);
            }
        }
        ids
    }
}

impl Fresh {
    /// Writes one arrival unless it was seen.
    fn take(
        &mut self,
        tx: &mut Tx<'_>,
        arrival: &Arrival,
        body: &str,
        entry: &BotName,
        now: Timestamp,
    ) -> Result<Option<(ConversationId, ArrivalId)>, StoreError> {
        let inbox = tx.inbox(&arrival.inbox)?;
        let seen =
            "INSERT INTO seen (inbox, external_id, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        if tx.run(seen, &[&inbox, &arrival.external_id.as_str(), &now.0])? == 0 {
            return Ok(None);
        }
        let conversation = self.conversation(tx, inbox, arrival, entry, now)?;
        tx.memo.ids.arrival += 1;
        let id = ArrivalId(tx.memo.ids.arrival);
        let insert = "INSERT INTO arrivals (id, conversation, at, body) VALUES (?1, ?2, ?3, ?4)";
        tx.run(insert, &[&id.0, &conversation.0, &now.0, &body])?;
        Ok(Some((conversation, id)))
    }

    /// The conversation a thread leads to; opens one where there is none.
    fn conversation(
        &mut self,
        tx: &mut Tx<'_>,
        inbox: i64,
        arrival: &Arrival,
        entry: &BotName,
        now: Timestamp,
    ) -> Result<ConversationId, StoreError> {
        let key = (inbox, arrival.peer.to_string());
        if let Some(id) = tx.memo.threads.get(&key) {
            return Ok(*id);
        }
        let find = "SELECT conversation FROM threads WHERE inbox = ?1 AND peer = ?2";
        let id = match tx.one::<i64>(find, &[&inbox, &key.1])? {
            Some(id) => ConversationId(id),
            None => {
                self.opened += 1;
                open(tx, inbox, arrival, entry, now)?
            }
        };
        tx.memo.threads.insert(key, id);
        Ok(id)
    }
}

/// A new contact on a new thread: a new conversation.
fn open(
    tx: &mut Tx<'_>,
    inbox: i64,
    arrival: &Arrival,
    entry: &BotName,
    now: Timestamp,
) -> Result<ConversationId, StoreError> {
    tx.memo.ids.contact += 1;
    tx.memo.ids.conversation += 1;
    let (contact, id) = (
        ContactId(tx.memo.ids.contact),
        ConversationId(tx.memo.ids.conversation),
    );
    let thread = ThreadKey {
        inbox: arrival.inbox.clone(),
        peer: arrival.peer.clone(),
    };
    let conversation = Conversation::open(id, contact, thread, entry.clone(), now);
    let person = to_json(&Contact::new(
        contact,
        arrival.profile.clone().unwrap_or_default(),
    ))?;
    tx.run(
        "INSERT INTO contacts (id, body) VALUES (?1, ?2)",
        &[&contact.0, &person],
    )?;
    tx.run(
        "INSERT INTO conversations (id, contact, phase, tail, body) VALUES (?1, ?2, ?3, 0, ?4)",
        &[
            &id.0,
            &contact.0,
            &phase_number(&conversation.phase),
            &to_json(&conversation)?,
        ],
    )?;
    let bind = "INSERT INTO threads (inbox, peer, conversation, desk) VALUES (?1, ?2, ?3, 0)";
    tx.run(bind, &[&inbox, &arrival.peer.as_str(), &id.0])?;
    Ok(id)
}
