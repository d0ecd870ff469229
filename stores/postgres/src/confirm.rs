//! Confirm: one statement notes for all dispatches that a receipt speaks for that they have arrived.

use bridge_core::{
    clock::Timestamp,
    message::ConversationId,
    store::{Confirmation, StoreError, TraceDispatch},
};

use crate::{
    link::Link,
    read::{LOOK_BACK, settled},
};

/// It walks back along the transcript and stops where an earlier receipt has been: what leaves for one recipient leaves in
/// order, so everything before is confirmed, too.
const CONFIRM: &str = "WITH RECURSIVE lines AS (
        SELECT e.id, e.prev, e.trace, 1 AS nth FROM conversations c
            JOIN entries e ON e.id = c.tail AND e.conversation = c.id WHERE c.id = $1
        UNION ALL
        SELECT e.id, e.prev, e.trace, lines.nth + 1 FROM lines
            JOIN entries e ON e.id = lines.prev AND e.conversation = $1
        WHERE lines.nth < $2 AND NOT coalesce((
            SELECT bool_and(s.confirmed_at IS NOT NULL) FROM sent s WHERE s.trace = lines.trace AND s.state = 'sent'
                AND $3::text IS NULL AND s.body::json ->> 'inbox' = $4 AND s.body::json ->> 'to' = $5), false))
    UPDATE sent SET confirmed_at = $9 FROM (
        SELECT s.trace, s.id FROM (SELECT trace FROM lines GROUP BY trace HAVING max(lines.id) <= $6) AS l
            JOIN sent s ON s.trace = l.trace
        WHERE s.state = 'sent' AND s.confirmed_at IS NULL
            AND $1 IN (SELECT t.conversation FROM turned t WHERE t.id = s.trace
                UNION ALL SELECT a.conversation FROM arrivals a WHERE a.id = s.trace)
            AND (s.external_id = $3 OR $3 IS NULL
                AND s.body::json ->> 'inbox' = $4 AND s.body::json ->> 'to' = $5
                AND s.at <= $7 AND (s.body::json ->> 'created_at')::bigint <= $8)) AS meant
    WHERE sent.trace = meant.trace AND sent.id = meant.id
    RETURNING sent.id, at, state, attempts, reason, external_id, lost, body, confirmed_at";

pub(crate) async fn confirm(
    link: &Link,
    id: ConversationId,
    what: &Confirmation,
    at: Timestamp,
) -> Result<Vec<TraceDispatch>, StoreError> {
    const ANY: i64 = i64::MAX;
    let (external, lane, line, sent_by, decided_by) = match what {
        Confirmation::Message { external_id } => (Some(external_id), None, ANY, ANY, ANY),
        Confirmation::UpTo {
            inbox,
            to,
            decided_by,
            sent_by,
        } => (None, Some((inbox, to)), ANY, sent_by.0, decided_by.0),
        Confirmation::Shown { inbox, to, line } => (None, Some((inbox, to)), line.0, ANY, ANY),
    };
    let (inbox, to) = lane
        .map(|(inbox, to)| (inbox.as_str(), to.as_str()))
        .unzip();
    let limit = i32::try_from(LOOK_BACK).unwrap_or(i32::MAX);
    let rows = link
        .query(
            CONFIRM,
            &[
                &id.0,
                &limit,
                &external,
                &inbox,
                &to,
                &line,
                &sent_by,
                &decided_by,
                &at.0,
            ],
        )
        .await?;
    let mut lines = rows.iter().map(settled).collect::<Result<Vec<_>, _>>()?;
    lines.sort_by_key(|line| line.id);
    Ok(lines)
}
