//! Opening: one owner of the file, the schema, the numbers, and the index rebuilt from the hot tables.

use std::{fs::File, path::Path, sync::Arc};

use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::{Contact, Conversation},
    message::{Arrival, ArrivalId, ConversationId, DeadlineKind, InboxName, PeerId, ThreadKey},
    store::StoreError,
};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};

use crate::{
    Sqlite, damaged,
    index::{DeadlineRow, Index},
    keeper::Disk,
    memo::Ids,
    private,
    read::Readers,
    rows::{DispatchRow, ErrandRow, from_json, to_json},
    schema, unavailable,
    writer::Writer,
};

/// How a store is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether the schema is brought to this version.
    pub migrate: bool,
    /// Connections for reading.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            migrate: true,
            readers: 2,
        }
    }
}

impl Sqlite {
    /// Opens (or makes) the database at `path` as its only owner.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where another process owns it or the disk refuses; [`StoreError::OtherVersion`] where its
    /// schema is newer than this program, or older and may not be migrated.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, StoreError> {
        Self::open_on(path, clock, options, |log| log)
    }

    /// The same on a disk of one's own.
    pub(crate) fn open_on<D: Disk>(
        path: &Path,
        clock: Arc<dyn Clock>,
        options: Options,
        disk: impl FnOnce(File) -> D,
    ) -> Result<Arc<Self>, StoreError> {
        let named = |error| unavailable(format!("{}: {error}", path.display()));
        private::folder_of(path).map_err(named)?;
        let lock = own(path)?;
        private::file(path).map_err(named)?;
        let mut db = connect(path)?;
        schema::migrate(&mut db, options.migrate)?;
        mark_life(&db, "DO UPDATE SET value = excluded.value")?;
        let mut index = Index::new(clock.now());
        let ids = load(&db, &mut index)?;
        let index = Arc::new(Mutex::new(index));
        // It is there: the connection has read through it.
        let log = File::open(log_of(path)).map_err(unavailable)?;
        let writer = Writer::start(db, disk(log), index.clone(), ids)?;
        let readers = Readers::open(path, options.readers)?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            clock,
            index,
            writer,
            readers,
            _lock: Some(lock),
        }))
    }

    /// Opens the database beside its owner, for reading only: writes are refused, and what waits is as it was when it
    /// was opened.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where it cannot be read or its schema is not this program's.
    pub fn read_only(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, StoreError> {
        let readers = Readers::open(path, 1)?;
        let mut index = Index::new(clock.now());
        {
            let mut db = crate::read::connect(path)?;
            schema::migrate(&mut db, false)?;
            load(&db, &mut index)?;
        }
        let index = Arc::new(Mutex::new(index));
        Ok(Arc::new(Self {
            path: path.to_owned(),
            clock,
            index,
            writer: Writer::closed(),
            readers,
            _lock: None,
        }))
    }
}

/// Another mark with every life: whoever copies the database sees whether somebody has worked on it since.
pub(crate) fn mark_life(db: &Connection, again: &str) -> Result<(), StoreError> {
    let mark = format!(
        "INSERT INTO facts (key, value) VALUES ('life', lower(hex(randomblob(16)))) ON CONFLICT {again}"
    );
    db.execute(&mark, []).map(drop).map_err(unavailable)
}

/// Takes the file for this process: two writers would each have an index of their own.
pub(crate) fn own(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private::file(Path::new(&name)).map_err(unavailable)?;
    file.try_lock()
        .map_err(|_| unavailable(format!("another kefu-bridge has {} open", path.display())))?;
    Ok(file)
}

/// The write-ahead log of a database.
fn log_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

pub(crate) fn connect(path: &Path) -> Result<Connection, StoreError> {
    // One thread uses it, so SQLite's own locks would only cost.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(unavailable)?;
    db.set_prepared_statement_cache_capacity(64);
    // NORMAL: a checkpoint waits for the disk, a commit does not. That one's log is forced by the keeper, before anybody
    // learns of it: together that is what FULL does, but the next group is written meanwhile.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;
         PRAGMA cache_size = -6000; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = OFF;",
    )
    .map_err(unavailable)?;
    Ok(db)
}

