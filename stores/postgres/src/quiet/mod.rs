//! The database while nobody works on it: opened to be moved into. A lock of the database keeps nodes away ([`Hold`]); a
//! mark among the facts keeps them away from a move that was not finished.

mod form;

use std::time::Duration;

use async_trait::async_trait;
use bridge_core::store::{
    StoreError,
    moving::{Destination, Key, MoveError, Numbers, Origin, Row, Stage, Table},
};
use deadpool_postgres::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_postgres::{Client, error::SqlState, types::ToSql};

use crate::{
    Options,
    link::{Hold, Link, damaged, unavailable},
    rows::{from_json, to_json},
    schema,
};

/// Facts that only this kind of store understands: they stay.
const OWN: &str = "('ping', 'move')";
/// Numbers and what gives them.
const SEQUENCES: [&str; 6] = [
    "arrival_ids",
    "conversation_ids",
    "contact_ids",
    "dispatch_ids",
    "errand_ids",
    "entry_ids",
];
/// How long a killed run's session may take to be noticed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database that nobody works on.
pub struct Quiet {
    client: Mutex<Object>,
}

/// What is kept of a move.
#[derive(Serialize, Deserialize)]
struct Mark {
    edition: String,
    stage: Stage,
}

impl Quiet {
    /// Connects to `postgres://…`, keeps every bridge away from the database and brings its schema to this version.
    ///
    /// # Errors
    /// [`MoveError::Occupied`] where a bridge is connected; else as [`Postgres::connect`](crate::Postgres::connect).
    pub async fn connect(url: &str) -> Result<Self, MoveError> {
        let options = Options {
            connections: 2,
            ..Options::default()
        };
        let link = Link::new(url, options, Hold::None)?;
        let client = link.client().await?;
        take(&client).await?;
        schema::migrate(&link, true).await?;
        Ok(Self {
            client: Mutex::new(client),
        })
    }
}

