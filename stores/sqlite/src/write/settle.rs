//! Settle: what became of something due, and the cue that tells the conversation, in one step.

use bridge_core::{
    bot::standing,
    clock::Timestamp,
    convert::Loss,
    message::{BotName, ConversationId, DispatchId},
    store::{DueId, DueKind, Intake, Settlement, StoreError, TraceDispatch},
};

use super::Accept;
use crate::{
    index::Index,
    memo::Undo,
    read,
    rows::{DispatchRow, to_json},
    writer::{Request, Tx},
};

/// Something due and what became of it.
pub(crate) struct Settle {
    due: DueId,
    settlement: Settlement,
    cue: Option<Accept>,
    now: Timestamp,
    written: Option<(Number, Then)>,
}

/// What the index does after.
enum Then {
    Remove,
    PutBack {
        at: Timestamp,
        held: bool,
        tried: bool,
    },
}

/// The number of what is settled in its lanes: a deadline has one of its own there.
type Number = i64;

impl Settle {
    pub(crate) fn new(
        due: DueId,
        mut settlement: Settlement,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let cue = match &mut settlement {
            Settlement::Held { cue, .. } | Settlement::Dead { cue, .. } => cue.take(),
            Settlement::Done { .. } | Settlement::Retry { .. } => None,
        };
        // A cue belongs to a thread that exists: whom it would be opened for does not matter.
        let intake = |cue: Box<_>| Intake {
            arrivals: vec![*cue],
            cursor: None,
            entry: BotName::new(standing::TRANSFER),
        };
        let cue = cue.map(|cue| Accept::new(intake(cue), now)).transpose()?;
        Ok(Self {
            due,
            settlement,
            cue,
            now,
            written: None,
        })
    }

