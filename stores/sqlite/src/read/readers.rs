//! Connections of their own for reading: the write-ahead log lets them see the last commit without waiting for the next.

use std::{path::Path, sync::Arc};

use bridge_core::store::StoreError;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::unavailable;

/// Connections for reading.
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: tokio::sync::Semaphore,
}

impl Readers {
    pub(crate) fn open(path: &Path, count: usize) -> Result<Self, StoreError> {
        let count = count.max(1);
        let connections = (0..count)
            .map(|_| connect(path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            idle: Arc::new(Mutex::new(connections)),
            permits: tokio::sync::Semaphore::new(count),
        })
    }

    /// Runs a query on a thread that may block.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = self.permits.acquire().await.map_err(unavailable)?;
        let idle = self.idle.clone();
        let work = move || {
            let db = idle
                .lock()
                .pop()
                .ok_or_else(|| unavailable("it is closed"))?;
            let result = query(&db);
            idle.lock().push(db);
            result
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(unavailable)?
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    db.execute_batch(
        "PRAGMA busy_timeout = 5000; PRAGMA cache_size = -2000; PRAGMA query_only = ON;",
    )
    .map_err(unavailable)?;
    Ok(db)
}

/// The first row of a query, read by `take`.
pub(crate) fn first<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn rusqlite::ToSql],
    take: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.query_row(values, take).optional())
        .map_err(unavailable)
}
