//! The lines of a conversation, each of which knows the one before it.

use bridge_core::{
    clock::Timestamp,
    message::{ArrivalId, Content, ConversationId, EntryId},
    store::{Entry, EntryAuthor, StoreError},
};
use rusqlite::Connection;

use super::{conversation, first};
use crate::rows::from_json;

/// The last lines of a conversation, oldest first, along the chain of its lines.
pub(super) fn recent(
    db: &Connection,
    id: ConversationId,
    limit: usize,
    this_opening: bool,
) -> Result<Vec<Entry>, StoreError> {
    let since = match this_opening {
        true => conversation(db, id)?.map(|(conversation, _)| conversation.opened_at),
        false => None,
    };
    let tail = first(
        db,
        "SELECT tail FROM conversations WHERE id = ?1",
        &[&id.0],
        |row| row.get::<_, i64>(0),
    )?;
    let mut next = tail.unwrap_or_default();
    let mut lines = Vec::with_capacity(limit.min(64));
    while next != 0 && lines.len() < limit {
        let sql = "SELECT prev, trace, episode, at, author, body FROM entries WHERE id = ?1 AND conversation = ?2";
        let row = first(db, sql, &[&next, &id.0], |row| {
            let texts = (row.get::<_, String>(4)?, row.get::<_, String>(5)?);
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, u32>(2)?,
                row.get::<_, i64>(3)?,
                texts,
            ))
        })?;
        // History may have been swept behind this line.
        let Some((prev, trace, episode, at, (author, body))) = row else {
            break;
        };
        if since.is_some_and(|since| Timestamp(at) < since) {
            // A note may have come from elsewhere, by a clock that is behind.
            if from_json::<EntryAuthor>(&author)? != EntryAuthor::Note {
                break;
            }
            next = prev;
            continue;
        }
        let (author, content): (EntryAuthor, Content) = (from_json(&author)?, from_json(&body)?);
        let (trace, at) = (ArrivalId(trace), Timestamp(at));
        lines.push(Entry {
            id: EntryId(next),
            trace,
            episode,
            author,
            content,
            at,
        });
        next = prev;
    }
    lines.reverse();
    Ok(lines)
}
