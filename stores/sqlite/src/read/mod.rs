//! Reading beside the writer: transcripts, traces, counts; and [`Records`], most of whose
//! duties are to read.

mod backup;
mod readers;
mod records;
mod sweep;
mod trace;
mod transcript;

use bridge_core::{
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, ConversationId, ErrandId},
    store::{DueWhat, Errand, Records, StoreError},
};
use rusqlite::Connection;

pub(crate) use readers::{Readers, connect, first};
pub(crate) use trace::{LOOK_BACK, sent};

use crate::{
    Sqlite, damaged,
    index::Found,
    rows::{DispatchRow, from_json},
};

/// A conversation and its contact.
pub(crate) fn conversation(
    db: &Connection,
    id: ConversationId,
) -> Result<Option<(Conversation, Contact)>, StoreError> {
    let sql = "SELECT v.body, c.body FROM conversations v JOIN contacts c ON c.id = v.contact WHERE v.id = ?1";
    let bodies = first(db, sql, &[&id.0], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    bodies
        .map(|(conversation, contact)| Ok((from_json(&conversation)?, from_json(&contact)?)))
        .transpose()
}

/// An arrival that waits.
pub(crate) fn arrival(db: &Connection, id: ArrivalId) -> Result<Arrival, StoreError> {
    let sql = "SELECT body FROM arrivals WHERE id = ?1";
    let body = first(db, sql, &[&id.0], |row| row.get::<_, String>(0))?;
    from_json(&body.ok_or_else(|| damaged(format!("arrival {id} is gone")))?)
}

/// A dispatch that waits.
pub(crate) fn dispatch(db: &Connection, id: i64) -> Result<DispatchRow, StoreError> {
    let sql = "SELECT body FROM dispatches WHERE id = ?1";
    let body = first(db, sql, &[&id], |row| row.get::<_, String>(0))?;
    from_json(&body.ok_or_else(|| damaged(format!("dispatch {id} is gone")))?)
}

impl Sqlite {
    /// Something due, as workers want it.
    pub(crate) async fn describe(&self, found: Found) -> Result<DueWhat, StoreError> {
        match found {
            Found::Dispatch(id, attempt, row) => {
                let row = match row {
                    Some(row) => *row,
                    None => self.readers.run(move |db| dispatch(db, id)).await?,
                };
                Ok(DueWhat::Dispatch(Box::new(row.dispatch(id, attempt))))
            }
            Found::Errand(id, attempt, row) => {
                let (conversation, contact) = self.known(row.conversation).await?;
                Ok(DueWhat::Errand(Box::new(Errand {
                    id: ErrandId(id),
                    trace: row.trace,
                    conversation,
                    contact,
                    episode: row.episode,
                    bot: row.bot,
                    argv: row.argv,
                    said: row.said,
                    attempt,
                })))
            }
            Found::Deadline(row) => {
                let (conversation, _) = self.known(row.conversation).await?;
                Ok(DueWhat::Deadline {
                    conversation: row.conversation,
                    thread: conversation.thread,
                    kind: row.kind,
                    episode: row.episode,
                    at: row.at,
                })
            }
        }
    }

    /// A conversation that something else speaks of.
    async fn known(&self, id: ConversationId) -> Result<(Conversation, Contact), StoreError> {
        self.conversation(id)
            .await?
            .ok_or_else(|| damaged(format!("conversation {id} is gone")))
    }
}
