//! What became of an arrival: its turn, and what it caused to be sent.

use bridge_core::{
    clock::Timestamp,
    message::{Arrival, ArrivalId, ConversationId, DispatchId},
    store::{StoreError, Trace, TraceArrival, TraceDispatch},
};
use rusqlite::Connection;

use super::{first, transcript};
use crate::{
    damaged,
    rows::{DispatchRow, from_json},
    unavailable,
};

/// Lines looked at when a dispatch is searched by the platform's id.
pub(crate) const LOOK_BACK: usize = 200;

/// An arrival by its number, whether it still waits or has had its turn.
pub(super) fn trace(db: &Connection, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
    type Line = (i64, i64, Option<(i64, String)>, String);
    let waiting = "SELECT conversation, at, body FROM arrivals WHERE id = ?1";
    let turned = "SELECT conversation, at, turned_at, verdict, body FROM turned WHERE id = ?1";
    let line: Option<Line> = match first(db, waiting, &[&id.0], |row| {
        Ok((row.get(0)?, row.get(1)?, None, row.get(2)?))
    })? {
        Some(line) => Some(line),
        None => first(db, turned, &[&id.0], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                Some((row.get(2)?, row.get(3)?)),
                row.get(4)?,
            ))
        })?,
    };
    let Some((conversation, accepted_at, verdict, body)) = line else {
        return Ok(None);
    };
    let arrival: Arrival = from_json(&body)?;
    let verdict = verdict
        .map(|(at, verdict)| Ok::<_, StoreError>((Timestamp(at), from_json(&verdict)?)))
        .transpose()?;
    let (conversation, accepted_at) = (ConversationId(conversation), Timestamp(accepted_at));
    Ok(Some(Trace {
        arrival: TraceArrival {
            id,
            conversation,
            decoded_at: arrival.decoded(),
            arrival,
            accepted_at,
            turned: verdict,
        },
        dispatches: dispatches(db, id)?,
    }))
}

/// What an arrival caused to be sent: settled ones by its number, waiting ones among the few that wait.
fn dispatches(db: &Connection, id: ArrivalId) -> Result<Vec<TraceDispatch>, StoreError> {
    let mut found = sent(db, id)?;
    let sql = "SELECT id, held, due_at, attempts, reason, body FROM dispatches WHERE json_extract(body, '$.trace') = ?1";
    let mut statement = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = statement.query([id.0]).map_err(unavailable)?;
    while let Some(row) = rows.next().map_err(unavailable)? {
        let waiting: DispatchRow = from_json(&row.get::<_, String>(5).map_err(damaged)?)?;
        let held: bool = row.get(1).map_err(damaged)?;
        found.push(TraceDispatch {
            id: DispatchId(row.get(0).map_err(damaged)?),
            inbox: waiting.inbox,
            to: waiting.to,
            content: waiting.content,
            created_at: waiting.created_at,
            at: Timestamp(row.get(2).map_err(damaged)?),
            state: if held { "held" } else { "waiting" }.to_owned(),
            attempts: row.get(3).map_err(damaged)?,
            reason: row.get(4).map_err(damaged)?,
            external_id: None,
            lost: Vec::new(),
            confirmed_at: None,
        });
    }
    found.sort_by_key(|dispatch| dispatch.id);
    Ok(found)
}

/// What an arrival caused to be sent and that is settled, in the order of its numbers.
pub(crate) fn sent(db: &Connection, id: ArrivalId) -> Result<Vec<TraceDispatch>, StoreError> {
    let mut statement = db
        .prepare_cached("SELECT body FROM sent WHERE trace = ?1 ORDER BY id")
        .map_err(unavailable)?;
    let bodies = statement
        .query_map([id.0], |row| row.get::<_, String>(0))
        .map_err(unavailable)?;
    bodies
        .map(|body| from_json(&body.map_err(unavailable)?))
        .collect()
}

/// What was sent under the platform's id, among the last lines of a conversation.
pub(super) fn sent_as(
    db: &Connection,
    id: ConversationId,
    external_id: &str,
) -> Result<Option<(ArrivalId, TraceDispatch)>, StoreError> {
    for line in transcript::recent(db, id, LOOK_BACK, false)?.iter().rev() {
        let mut found = sent(db, line.trace)?.into_iter();
        let found = found.find(|one| one.external_id.as_deref() == Some(external_id));
        if let Some(found) = found {
            return Ok(Some((line.trace, found)));
        }
    }
    Ok(None)
}
