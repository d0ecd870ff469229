//! The sweep: old history goes, a step at a time, so that no commit waits long for it.

use bridge_core::{clock::Timestamp, store::StoreError};

use crate::{unavailable, writer::Tx};

/// Rows removed in one step of a sweep.
const STEP: u32 = 500;

/// Removes a step of what ended before `before`, and of the ids that were seen before `seen_before`; how many rows it were.
pub(super) fn sweep(
    tx: &mut Tx<'_>,
    before: Timestamp,
    seen_before: Timestamp,
) -> Result<u64, StoreError> {
    let mut rows = 0;
    for (table, at) in [("turned", "turned_at"), ("entries", "at")] {
        // Oldest rows have the smallest numbers: the sweep walks in from the left edge and stops at once
        // where nothing is old.
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM
             (SELECT id, {at} AS at FROM {table} ORDER BY id LIMIT ?2) WHERE at < ?1)"
        );
        rows += tx.run(&sql, &[&before.0, &STEP])?;
    }
    let sent = "DELETE FROM sent WHERE (trace, id) IN (SELECT trace, id FROM
        (SELECT trace, id, at FROM sent ORDER BY trace, id LIMIT ?2) WHERE at < ?1)";
    rows += tx.run(sent, &[&before.0, &STEP])?;
    rows += sweep_seen(tx, seen_before)?;
    tx.keep_numbers()?;
    Ok(rows as u64)
}

/// Keys begin with the platform's time, so the old ones of an inbox are one range at its left edge.
fn sweep_seen(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    let mut inboxes = tx
        .db
        .prepare_cached("SELECT id FROM inboxes")
        .map_err(unavailable)?;
    let ids = inboxes
        .query_map([], |row| row.get::<_, i64>(0))
        .map_err(unavailable)?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>().map_err(unavailable)?;
    let sql = "DELETE FROM seen WHERE inbox = ?1 AND external_id IN (SELECT external_id FROM
        (SELECT external_id, at FROM seen WHERE inbox = ?1 AND external_id >= ?3 ORDER BY external_id LIMIT ?4) WHERE at < ?2)";
    let mut rows = 0;
    for inbox in ids {
        for from in ["", "errand:"] {
            rows += tx.run(sql, &[&inbox, &before.0, &from, &STEP])?;
        }
    }
    Ok(rows)
}
