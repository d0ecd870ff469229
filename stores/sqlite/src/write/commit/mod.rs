//! Commit: what the turns of a claim came to, all or nothing, under the claim's fence and the agent's seats.

mod asked;

use bridge_core::{
    clock::Timestamp,
    conversation::Phase,
    message::{ArrivalId, ConversationId, DispatchId, ErrandId, InboxName, PeerId, ThreadKey},
    store::{Changes, Claim, Committed, StoreError},
};

use self::asked::Asked;
use crate::{
    index::{DeadlineRow, Index},
    memo::Undo,
    rows::{DispatchRow, phase_number, to_json},
    unavailable,
    writer::{Request, Tx},
};

/// A claim and its changes, ready to be written.
pub(crate) struct Commit {
    claim: Claim,
    changes: Changes,
    conversation: String,
    /// The arrivals that are done, as rows of history: number, body, verdict.
    turned: Vec<(ArrivalId, String, String)>,
    entries: Vec<(String, String)>,
    dispatches: Vec<(DispatchRow, String, bool)>,
    now: Timestamp,
    written: Written,
}

/// What the index has to learn beside.
#[derive(Default)]
struct Written {
    threads: Option<Vec<ThreadKey>>,
    dispatched: Vec<DispatchId>,
    released: Vec<i64>,
    cancelled: Vec<i64>,
    asked: Vec<Asked>,
}

impl Commit {
    pub(crate) fn new(
        claim: Claim,
        mut changes: Changes,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let id = claim.conversation.id;
        let conversation = to_json(&changes.conversation)?;
        let mut turned = Vec::with_capacity(changes.done.len());
        for (done, verdict) in &changes.done {
            if let Some(accepted) = claim.arrivals.iter().find(|accepted| accepted.id == *done) {
                turned.push((*done, to_json(&accepted.arrival)?, to_json(verdict)?));
            }
        }
        let entry = |entry: &bridge_core::store::NewEntry| {
            Ok((to_json(&entry.author)?, to_json(&entry.content)?))
        };
        let entries = changes
            .entries
            .iter()
            .map(entry)
            .collect::<Result<_, StoreError>>()?;
        let row = |new: bridge_core::store::NewDispatch| {
            let held = new.held;
            let row = DispatchRow::new(new, id, now);
            let body = to_json(&row)?;
            Ok((row, body, held))
        };
        let dispatches = changes
            .dispatches
            .drain(..)
            .map(row)
            .collect::<Result<_, StoreError>>()?;
        Ok(Self {
            claim,
            changes,
            conversation,
            turned,
            entries,
            dispatches,
            now,
            written: Written::default(),
        })
    }

    /// Seats are counted with what the index does not know yet.
    fn check_seats(&self, tx: &mut Tx<'_>, id: ConversationId) -> Result<(), StoreError> {
        let agent = self.changes.conversation.agent().cloned();
        if let (Some((name, seats)), Some(agent)) = (&self.changes.capacity, &agent)
            && name == agent
            && self.claim.conversation.agent() != Some(agent)
            && tx.memo.seats_taken(&tx.index.lock(), agent, id) >= *seats as usize
        {
            return Err(StoreError::SeatTaken(agent.clone()));
        }
        if agent.is_some() || self.claim.conversation.agent().is_some() {
            tx.memo.seat(id, agent);
        }
        Ok(())
    }

    /// Writes the contact and the threads; where the conversation has an agent now, all desk threads that lead to it.
    fn write_state(
        &self,
        tx: &mut Tx<'_>,
        id: ConversationId,
    ) -> Result<Option<Vec<ThreadKey>>, StoreError> {
        if let Some(contact) = &self.changes.contact {
            tx.run(
                "UPDATE contacts SET body = ?2 WHERE id = ?1",
                &[&contact.id.0, &to_json(contact)?],
            )?;
        }
        for thread in &self.changes.threads {
            let inbox = tx.inbox(&thread.inbox)?;
            tx.run(
                "INSERT INTO threads (inbox, peer, conversation, desk) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT DO UPDATE SET conversation = excluded.conversation, desk = 1",
                &[&inbox, &thread.peer.as_str(), &id.0],
            )?;
            tx.memo.threads.insert((inbox, thread.peer.to_string()), id);
        }
        let assigned = self.changes.conversation.agent().is_some();
        let news = self.claim.conversation.agent().is_none() || !self.changes.threads.is_empty();
        match assigned && news {
            true => desk_threads(tx, id).map(Some),
            false => Ok(None),
        }
    }