/// Takes the database from all nodes, for as long as the session lives.
async fn take(client: &Client) -> Result<(), MoveError> {
    let failed = |error: tokio_postgres::Error| MoveError::To(unavailable(&error));
    let patient = format!(
        "SET application_name = 'kefu-bridge store copy'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
         SET lock_timeout = {}",
        PATIENCE.as_millis()
    );
    client.batch_execute(&patient).await.map_err(failed)?;
    let lock = format!("SELECT pg_advisory_lock({})", crate::link::HOLD);
    match client.execute(&lock, &[]).await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            Err(MoveError::Occupied(
                "还有节点或另一次复制连着目标数据库，请先停止 / nodes or another copy are connected to the database to move to: stop them first".to_owned(),
            ))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Whether an unfinished move is in the database: then nobody may work on it.
pub(crate) async fn unfinished(link: &Link) -> Result<bool, StoreError> {
    let sql = "SELECT value FROM facts WHERE key = 'move'";
    let row = link.first(sql, &[]).await?;
    let Some(row) = row else { return Ok(false) };
    let mark: Mark = from_json(row.try_get(0).map_err(damaged)?)?;
    Ok(mark.stage != Stage::Done)
}

#[async_trait]
impl Origin for Quiet {
    async fn page(&self, table: Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError> {
        let Key(number, second, word, word_two) = after;
        let (condition, order, values): (_, _, Vec<&(dyn ToSql + Sync)>) = match table {
            Table::Facts => (
                format!("key COLLATE \"C\" > $1 AND key NOT IN {OWN}"),
                "key COLLATE \"C\"",
                vec![word],
            ),
            Table::Media => (
                "key COLLATE \"C\" > $1".to_owned(),
                "key COLLATE \"C\"",
                vec![word],
            ),
            Table::Cursors => (
                "(inbox COLLATE \"C\", topic COLLATE \"C\") > ($1, $2)".to_owned(),
                "inbox COLLATE \"C\", topic COLLATE \"C\"",
                vec![word, word_two],
            ),
            Table::Threads => (
                "(inbox, peer) > ($1, $2)".to_owned(),
                "inbox, peer",
                vec![word, word_two],
            ),
            Table::Seen => (
                "(inbox, external_id) > ($1, $2)".to_owned(),
                "inbox, external_id",
                vec![word, word_two],
            ),
            Table::Handles => (
                "(handle, conversation) > ($1, $2)".to_owned(),
                "handle, conversation",
                vec![word, number],
            ),
            Table::Kin => ("conversation > $1".to_owned(), "conversation", vec![number]),
            Table::Sent => (
                "(trace, id) > ($1, $2)".to_owned(),
                "trace, id",
                vec![number, second],
            ),
            Table::Deadlines => (
                "conversation >= $1 AND (conversation, btrim(kind, '\"') COLLATE \"C\") > ($1, $2)"
                    .to_owned(),
                "conversation, btrim(kind, '\"') COLLATE \"C\"",
                vec![number, word],
            ),
            _ => ("id > $1".to_owned(), "id", vec![number]),
        };
        let sql = format!(
            "SELECT row_to_json(t)::text FROM (SELECT * FROM {} WHERE {condition} ORDER BY {order} LIMIT {limit}) AS t",
            table.name()
        );
        let client = self.client.lock().await;
        let statement = client.prepare_cached(&sql).await;
        let statement = statement.map_err(|error| unavailable(&error))?;
        let rows = client.query(&statement, &values).await;
        let rows = rows.map_err(|error| unavailable(&error))?;
        rows.iter()
            .map(|row| form::row(table, from_json(row.try_get(0).map_err(damaged)?)?))
            .collect()
    }

    async fn numbers(&self) -> Result<Numbers, StoreError> {
        let client = self.client.lock().await;
        let mut last = [0; 6];
        for (number, sequence) in last.iter_mut().zip(SEQUENCES) {
            let sql =
                format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}");
            let row = client.query_one(&sql, &[]).await;
            let row = row.map_err(|error| unavailable(&error))?;
            *number = row.try_get(0).map_err(damaged)?;
        }
        let [arrival, conversation, contact, dispatch, errand, entry] = last;
        Ok(Numbers {
            arrival,
            conversation,
            contact,
            dispatch,
            errand,
            entry,
        })
    }

    async fn edition(&self) -> Result<String, StoreError> {
        Err(StoreError::Unavailable(
            "PostgreSQL is moved by its own tools: pg_dump and pg_restore".to_owned(),
        ))
    }
}

#[async_trait]
impl Destination for Quiet {
    async fn begin(&self, edition: &str) -> Result<Stage, MoveError> {
        let client = self.client.lock().await;
        let stage = match mark(&client).await? {
            Some(mark) if mark.stage == Stage::Done => {
                return Err(MoveError::Occupied(
                    "目标数据库里已有一次完成的复制 / the database to move to holds a finished copy already".to_owned(),
                ));
            }
            Some(Mark { edition: of, stage }) if of == edition && stage != Stage::Void => stage,
            Some(_) => begin_anew(&client, edition).await?,
            None => {
                refuse_foreign(&client).await?;
                begin_anew(&client, edition).await?
            }
        };
        Ok(stage)
    }

    async fn put(&self, rows: Vec<Row>, reached: &Stage) -> Result<(), StoreError> {
        let Stage::Filling(table, _) = reached else {
            return Err(damaged("a page belongs to a table"));
        };
        let table = table.name();
        let objects: Vec<Value> = rows.iter().map(form::object).collect::<Result<_, _>>()?;
        let Some(columns) = objects.first().and_then(Value::as_object) else {
            return Ok(());
        };
        let columns: Vec<&str> = columns.keys().map(String::as_str).collect();
        let columns = columns.join(", ");
        let insert = format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, $1::text::json)"
        );
        let mut client = self.client.lock().await;
        let written = async {
            let tx = client.transaction().await?;
            let statement = tx.prepare_cached(&insert).await?;
            let objects = Value::Array(objects).to_string();
            tx.execute(&statement, &[&objects]).await?;
            note(&tx, reached).await?;
            tx.commit().await
        };
        written.await.map_err(|error| unavailable(&error))
    }

    async fn complete(&self, numbers: Numbers) -> Result<(), StoreError> {
        let last = [
            numbers.arrival,
            numbers.conversation,
            numbers.contact,
            numbers.dispatch,
            numbers.errand,
            numbers.entry,
        ];
        let mut client = self.client.lock().await;
        let completed = async {
            let tx = client.transaction().await?;
            tx.batch_execute(COMPLETE).await?;
            for (number, sequence) in last.into_iter().zip(SEQUENCES) {
                let set =
                    format!("SELECT setval('{sequence}', greatest($1::bigint, 1), $1::bigint > 0)");
                tx.execute(&set, &[&number]).await?;
            }
            note(&tx, &Stage::Comparing).await?;
            tx.commit().await?;
            // Plans are made by what is there, from the first claim on.
            client.batch_execute("ANALYZE").await
        };
        completed.await.map_err(|error| unavailable(&error))
    }

    async fn note(&self, reached: &Stage) -> Result<(), StoreError> {
        let client = self.client.lock().await;
        let noted = note(&*client, reached).await;
        noted.map_err(|error| unavailable(&error))
    }
}