    fn dispatch(&self, tx: &mut Tx<'_>) -> Result<Then, StoreError> {
        let id = self.due.id;
        let (row, attempts) = {
            let mut index = tx.index.lock();
            if !index.dispatches.pin(id, self.due.fence) {
                return Err(StoreError::Lost);
            }
            tx.undo.push(Undo::Dispatch(id));
            index
                .dispatches
                .get(id)
                .map(|item| (item.thing.clone(), item.attempts))
                .ok_or(StoreError::Lost)?
        };
        let row = match row {
            Some(row) => *row,
            None => read::dispatch(tx.db, id)?,
        };
        let update = "UPDATE dispatches SET held = ?2, due_at = ?3, attempts = ?4, reason = ?5 WHERE id = ?1";
        match &self.settlement {
            Settlement::Retry { at, reason, tried } => {
                let attempts = attempts - u32::from(!tried);
                tx.run(update, &[&id, &false, &at.0, &attempts, reason])?;
                Ok(Then::PutBack {
                    at: *at,
                    held: false,
                    tried: *tried,
                })
            }
            Settlement::Held { reason, .. } => {
                tx.run(update, &[&id, &true, &self.now.0, &attempts, reason])?;
                Ok(Then::PutBack {
                    at: self.now,
                    held: true,
                    tried: true,
                })
            }
            Settlement::Done { external_id, lost } => {
                self.into_history(
                    tx,
                    &row,
                    attempts,
                    "sent",
                    None,
                    external_id.clone(),
                    lost.clone(),
                )?;
                Ok(Then::Remove)
            }
            Settlement::Dead { reason, .. } => {
                self.into_history(
                    tx,
                    &row,
                    attempts,
                    "dead",
                    Some(reason.clone()),
                    None,
                    Vec::new(),
                )?;
                Ok(Then::Remove)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a row has as many columns")]
    fn into_history(
        &self,
        tx: &Tx<'_>,
        row: &DispatchRow,
        attempts: u32,
        state: &str,
        reason: Option<String>,
        external_id: Option<String>,
        lost: Vec<Loss>,
    ) -> Result<(), StoreError> {
        let id = self.due.id;
        let line = TraceDispatch {
            id: DispatchId(id),
            inbox: row.inbox.clone(),
            to: row.to.clone(),
            content: row.content.clone(),
            created_at: row.created_at,
            at: self.now,
            state: state.to_owned(),
            attempts,
            reason,
            external_id,
            lost,
            confirmed_at: None,
        };
        tx.run("DELETE FROM dispatches WHERE id = ?1", &[&id])?;
        let insert = "INSERT OR REPLACE INTO sent (trace, id, at, body) VALUES (?1, ?2, ?3, ?4)";
        tx.run(insert, &[&row.trace.0, &id, &self.now.0, &to_json(&line)?])?;
        Ok(())
    }

    fn errand(&self, tx: &mut Tx<'_>) -> Result<Then, StoreError> {
        let id = self.due.id;
        if !tx.index.lock().errands.pin(id, self.due.fence) {
            return Err(StoreError::Lost);
        }
        tx.undo.push(Undo::Errand(id));
        match &self.settlement {
            Settlement::Retry { at, .. } => {
                tx.run(
                    "UPDATE errands SET due_at = ?2, attempts = attempts + 1 WHERE id = ?1",
                    &[&id, &at.0],
                )?;
                Ok(Then::PutBack {
                    at: *at,
                    held: false,
                    tried: true,
                })
            }
            _ => {
                tx.run("DELETE FROM errands WHERE id = ?1", &[&id])?;
                Ok(Then::Remove)
            }
        }
    }

    fn deadline(&self, tx: &mut Tx<'_>) -> Result<(Number, Then), StoreError> {
        let (conversation, Some(kind)) = (ConversationId(self.due.id), self.due.deadline) else {
            return Err(StoreError::Lost);
        };
        if tx.memo.has_moved(conversation, kind) {
            return Err(StoreError::Lost);
        }
        let number = {
            let mut index = tx.index.lock();
            let number = index.deadline(&self.due).ok_or(StoreError::Lost)?;
            if !index.deadlines.pin(number, self.due.fence) {
                return Err(StoreError::Lost);
            }
            number
        };
        tx.undo.push(Undo::Deadline(number));
        let kind = to_json(&kind)?;
        match &self.settlement {
            Settlement::Retry { at, .. } => {
                let update = "UPDATE deadlines SET at = ?3 WHERE conversation = ?1 AND kind = ?2";
                tx.run(update, &[&conversation.0, &kind, &at.0])?;
                let then = Then::PutBack {
                    at: *at,
                    held: false,
                    tried: true,
                };
                Ok((number, then))
            }
            _ => {
                let delete = "DELETE FROM deadlines WHERE conversation = ?1 AND kind = ?2";
                tx.run(delete, &[&conversation.0, &kind])?;
                Ok((number, Then::Remove))
            }
        }
    }
}

impl Request for Settle {
    type Answer = ();

    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let written = match self.due.kind {
            DueKind::Dispatch => (self.due.id, self.dispatch(tx)?),
            DueKind::Errand => (self.due.id, self.errand(tx)?),
            DueKind::Deadline => self.deadline(tx)?,
        };
        self.written = Some(written);
        self.cue.as_mut().map_or(Ok(()), |cue| cue.write(tx))
    }

    fn apply(self, index: &mut Index) {
        if let Some((number, then)) = self.written {
            settle_in(index, self.due.kind, number, then);
        }
        if let Some(cue) = self.cue {
            cue.apply(index);
        }
    }
}

fn settle_in(index: &mut Index, kind: DueKind, number: Number, then: Then) {
    match (kind, then) {
        (DueKind::Dispatch, Then::Remove) => drop(index.dispatches.remove(number)),
        (DueKind::Errand, Then::Remove) => drop(index.errands.remove(number)),
        (DueKind::Deadline, Then::Remove) => index.forget_deadline(number),
        (DueKind::Dispatch, Then::PutBack { at, held, tried }) => {
            index.dispatches.put_back(number, at, held, tried);
        }
        (DueKind::Errand, Then::PutBack { at, held, tried }) => {
            index.errands.put_back(number, at, held, tried);
        }
        (DueKind::Deadline, Then::PutBack { at, held, tried }) => {
            index.deadlines.change(number, |item| item.thing.at = at);
            index.deadlines.put_back(number, at, held, tried);
        }
    }
}