    fn write_history(&self, tx: &mut Tx<'_>, id: ConversationId) -> Result<(), StoreError> {
        let mut tail = tx.tail(id)?;
        let episode = self.changes.conversation.episode;
        for (entry, (author, content)) in self.changes.entries.iter().zip(&self.entries) {
            tail = tx.line(id, tail, episode, entry, author, content)?;
        }
        tx.memo.tails.insert(id, tail);
        let phase = phase_number(&self.changes.conversation.phase);
        let update = "UPDATE conversations SET phase = ?2, tail = ?3, body = ?4 WHERE id = ?1";
        tx.run(update, &[&id.0, &phase, &tail, &self.conversation])?;
        for (number, body, verdict) in &self.turned {
            let at: i64 = tx
                .one(
                    "DELETE FROM arrivals WHERE id = ?1 RETURNING at",
                    &[&number.0],
                )?
                .unwrap_or_default();
            tx.run(
                "INSERT INTO turned (id, conversation, at, turned_at, verdict, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                &[&number.0, &id.0, &at, &self.now.0, verdict, body],
            )?;
        }
        Ok(())
    }

    fn write_dispatches(&self, tx: &mut Tx<'_>) -> Result<Vec<DispatchId>, StoreError> {
        let insert =
            "INSERT INTO dispatches (id, held, due_at, attempts, body) VALUES (?1, ?2, ?3, 0, ?4)";
        let mut numbers = Vec::with_capacity(self.dispatches.len());
        for (_, body, held) in &self.dispatches {
            let number = tx.dispatch_id()?;
            tx.run(insert, &[&number, held, &self.now.0, body])?;
            numbers.push(DispatchId(number));
        }
        Ok(numbers)
    }

    fn write_release(&self, tx: &mut Tx<'_>) -> Result<Vec<i64>, StoreError> {
        if self.changes.release == 0 {
            return Ok(Vec::new());
        }
        let mut held = tx.index.lock().held(&self.changes.conversation.thread);
        held.truncate(usize::try_from(self.changes.release).unwrap_or(usize::MAX));
        for number in &held {
            tx.run(
                "UPDATE dispatches SET held = 0, due_at = ?2 WHERE id = ?1",
                &[number, &self.now.0],
            )?;
        }
        Ok(held)
    }

    /// Errands that are not wanted: nobody may take them from here on.
    fn write_cancel(&self, tx: &mut Tx<'_>, id: ConversationId) -> Result<Vec<i64>, StoreError> {
        if !self.changes.cancel_errands {
            return Ok(Vec::new());
        }
        let unwanted: Vec<i64> = {
            let mut index = tx.index.lock();
            index.errands.expire(self.now);
            let unwanted: Vec<i64> = index.errands.lane(&id).collect();
            for number in &unwanted {
                index.errands.change(*number, |item| item.held = true);
                tx.undo.push(Undo::Kept(*number));
            }
            unwanted
        };
        for number in &unwanted {
            tx.run("DELETE FROM errands WHERE id = ?1", &[number])?;
        }
        Ok(unwanted)
    }

    fn write_deadlines(&self, tx: &mut Tx<'_>, id: ConversationId) -> Result<(), StoreError> {
        for (kind, at) in &self.changes.deadlines {
            tx.memo.move_deadline(id, *kind);
            let kind = to_json(kind)?;
            match at {
                Some(at) => tx.run(
                    "INSERT INTO deadlines (conversation, kind, at, episode) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET at = excluded.at, episode = excluded.episode",
                    &[&id.0, &kind, &at.0, &self.changes.conversation.episode],
                )?,
                None => tx.run("DELETE FROM deadlines WHERE conversation = ?1 AND kind = ?2", &[&id.0, &kind])?,
            };
        }
        Ok(())
    }
}

