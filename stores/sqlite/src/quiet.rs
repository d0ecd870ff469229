//! The database while nobody works on it: opened to be moved into another store. Nothing is written but the mark of the
//! life that ended.

use std::{fs::File, path::Path, sync::Arc};

use async_trait::async_trait;
use bridge_core::{
    clock::Timestamp,
    message::{
        ArrivalId, ConversationId, EntryId, ErrandId, ExternalId, InboxName, PeerId, ThreadKey,
    },
    store::{
        Entry, StoreError,
        moving::{ErrandRow as Question, Key, Numbers, Origin, Row, Table},
    },
};
use parking_lot::Mutex;
use rusqlite::{Connection, ToSql};

use crate::{
    damaged, open,
    rows::{DispatchRow, ErrandRow, from_json},
    schema, unavailable,
};

/// Facts that only this kind of store understands: they stay.
const OWN: &str = "('ping', 'life', 'last_arrival', 'last_dispatch', 'last_errand', 'last_entry')";

/// A database that nobody works on.
pub struct Quiet {
    db: Arc<Mutex<Connection>>,
    /// Held as long as the file is ours.
    _lock: File,
}

impl Quiet {
    /// Opens the database at `path`, and keeps every bridge away from it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where there is none, a bridge has it open, or its schema is not this program's.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(unavailable(format!("there is no {}", path.display())));
        }
        let lock = open::own(path)?;
        let mut db = open::connect(path)?;
        schema::migrate(&mut db, false)?;
        // An older program has left no mark.
        open::mark_life(&db, "DO NOTHING")?;
        Ok(Self {
            db: Arc::new(Mutex::new(db)),
            _lock: lock,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let db = self.db.clone();
        tokio::task::spawn_blocking(move || read(&db.lock()))
            .await
            .map_err(unavailable)?
    }
}