/// What only this store keeps beside the rows: the first of each lane, and who has arrivals waiting, in their order.
const COMPLETE: &str = "
    UPDATE dispatches SET head = true WHERE id IN (SELECT min(id) FROM dispatches GROUP BY lane);
    INSERT INTO ready (conversation, at) SELECT conversation, min(at) FROM arrivals GROUP BY conversation
        ON CONFLICT DO NOTHING;";

async fn mark(client: &Client) -> Result<Option<Mark>, StoreError> {
    let sql = "SELECT value FROM facts WHERE key = 'move'";
    let row = client.query_opt(sql, &[]).await;
    let row = row.map_err(|error| unavailable(&error))?;
    row.map(|row| from_json(row.try_get(0).map_err(damaged)?))
        .transpose()
}

async fn note(
    client: &impl deadpool_postgres::GenericClient,
    reached: &Stage,
) -> Result<(), tokio_postgres::Error> {
    let sql = "UPDATE facts SET value = jsonb_set(value::jsonb, '{stage}', $1::text::jsonb)::text WHERE key = 'move'";
    let stage = serde_json::to_string(reached).unwrap_or_default();
    client.execute(sql, &[&stage]).await.map(drop)
}

/// Nothing but what an unfinished move has put there is ever thrown away.
async fn refuse_foreign(client: &Client) -> Result<(), MoveError> {
    for table in Table::ALL {
        // A bridge that was tried here has left facts and nothing else: they are worth nothing without the rest.
        if table == Table::Facts {
            continue;
        }
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {})", table.name());
        let row = client.query_one(&sql, &[]).await;
        let row = row.map_err(|error| unavailable(&error))?;
        if row.try_get(0).map_err(damaged)? {
            return Err(MoveError::Occupied(format!(
                "目标数据库不是空的（表 {0}）/ the database to move to is not empty (table {0})",
                table.name()
            )));
        }
    }
    Ok(())
}

async fn begin_anew(client: &Client, edition: &str) -> Result<Stage, MoveError> {
    let stage = Stage::Filling(Table::Facts, Key::default());
    let mark = to_json(&Mark {
        edition: edition.to_owned(),
        stage: stage.clone(),
    })?;
    let tables: Vec<&str> = Table::ALL.into_iter().map(Table::name).collect();
    // In one statement: a run that is killed here leaves the mark of the one before, or this one's.
    let sql = format!(
        "BEGIN; TRUNCATE {}, ready; INSERT INTO facts (key, value) VALUES ('move', {}); COMMIT",
        tables.join(", "),
        quoted(&mark)
    );
    let begun = client.batch_execute(&sql).await;
    begun.map_err(|error| unavailable(&error))?;
    Ok(stage)
}

/// A text as SQL writes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
