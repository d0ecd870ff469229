//! A copy of the database while the bridge runs.

use std::{fs, path::Path};

use bridge_core::store::StoreError;

use super::connect;
use crate::{private, unavailable};

/// Copies the database at `from` to `to`, where nothing may be yet.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    private::folder_of(to).map_err(unavailable)?;
    if to.exists() {
        return Err(unavailable(format!("{} exists already", to.display())));
    }
    let db = connect(from)?;
    // Under another name until it is whole: a copy that was cut short must not look like one.
    let unfinished = to.with_extension("db.part");
    let _ = fs::remove_file(&unfinished);
    private::file(&unfinished).map_err(unavailable)?;
    db.execute_batch("PRAGMA query_only = OFF;")
        .map_err(unavailable)?;
    db.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])
        .map_err(unavailable)?;
    fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .map_err(unavailable)?;
    fs::rename(&unfinished, to).map_err(unavailable)
}
