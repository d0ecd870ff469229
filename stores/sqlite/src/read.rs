//! Reading beside the writer: transcripts, traces, counts. Readers are connections of their own; the write-ahead log
//! lets them see the last commit without waiting for the next.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bridge_core::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{
        Arrival, ArrivalId, Content, ConversationId, DispatchId, EntryId, Handle, InboxName,
        ThreadKey,
    },
    store::{
        Confirmation, Depths, DeskState, DueWhat, Entry, EntryAuthor, Errand, OpenThread, Records,
        StoreError, StoredMedia, Tie, Trace, TraceArrival, TraceDispatch,
    },
};
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use crate::{
    Sqlite, confirm, damaged,
    index::Found,
    kin,
    rows::{DispatchRow, from_json, to_json},
    unavailable,
};

/// Lines looked at when a dispatch is searched by the platform's id.
pub(crate) const LOOK_BACK: usize = 200;
/// Rows removed in one step of a sweep.
const STEP: u32 = 500;

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

    fn close(&self) {
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

/// A conversation and its contact.
pub(crate) fn conversation(
    db: &Connection,
    id: ConversationId,
) -> Result<Option<(Conversation, Contact)>, StoreError> {
    let sql = "SELECT v.body, c.body FROM conversations v JOIN contacts c ON c.id = v.contact WHERE v.id = ?1";
    let bodies = first(db, sql, &[&id.0], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    bodies
        .map(|(conversation, contact)| Ok((from_json(&conversation)?, from_json(&contact)?)))
        .transpose()
}

/// An arrival that waits.
pub(crate) fn arrival(db: &Connection, id: ArrivalId) -> Result<Arrival, StoreError> {
    let sql = "SELECT body FROM arrivals WHERE id = ?1";
    let body = first(db, sql, &[&id.0], |row| row.get::<_, String>(0))?;
    from_json(&body.ok_or_else(|| damaged(format!("arrival {id} is gone")))?)
}

/// A dispatch that waits.
pub(crate) fn dispatch(db: &Connection, id: i64) -> Result<DispatchRow, StoreError> {
    let sql = "SELECT body FROM dispatches WHERE id = ?1";
    let body = first(db, sql, &[&id], |row| row.get::<_, String>(0))?;
    from_json(&body.ok_or_else(|| damaged(format!("dispatch {id} is gone")))?)
}

/// The last lines of a conversation, oldest first, along the chain of its lines.
fn recent(
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
            break;
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

fn trace(db: &Connection, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
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
fn sent_as(
    db: &Connection,
    id: ConversationId,
    external_id: &str,
) -> Result<Option<(ArrivalId, TraceDispatch)>, StoreError> {
    for line in recent(db, id, LOOK_BACK, false)?.iter().rev() {
        let mut found = sent(db, line.trace)?.into_iter();
        let found = found.find(|one| one.external_id.as_deref() == Some(external_id));
        if let Some(found) = found {
            return Ok(Some((line.trace, found)));
        }
    }
    Ok(None)
}

impl Sqlite {
    /// Something due, as workers want it.
    pub(crate) async fn describe(&self, found: Found) -> Result<DueWhat, StoreError> {
        match found {
            Found::Dispatch(id, attempt, row) => {
                let row = match row {
                    Some(row) => *row,
                    None => self.readers.run(move |db| dispatch(db, id)).await?,
                };
                Ok(DueWhat::Dispatch(Box::new(row.dispatch(id, attempt))))
            }
            Found::Errand(id, attempt, row) => {
                let (conversation, contact) = self
                    .conversation(row.conversation)
                    .await?
                    .ok_or_else(|| damaged(format!("conversation {} is gone", row.conversation)))?;
                Ok(DueWhat::Errand(Box::new(Errand {
                    id: bridge_core::message::ErrandId(id),
                    trace: row.trace,
                    conversation,
                    contact,
                    episode: row.episode,
                    bot: row.bot,
                    argv: row.argv,
                    said: row.said,
                    attempt,
                })))
            }
            Found::Deadline(row) => {
                let (conversation, _) = self
                    .conversation(row.conversation)
                    .await?
                    .ok_or_else(|| damaged(format!("conversation {} is gone", row.conversation)))?;
                Ok(DueWhat::Deadline {
                    conversation: row.conversation,
                    thread: conversation.thread,
                    kind: row.kind,
                    episode: row.episode,
                    at: row.at,
                })
            }
        }
    }
}

#[async_trait]
impl Records for Sqlite {
    async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Contact)>, StoreError> {
        if let Some(known) = self.index.lock().cached(id) {
            return Ok(Some(known));
        }
        self.readers.run(move |db| conversation(db, id)).await
    }

    async fn find(&self, thread: &ThreadKey) -> Result<Option<ConversationId>, StoreError> {
        let (inbox, peer) = (thread.inbox.to_string(), thread.peer.to_string());
        let sql = "SELECT t.conversation FROM threads t JOIN inboxes i ON i.id = t.inbox WHERE i.name = ?1 AND t.peer = ?2";
        self.readers
            .run(move |db| {
                first(db, sql, &[&inbox, &peer], |row| {
                    Ok(ConversationId(row.get(0)?))
                })
            })
            .await
    }

    async fn kin(
        &self,
        id: ConversationId,
        tie: Option<&Tie>,
    ) -> Result<Vec<(Conversation, Contact)>, StoreError> {
        let tie = tie.cloned();
        let read = move |db: &Connection| {
            let group = kin::concerned(db, id, tie.as_ref())?;
            let known = group.into_iter().map(|id| conversation(db, id));
            Ok(known
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect())
        };
        self.readers.run(read).await
    }

    async fn known_as(&self, handle: &Handle) -> Result<Vec<ConversationId>, StoreError> {
        let handle = handle.clone();
        self.readers.run(move |db| kin::known_as(db, &handle)).await
    }

    async fn recent(
        &self,
        id: ConversationId,
        limit: usize,
        this_opening: bool,
    ) -> Result<Vec<Entry>, StoreError> {
        self.readers
            .run(move |db| recent(db, id, limit, this_opening))
            .await
    }

    async fn desk(&self) -> Result<DeskState, StoreError> {
        Ok(self.index.lock().people.desk())
    }

    async fn open_threads(&self) -> Result<Vec<OpenThread>, StoreError> {
        Ok(self.index.lock().open_threads())
    }

    async fn trace(&self, id: ArrivalId) -> Result<Option<Trace>, StoreError> {
        self.readers.run(move |db| trace(db, id)).await
    }

    async fn cursor(&self, inbox: &InboxName, topic: &str) -> Result<Option<String>, StoreError> {
        let (inbox, topic) = (inbox.to_string(), topic.to_owned());
        let sql = "SELECT c.cursor FROM cursors c JOIN inboxes i ON i.id = c.inbox WHERE i.name = ?1 AND c.topic = ?2";
        self.readers
            .run(move |db| first(db, sql, &[&inbox, &topic], |row| row.get(0)))
            .await
    }

    async fn media(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        let key = key.to_owned();
        let body = move |db: &Connection| {
            first(
                db,
                "SELECT body FROM media WHERE key = ?1",
                &[&key],
                |row| row.get::<_, String>(0),
            )
        };
        self.readers
            .run(body)
            .await?
            .map(|body| from_json(&body))
            .transpose()
    }

    async fn put_media(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        let (key, body) = (key.to_owned(), to_json(media)?);
        const PUT: &str = "INSERT INTO media (key, body) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body";
        self.writer
            .statements(move |tx| tx.run(PUT, &[&key, &body]).map(drop))
            .await
    }

    async fn put_fact(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.writer
            .statements(move |tx| {
                tx.run(
                    "INSERT INTO facts (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    &[&key, &value],
                )?;
                let kept: Option<String> =
                    tx.one("SELECT value FROM facts WHERE key = ?1", &[&key])?;
                Ok(kept.unwrap_or_default())
            })
            .await
    }

    async fn depths(&self) -> Result<Depths, StoreError> {
        let index = self.index.lock();
        let (dispatches, held) = index.dispatches.count();
        let (queued, assigned) = index.people.counts();
        Ok(Depths {
            arrivals: index.waiting,
            dispatches: dispatches - held,
            held,
            errands: index.errands.count().0,
            queued,
            assigned,
            open: index.open,
        })
    }

    async fn sweep(&self, before: Timestamp, seen_before: Timestamp) -> Result<u64, StoreError> {
        self.writer
            .statements(move |tx| {
                let mut rows = 0;
                for (table, at, limit) in
                    [("turned", "turned_at", before), ("entries", "at", before)]
                {
                    // Oldest rows have the smallest numbers: the sweep walks in from the left edge and stops at once
                    // where nothing is old.
                    let sql = format!(
                        "DELETE FROM {table} WHERE id IN (SELECT id FROM
                         (SELECT id, {at} AS at FROM {table} ORDER BY id LIMIT ?2) WHERE at < ?1)"
                    );
                    rows += tx.run(&sql, &[&limit.0, &STEP])?;
                }
                let sent = "DELETE FROM sent WHERE (trace, id) IN (SELECT trace, id FROM
                    (SELECT trace, id, at FROM sent ORDER BY trace, id LIMIT ?2) WHERE at < ?1)";
                rows += tx.run(sent, &[&before.0, &STEP])?;
                rows += sweep_seen(tx, seen_before)?;
                tx.keep_numbers()?;
                Ok(rows as u64)
            })
            .await
    }

    async fn sent(
        &self,
        id: ConversationId,
        external_id: &str,
    ) -> Result<Option<DispatchId>, StoreError> {
        let external_id = external_id.to_owned();
        self.readers
            .run(move |db| Ok(sent_as(db, id, &external_id)?.map(|(_, found)| found.id)))
            .await
    }

    async fn unsent(
        &self,
        id: ConversationId,
        external_id: &str,
        reason: &str,
    ) -> Result<Option<TraceDispatch>, StoreError> {
        let (external_id, reason) = (external_id.to_owned(), reason.to_owned());
        self.writer
            .statements(move |tx| {
                let found = sent_as(tx.db, id, &external_id)?.map(|(trace, mut line)| {
                    (line.state, line.reason) = ("dead".to_owned(), Some(reason.clone()));
                    (trace, line)
                });
                if let Some((trace, line)) = &found {
                    let update = "UPDATE sent SET body = ?3 WHERE trace = ?1 AND id = ?2";
                    tx.run(update, &[&trace.0, &line.id.0, &to_json(line)?])?;
                }
                Ok(found.map(|(_, line)| line))
            })
            .await
    }

    async fn confirm(
        &self,
        id: ConversationId,
        what: &Confirmation,
        at: Timestamp,
    ) -> Result<Vec<TraceDispatch>, StoreError> {
        let wanted = what.clone();
        let look = move |db: &Connection| Ok(confirm::confirmed(db, id, &wanted)?.is_empty());
        // Most receipts say what is known: they cost no commit.
        if self.readers.run(look).await? {
            return Ok(Vec::new());
        }
        let what = what.clone();
        self.writer
            .statements(move |tx| confirm::confirm(tx, id, &what, at))
            .await
    }

    async fn backup(&self, directory: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.path.clone(), directory.join("kefu.db"));
        let copy = move || {
            if let Some(folder) = to.parent() {
                std::fs::create_dir_all(folder).map_err(unavailable)?;
            }
            if to.exists() {
                return Err(unavailable(format!("{} exists already", to.display())));
            }
            let db = connect(&from)?;
            // Under another name until it is whole: a copy that was cut short must not look like one.
            let unfinished = to.with_extension("db.part");
            let _ = std::fs::remove_file(&unfinished);
            db.execute_batch("PRAGMA query_only = OFF;")
                .map_err(unavailable)?;
            db.execute("VACUUM INTO ?1", [unfinished.to_string_lossy()])
                .map_err(unavailable)?;
            std::fs::File::open(&unfinished)
                .and_then(|file| file.sync_all())
                .map_err(unavailable)?;
            std::fs::rename(&unfinished, &to).map_err(unavailable)
        };
        tokio::task::spawn_blocking(copy)
            .await
            .map_err(unavailable)?
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.writer
            .statements(|tx| {
                let put = "INSERT INTO facts (key, value) VALUES ('ping', '1') ON CONFLICT DO UPDATE SET value = 1 - value";
                tx.run(put, &[]).map(drop)
            })
            .await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.writer.close();
        self.readers.close();
        Ok(())
    }
}

/// Keys begin with the platform's time, so the old ones of an inbox are one range at its left edge.
fn sweep_seen(tx: &mut crate::writer::Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
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
