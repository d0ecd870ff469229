//! History by the million in a PostgreSQL database: each row a copy of a real one but for what makes it another.

use std::collections::BTreeMap;

use anyhow::Context;
use tokio_postgres::{Client, NoTls};

use super::{CONTACTS, REAL};

/// Rows written by one statement.
const STEP: u64 = 500_000;

/// History of `messages` messages; how many megabytes the database has then.
pub async fn multiply(url: &str, messages: u64) -> anyhow::Result<u64> {
    let (db, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    db.batch_execute("SET synchronous_commit = off; SET jit = off")
        .await?;
    let last = REAL + messages;
    let peer = "'oGrown' || lpad(((i * 7919) % 99999989)::text, 8, '0')";
    let owner = format!("{REAL} + (i - {REAL}) % {CONTACTS}");
    // The conversation's last line: the last number that is its own.
    let tail = format!("i + {CONTACTS} * (({last} - 1 - i) / {CONTACTS})");
    let prev = format!("CASE WHEN i - {CONTACTS} < {REAL} THEN 0 ELSE i - {CONTACTS} END");
    let conversation = format!(
        "jsonb_set(jsonb_set(body::jsonb, '{{thread,peer}}', to_jsonb({peer})), '{{phase}}',
            '{{\"phase\":\"resolved\",\"since\":1700000000000}}')::text"
    );
    let contacts: [(&str, &[(&str, &str)]); 3] = [
        ("contacts", &[("id", "i")]),
        (
            "threads",
            &[
                ("inbox", "'mall'"),
                ("peer", peer),
                ("conversation", "i"),
                ("desk", "false"),
            ],
        ),
        (
            "conversations",
            &[
                ("id", "i"),
                ("contact", "i"),
                ("phase", "3"),
                ("agent", "NULL"),
                ("tail", &tail),
                ("body", &conversation),
            ],
        ),
    ];
    for (table, other) in contacts {
        copies(&db, table, other, REAL + CONTACTS).await?;
    }
    let seen = "'17000' || lpad(i::text, 10, '0') || ':' || i";
    let history: [(&str, &[(&str, &str)]); 4] = [
        ("turned", &[("id", "i"), ("conversation", &owner)]),
        (
            "entries",
            &[
                ("id", "i"),
                ("conversation", &owner),
                ("prev", &prev),
                ("trace", "i"),
            ],
        ),
        (
            "sent",
            &[("trace", "i"), ("id", "i"), ("external_id", "'m' || i")],
        ),
        ("seen", &[("inbox", "'mall'"), ("external_id", seen)]),
    ];
    for (table, other) in history {
        copies(&db, table, other, last).await?;
    }
    // What comes next is numbered after it.
    let sequences = db
        .query(
            "SELECT sequencename::text FROM pg_sequences WHERE schemaname = current_schema()",
            &[],
        )
        .await?;
    for row in sequences {
        let name: &str = row.try_get(0)?;
        let next = i64::try_from(last + 1)?;
        db.query(
            "SELECT setval(to_regclass($1), greatest(nextval(to_regclass($1)), $2))",
            &[&name, &next],
        )
        .await
        .with_context(|| name.to_owned())?;
    }
    db.batch_execute("VACUUM (ANALYZE)").await?;
    let size = db
        .query_one("SELECT pg_database_size(current_database())", &[])
        .await?;
    Ok(u64::try_from(size.try_get::<_, i64>(0)?)? >> 20)
}

/// Copies of a table's first row, numbered from [`REAL`], with other values in some columns.
async fn copies(db: &Client, table: &str, other: &[(&str, &str)], end: u64) -> anyhow::Result<()> {
    let other: BTreeMap<&str, &str> = other.iter().copied().collect();
    let rows = db
        .query(
            "SELECT column_name::text FROM information_schema.columns
                WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
            &[&table],
        )
        .await?;
    let names: Vec<String> = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let values: Vec<&str> = names
        .iter()
        .map(|name| other.get(name.as_str()).copied().unwrap_or(name))
        .collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let mut from = REAL;
    while from < end {
        let to = (from + STEP).min(end);
        let copy = format!(
            "INSERT INTO {table} ({names}) SELECT {values}
                FROM (SELECT * FROM {table} ORDER BY 1 LIMIT 1) AS one, generate_series({from}::bigint, {to} - 1) AS i"
        );
        db.batch_execute(&copy)
            .await
            .with_context(|| copy.clone())?;
        from = to;
    }
    Ok(())
}