#[async_trait]
impl Origin for Quiet {
    async fn page(&self, table: Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError> {
        let after = after.clone();
        self.read(move |db| page(db, table, &after, limit)).await
    }

    async fn numbers(&self) -> Result<Numbers, StoreError> {
        self.read(|db| {
            let ids = open::last_numbers(db)?;
            Ok(Numbers {
                arrival: ids.arrival,
                conversation: ids.conversation,
                contact: ids.contact,
                dispatch: ids.dispatch,
                errand: ids.errand,
                entry: ids.entry,
            })
        })
        .await
    }

    async fn edition(&self) -> Result<String, StoreError> {
        let sql = "SELECT value FROM facts WHERE key = 'life'";
        self.read(move |db| db.query_row(sql, [], |row| row.get(0)).map_err(unavailable))
            .await
    }
}

/// Tables whose keys begin with an inbox: the columns of a row after the inbox, the first of them its second key.
const fn of_inboxes(table: Table) -> Option<(&'static str, &'static str)> {
    match table {
        Table::Threads => Some(("peer", "peer, conversation, desk")),
        Table::Cursors => Some(("topic", "topic, cursor")),
        Table::Seen => Some(("external_id", "external_id, at")),
        _ => None,
    }
}

fn page(db: &Connection, table: Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError> {
    if let Some((key, columns)) = of_inboxes(table) {
        return inbox_by_inbox(db, table, (key, columns), after, limit);
    }
    let Key(number, second, word, _) = after;
    let (columns, condition, order, values): (_, _, _, Vec<&dyn ToSql>) = match table {
        Table::Facts => {
            let (columns, condition) = ("key, value", format!("key > ?1 AND key NOT IN {OWN}"));
            (columns, condition, "key", vec![word])
        }
        Table::Media => ("key, body", "key > ?1".to_owned(), "key", vec![word]),
        Table::Sent => {
            let condition = "(trace, id) > (?1, ?2)".to_owned();
            ("trace, body", condition, "trace, id", vec![number, second])
        }
        Table::Handles => {
            let condition = "(handle, conversation) > (?1, ?2)".to_owned();
            let order = "handle, conversation";
            (order, condition, order, vec![word, number])
        }
        Table::Kin => {
            let condition = "conversation > ?1".to_owned();
            let columns = "conversation, person, apart";
            (columns, condition, "conversation", vec![number])
        }
        Table::Deadlines => {
            let condition =
                "(conversation, json_extract(kind, '$')) > (?1, ?2) AND conversation >= ?1";
            let order = "conversation, json_extract(kind, '$')";
            let columns = "conversation, kind, at, episode";
            (columns, condition.to_owned(), order, vec![number, word])
        }
        table => (numbered(table), "id > ?1".to_owned(), "id", vec![number]),
    };
    let name = table.name();
    let sql =
        format!("SELECT {columns} FROM {name} WHERE {condition} ORDER BY {order} LIMIT {limit}");
    select(db, &sql, &values, |row| read(table, row))
}

/// The columns of tables whose key is their number.
const fn numbered(table: Table) -> &'static str {
    match table {
        Table::Contacts => "body",
        Table::Conversations => "tail, body",
        Table::Arrivals => "id, conversation, at, body",
        Table::Turned => "id, conversation, at, turned_at, verdict, body",
        Table::Entries => "id, conversation, prev, trace, episode, at, author, body",
        Table::Dispatches => "id, held, due_at, attempts, reason, body",
        Table::Errands => "id, due_at, attempts, body",
        _ => "*",
    }
}

fn read(table: Table, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let conversation = |column| Ok::<_, StoreError>(ConversationId(get(row, column)?));
    let time = |column| Ok::<_, StoreError>(Timestamp(get(row, column)?));
    Ok(match table {
        Table::Facts => Row::Fact {
            key: get(row, 0)?,
            value: get(row, 1)?,
        },
        Table::Media => Row::Media {
            key: get(row, 0)?,
            media: json(row, 1)?,
        },
        Table::Contacts => Row::Contact(json(row, 0)?),
        Table::Conversations => Row::Conversation {
            tail: get(row, 0)?,
            conversation: Box::new(json(row, 1)?),
        },
        Table::Kin => Row::Kin {
            conversation: conversation(0)?,
            person: conversation(1)?,
            apart: get(row, 2)?,
        },
        Table::Handles => Row::Handle {
            handle: get(row, 0)?,
            conversation: conversation(1)?,
        },
        Table::Arrivals => Row::Arrival {
            id: ArrivalId(get(row, 0)?),
            conversation: conversation(1)?,
            at: time(2)?,
            // Failures are counted in memory, from the start on.
            failures: 0,
            arrival: Box::new(json(row, 3)?),
        },
        Table::Turned => Row::Turned {
            id: ArrivalId(get(row, 0)?),
            conversation: conversation(1)?,
            at: time(2)?,
            turned_at: time(3)?,
            verdict: json(row, 4)?,
            arrival: Box::new(json(row, 5)?),
        },
        Table::Entries => Row::Entry {
            conversation: conversation(1)?,
            prev: get(row, 2)?,
            entry: Box::new(Entry {
                id: EntryId(get(row, 0)?),
                trace: ArrivalId(get(row, 3)?),
                episode: get(row, 4)?,
                at: time(5)?,
                author: json(row, 6)?,
                content: json(row, 7)?,
            }),
        },
        Table::Dispatches => {
            let body: DispatchRow = json(row, 5)?;
            Row::Dispatch {
                dispatch: Box::new(body.dispatch(get(row, 0)?, get(row, 3)?)),
                held: get(row, 1)?,
                due_at: time(2)?,
                reason: get(row, 4)?,
            }
        }
        Table::Sent => Row::Sent {
            trace: ArrivalId(get(row, 0)?),
            line: Box::new(json(row, 1)?),
        },
        Table::Errands => Row::Errand(Box::new(question(row)?)),
        Table::Deadlines => Row::Deadline {
            conversation: conversation(0)?,
            kind: json(row, 1)?,
            at: time(2)?,
            episode: get(row, 3)?,
        },
        Table::Threads | Table::Cursors | Table::Seen => {
            return Err(damaged("its rows are read inbox by inbox"));
        }
    })
}

fn question(row: &rusqlite::Row<'_>) -> Result<Question, StoreError> {
    let body: ErrandRow = json(row, 3)?;
    Ok(Question {
        id: ErrandId(get(row, 0)?),
        conversation: body.conversation,
        trace: body.trace,
        episode: body.episode,
        bot: body.bot,
        argv: body.argv,
        said: body.said,
        due_at: Timestamp(get(row, 1)?),
        latest: body.latest,
        // An earlier life may have asked without a note of it: nothing may be added.
        attempts: get::<u32>(row, 2)?.max(1),
    })
}

/// Pages of tables that know inboxes by their small numbers: in the order of the inboxes' names.
fn inbox_by_inbox(
    db: &Connection,
    table: Table,
    (key, columns): (&str, &str),
    after: &Key,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let Key(_, _, first, second) = after;
    let inboxes = "SELECT id, name FROM inboxes WHERE name >= ?1 ORDER BY name";
    let inboxes = select(db, inboxes, &[first], |row| {
        Ok((get::<i64>(row, 0)?, get::<String>(row, 1)?))
    })?;
    let mut rows = Vec::new();
    for (id, name) in inboxes {
        let left = limit - rows.len();
        if left == 0 {
            break;
        }
        let within = name == *first;
        let (condition, values): (_, Vec<&dyn ToSql>) = match within {
            true => (format!("AND {key} > ?2"), vec![&id, second]),
            false => (String::new(), vec![&id]),
        };
        let sql = format!(
            "SELECT {columns} FROM {} WHERE inbox = ?1 {condition} ORDER BY {key} LIMIT {left}",
            table.name()
        );
        let inbox = InboxName::from(name);
        rows.extend(select(db, &sql, &values, |row| {
            of_inbox(table, &inbox, row)
        })?);
    }
    Ok(rows)
}

fn of_inbox(table: Table, inbox: &InboxName, row: &rusqlite::Row<'_>) -> Result<Row, StoreError> {
    let (inbox, word) = (inbox.clone(), get::<String>(row, 0)?);
    Ok(match table {
        Table::Threads => Row::Thread {
            thread: ThreadKey {
                inbox,
                peer: PeerId::from(word),
            },
            conversation: ConversationId(get(row, 1)?),
            desk: get(row, 2)?,
        },
        Table::Cursors => Row::Cursor {
            inbox,
            topic: word,
            cursor: get(row, 1)?,
        },
        _ => Row::Seen {
            inbox,
            external_id: ExternalId::from(word),
            at: Timestamp(get(row, 1)?),
        },
    })
}

fn select<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    mut read: impl FnMut(&rusqlite::Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = statement.query(values).map_err(unavailable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn get<T: rusqlite::types::FromSql>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> Result<T, StoreError> {
    row.get(column).map_err(damaged)
}

fn json<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> Result<T, StoreError> {
    from_json(&get::<String>(row, column)?)
}