impl Request for Commit {
    type Answer = Committed;

    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let id = self.claim.conversation.id;
        if !tx.index.lock().pin(id, self.claim.fence) {
            return Err(StoreError::Lost);
        }
        tx.undo.push(Undo::Claim(id));
        self.check_seats(tx, id)?;
        if let Some(tied) = &self.changes.tie {
            tx.tie(id, tied)?;
        }
        let threads = self.write_state(tx, id)?;
        self.write_history(tx, id)?;
        let dispatched = self.write_dispatches(tx)?;
        let released = self.write_release(tx)?;
        let cancelled = self.write_cancel(tx, id)?;
        let (episode, asks) = (self.changes.conversation.episode, &self.changes.asks);
        let asked = asked::write(tx, id, episode, asks, &cancelled)?;
        self.write_deadlines(tx, id)?;
        self.written = Written {
            threads,
            dispatched,
            released,
            cancelled,
            asked,
        };
        Ok(())
    }

    fn apply(self, index: &mut Index) -> Committed {
        let Self {
            claim,
            changes,
            dispatches,
            turned,
            now,
            written,
            ..
        } = self;
        let id = claim.conversation.id;
        let before = claim.conversation.phase;
        let contact = changes.contact.unwrap_or(claim.contact);
        let done: Vec<ArrivalId> = turned.iter().map(|(done, ..)| *done).collect();
        let (deadlines, conversation) = (changes.deadlines, changes.conversation);
        let mut committed = Committed {
            dispatches: written.dispatched.clone(),
            ..Committed::default()
        };
        for (number, (row, _, held)) in written.dispatched.iter().zip(dispatches) {
            index.dispatch(number.0, row, now, held, 0);
        }
        for number in written.released {
            index
                .dispatches
                .change(number, |item| (item.held, item.due_at) = (false, now));
        }
        for number in written.cancelled {
            if index.errands.is_taken(number) {
                committed.cancelled.push(ErrandId(number));
            }
            index.errands.remove(number);
        }
        let asked = written.asked.into_iter();
        asked.for_each(|asked| asked.index(index));
        for (kind, at) in deadlines {
            index.unset_deadline(id, kind);
            if let Some(at) = at {
                index.set_deadline(DeadlineRow {
                    conversation: id,
                    kind,
                    episode: conversation.episode,
                    at,
                });
            }
        }
        match (resolved(&before), resolved(&conversation.phase)) {
            (false, true) => index.open = index.open.saturating_sub(1),
            (true, false) => index.open += 1,
            _ => {}
        }
        index.phase(&conversation, contact.dedicated.clone());
        if let Some(threads) = written.threads {
            index.desk_threads.insert(id, threads);
        }
        index.remember(conversation, contact);
        committed.more = index.finish(id, &done);
        committed
    }
}

fn desk_threads(tx: &Tx<'_>, id: ConversationId) -> Result<Vec<ThreadKey>, StoreError> {
    let sql = "SELECT i.name, t.peer FROM threads t JOIN inboxes i ON i.id = t.inbox
        WHERE t.conversation = ?1 AND t.desk = 1";
    let mut statement = tx.db.prepare_cached(sql).map_err(unavailable)?;
    let threads = statement
        .query_map([id.0], |row| {
            Ok(ThreadKey {
                inbox: InboxName::from(row.get::<_, String>(0)?),
                peer: PeerId::from(row.get::<_, String>(1)?),
            })
        })
        .map_err(unavailable)?;
    threads.collect::<Result<_, _>>().map_err(unavailable)
}

fn resolved(phase: &Phase) -> bool {
    matches!(phase, Phase::Resolved { .. })
}