/// Reads the hot tables into the index; the last numbers given out. Never looks at history but for its last number.
pub(crate) fn load(db: &Connection, index: &mut Index) -> Result<Ids, StoreError> {
    each(
        db,
        "SELECT id, conversation, body FROM arrivals ORDER BY id",
        |row| {
            let arrival: Arrival = from_json(&text(row, 2)?)?;
            index.arrived(
                ConversationId(number(row, 1)?),
                ArrivalId(number(row, 0)?),
                arrival,
            );
            Ok(())
        },
    )?;
    each(
        db,
        "SELECT id, held, due_at, attempts, body FROM dispatches ORDER BY id",
        |row| {
            let body: DispatchRow = from_json(&text(row, 4)?)?;
            let (id, held, due_at) = (
                number(row, 0)?,
                number(row, 1)? != 0,
                Timestamp(number(row, 2)?),
            );
            index.dispatch(id, body, due_at, held, attempts(number(row, 3)?));
            Ok(())
        },
    )?;
    each(
        db,
        "SELECT id, due_at, attempts, body FROM errands ORDER BY id",
        |row| {
            let body: ErrandRow = from_json(&text(row, 3)?)?;
            let (id, due_at) = (number(row, 0)?, Timestamp(number(row, 1)?));
            index.errands.push(
                id,
                body.bot.clone().as_str(),
                body.conversation,
                due_at,
                false,
                attempts(number(row, 2)?),
                body,
            );
            // An earlier life may have asked.
            index.errands.change(id, |item| item.fresh = false);
            Ok(())
        },
    )?;
    each(
        db,
        "SELECT conversation, kind, at, episode FROM deadlines",
        |row| {
            let kind: DeadlineKind = from_json(&text(row, 1)?)?;
            let episode = u32::try_from(number(row, 3)?).map_err(damaged)?;
            let conversation = ConversationId(number(row, 0)?);
            index.set_deadline(DeadlineRow {
                conversation,
                kind,
                episode,
                at: Timestamp(number(row, 2)?),
            });
            Ok(())
        },
    )?;
    load_people(db, index)?;
    // Every conversation that is not resolved has an idle deadline.
    let open = format!(
        "SELECT count(*) FROM deadlines WHERE kind = '{}'",
        to_json(&DeadlineKind::Idle)?
    );
    index.open = count(db, &open)?;
    last_numbers(db)
}

/// The last numbers given out.
pub(crate) fn last_numbers(db: &Connection) -> Result<Ids, StoreError> {
    Ok(Ids {
        arrival: last(db, "arrivals")?
            .max(last(db, "turned")?)
            .max(fact_number(db, "last_arrival")?),
        conversation: last(db, "conversations")?,
        contact: last(db, "contacts")?,
        dispatch: fact_number(db, "last_dispatch")?,
        errand: fact_number(db, "last_errand")?,
        entry: last(db, "entries")?.max(fact_number(db, "last_entry")?),
        dispatch_reserved: 0,
        errand_reserved: 0,
    })
}

/// Conversations that wait for an agent or have one, and the desk threads that lead to them.
fn load_people(db: &Connection, index: &mut Index) -> Result<(), StoreError> {
    let conversations = "SELECT v.body, c.body FROM conversations v JOIN contacts c ON c.id = v.contact WHERE v.phase IN (1, 2)";
    each(db, conversations, |row| {
        let conversation: Conversation = from_json(&text(row, 0)?)?;
        let contact: Contact = from_json(&text(row, 1)?)?;
        index.phase(&conversation, contact.dedicated);
        Ok(())
    })?;
    let threads = "SELECT t.conversation, i.name, t.peer FROM conversations v
        JOIN threads t ON t.conversation = v.id AND t.desk = 1 JOIN inboxes i ON i.id = t.inbox WHERE v.phase IN (1, 2)";
    each(db, threads, |row| {
        let thread = ThreadKey {
            inbox: InboxName::from(text(row, 1)?),
            peer: PeerId::from(text(row, 2)?),
        };
        index
            .desk_threads
            .entry(ConversationId(number(row, 0)?))
            .or_default()
            .push(thread);
        Ok(())
    })
}

fn each(
    db: &Connection,
    sql: &str,
    mut take: impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare(sql).map_err(unavailable)?;
    let mut rows = statement.query([]).map_err(unavailable)?;
    while let Some(row) = rows.next().map_err(unavailable)? {
        take(row)?;
    }
    Ok(())
}

fn number(row: &rusqlite::Row<'_>, column: usize) -> Result<i64, StoreError> {
    row.get(column).map_err(damaged)
}

fn text(row: &rusqlite::Row<'_>, column: usize) -> Result<String, StoreError> {
    row.get(column).map_err(damaged)
}

fn attempts(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn last(db: &Connection, table: &str) -> Result<i64, StoreError> {
    // One step down the table's right edge.
    count(db, &format!("SELECT coalesce(max(id), 0) FROM {table}"))
}

fn count<T: TryFrom<i64>>(db: &Connection, sql: &str) -> Result<T, StoreError>
where
    T::Error: std::fmt::Display,
{
    let number: i64 = db
        .query_row(sql, [], |row| row.get(0))
        .map_err(unavailable)?;
    T::try_from(number).map_err(damaged)
}

fn fact_number(db: &Connection, key: &str) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE key = ?1), 0)";
    db.query_row(sql, [key], |row| row.get(0))
        .map_err(unavailable)
}
