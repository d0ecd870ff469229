//! Back from a copy. Since the copy was made, numbers were given out that it knows nothing of, and platforms remember
//! them: what is new must not be taken for a repeat of those.

use std::path::Path;

use bridge_core::store::StoreError;

use crate::{open, private, schema, unavailable};

/// More numbers than are given out between a copy and its return.
const BEYOND: i64 = 1 << 24;

/// Puts the database of a copy at `to`, where there is none, and lets its numbers go on beyond any that were given out since.
///
/// # Errors
/// [`StoreError`] where it cannot be read or written, or is not one; nothing is at `to` then.
pub fn restore(from: &Path, to: &Path) -> Result<(), StoreError> {
    // Under another name until it is whole.
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = Path::new(&unfinished);
    private::folder_of(to).map_err(unavailable)?;
    let _ = std::fs::remove_file(unfinished);
    std::fs::File::open(from)
        .and_then(|mut from| std::io::copy(&mut from, &mut private::file(unfinished)?))
        .map_err(unavailable)?;
    advance(unfinished)?;
    std::fs::File::open(unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(unfinished, to))
        .map_err(unavailable)
}

fn advance(path: &Path) -> Result<(), StoreError> {
    let mut db = open::connect(path)?;
    // A copy of an older program's: it has the tables of its time.
    schema::migrate(&mut db, true)?;
    let ids = open::last_numbers(&db)?;
    let put = "INSERT INTO facts (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value";
    for (key, last) in [
        ("last_arrival", ids.arrival),
        ("last_entry", ids.entry),
        ("last_dispatch", ids.dispatch),
        ("last_errand", ids.errand),
    ] {
        db.execute(put, (key, (last + BEYOND).to_string()))
            .map_err(unavailable)?;
    }
    // One file again, without a log beside it.
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;")
        .map_err(unavailable)
}
