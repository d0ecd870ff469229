//! Confirm: which of the dispatches that were sent a receipt speaks for. It walks back along the transcript and stops where an
//! earlier receipt has been: what leaves for one recipient leaves in order, so everything before is confirmed, too.

use bridge_core::{
    clock::Timestamp,
    message::{ArrivalId, ConversationId, EntryId},
    store::{Confirmation, StoreError, TraceDispatch},
};
use rusqlite::Connection;

use crate::{
    read::{LOOK_BACK, first, sent},
    rows::to_json,
    writer::Tx,
};

/// Those it confirms, and the arrivals that caused them; nothing is written.
pub(crate) fn confirmed(
    db: &Connection,
    id: ConversationId,
    what: &Confirmation,
) -> Result<Vec<(ArrivalId, TraceDispatch)>, StoreError> {
    let tail = "SELECT tail FROM conversations WHERE id = ?1";
    let mut next = first(db, tail, &[&id.0], |row| row.get::<_, i64>(0))?.unwrap_or_default();
    // Arrivals that were looked at, or that have a line which the receipt does not reach.
    let (mut passed, mut found) = (Vec::new(), Vec::new());
    for _ in 0..LOOK_BACK {
        let line = "SELECT prev, trace FROM entries WHERE id = ?1 AND conversation = ?2";
        let line = first(db, line, &[&next, &id.0], |row| {
            Ok((row.get::<_, i64>(0)?, ArrivalId(row.get(1)?)))
        })?;
        let Some((prev, trace)) = line else { break };
        let known = passed.contains(&trace);
        if !known {
            passed.push(trace);
        }
        if !known && what.reaches(EntryId(next)) && is_of(db, trace, id)? {
            let mut lines = sent(db, trace)?;
            lines.retain(|line| what.concerns(line) && line.state == "sent");
            let been = !lines.is_empty() && lines.iter().all(|line| line.confirmed_at.is_some());
            lines.retain(|line| what.confirms(line));
            found.extend(lines.into_iter().map(|line| (trace, line)));
            if been {
                break;
            }
        }
        next = prev;
    }
    Ok(found)
}

/// Whether an arrival is the conversation's own: what is said of somebody's kin makes lines in several.
fn is_of(db: &Connection, trace: ArrivalId, id: ConversationId) -> Result<bool, StoreError> {
    let sql = "SELECT conversation FROM turned WHERE id = ?1
        UNION ALL SELECT conversation FROM arrivals WHERE id = ?1";
    let of = first(db, sql, &[&trace.0], |row| row.get::<_, i64>(0))?;
    Ok(of == Some(id.0))
}

/// Notes it.
pub(crate) fn confirm(
    tx: &Tx<'_>,
    id: ConversationId,
    what: &Confirmation,
    at: Timestamp,
) -> Result<Vec<TraceDispatch>, StoreError> {
    let mut lines = Vec::new();
    for (trace, mut line) in confirmed(tx.db, id, what)? {
        line.confirmed_at = Some(at);
        let update = "UPDATE sent SET body = ?3 WHERE trace = ?1 AND id = ?2";
        tx.run(update, &[&trace.0, &line.id.0, &to_json(&line)?])?;
        lines.push(line);
    }
    lines.sort_by_key(|line| line.id);
    Ok(lines)
}
