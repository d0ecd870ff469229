//! The schema, by version. Hot tables hold what is in work and stay small; `turned`, `entries` and `sent` are history
//! and only grow at their right edge.

use bridge_core::store::StoreError;
use rusqlite::Connection;

use crate::{damaged, unavailable};

/// One step each; a database knows by `user_version` how many it has taken.
const STEPS: &[&str] = &[
    // 1
    "
    CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE inboxes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    -- External ids begin with the platform's time: inserts stay at the right edge of each inbox's range.
    CREATE TABLE seen (inbox INTEGER NOT NULL, external_id TEXT NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (inbox, external_id)) WITHOUT ROWID;
    CREATE TABLE arrivals (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE TABLE turned (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, at INTEGER NOT NULL,
        turned_at INTEGER NOT NULL, verdict TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE threads (inbox INTEGER NOT NULL, peer TEXT NOT NULL, conversation INTEGER NOT NULL, desk INTEGER NOT NULL,
        PRIMARY KEY (inbox, peer)) WITHOUT ROWID;
    CREATE INDEX desk_threads ON threads (conversation) WHERE desk = 1;
    CREATE TABLE contacts (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
    -- phase: 0 assisted, 1 queued, 2 assigned, 3 resolved
    CREATE TABLE conversations (id INTEGER PRIMARY KEY, contact INTEGER NOT NULL, phase INTEGER NOT NULL,
        tail INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE INDEX with_people ON conversations (phase) WHERE phase IN (1, 2);
    -- prev: the line before it in the same conversation
    CREATE TABLE entries (id INTEGER PRIMARY KEY, conversation INTEGER NOT NULL, prev INTEGER NOT NULL, trace INTEGER NOT NULL,
        episode INTEGER NOT NULL, at INTEGER NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE dispatches (id INTEGER PRIMARY KEY, held INTEGER NOT NULL, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL,
        reason TEXT, body TEXT NOT NULL);
    CREATE TABLE sent (trace INTEGER NOT NULL, id INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (trace, id)) WITHOUT ROWID;
    CREATE TABLE errands (id INTEGER PRIMARY KEY, due_at INTEGER NOT NULL, attempts INTEGER NOT NULL, body TEXT NOT NULL);
    CREATE TABLE deadlines (conversation INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, episode INTEGER NOT NULL,
        PRIMARY KEY (conversation, kind)) WITHOUT ROWID;
    CREATE TABLE cursors (inbox INTEGER NOT NULL, topic TEXT NOT NULL, cursor TEXT NOT NULL,
        PRIMARY KEY (inbox, topic)) WITHOUT ROWID;
    CREATE TABLE media (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    ",
    // 2
    "
    -- Contacts that are one person, or set apart: a row for each. Alone, and not apart: no row.
    CREATE TABLE kin (conversation INTEGER PRIMARY KEY, person INTEGER NOT NULL, apart INTEGER NOT NULL);
    CREATE INDEX kin_of ON kin (person);
    CREATE TABLE handles (handle TEXT NOT NULL, conversation INTEGER NOT NULL,
        PRIMARY KEY (handle, conversation)) WITHOUT ROWID;
    ",
];

/// Brings a database to this version's schema.
pub(crate) fn migrate(db: &mut Connection, allowed: bool) -> Result<(), StoreError> {
    let version: u32 = db
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(unavailable)?;
    let version = usize::try_from(version).map_err(damaged)?;
    if version > STEPS.len() {
        return Err(StoreError::OtherVersion(format!(
            "its schema is version {version}, this program knows up to {}: use a newer program",
            STEPS.len()
        )));
    }
    if version < STEPS.len() && !allowed {
        return Err(StoreError::OtherVersion(format!(
            "its schema is version {version} of {}; run `kefu-bridge migrate` or set storage.migrate = true",
            STEPS.len()
        )));
    }
    for (index, step) in STEPS.iter().enumerate().skip(version) {
        let tx = db.transaction().map_err(unavailable)?;
        tx.execute_batch(step).map_err(unavailable)?;
        tx.pragma_update(
            None,
            "user_version",
            i64::try_from(index + 1).map_err(damaged)?,
        )
        .map_err(unavailable)?;
        tx.commit().map_err(unavailable)?;
    }
    Ok(())
}
