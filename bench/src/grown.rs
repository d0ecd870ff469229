//! A store that has grown: history multiplied from one real message, by the million; then the same measures as on an empty
//! one, in the same run.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use bridge_core::{clock::SystemClock, message::ConversationId, store::Records};
use bridge_store_sqlite::Sqlite;
use hdrhistogram::Histogram;

use crate::{
    bridge::{Back, Bridge},
    load, messages, relay, row,
};

/// Contacts that history is spread over.
const CONTACTS: u64 = 100_000;
/// Below this number are real rows.
const REAL: u64 = 1000;

pub async fn measure(
    program: &Path,
    messages: u64,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (empty, full) = (
        folder.path().join("empty.db"),
        folder.path().join("full.db"),
    );
    real(program, &full).await?;
    let began = Instant::now();
    multiply(&full, messages)?;
    let size = std::fs::metadata(&full)?.len() >> 20;
    println!(
        "| {messages} messages of {CONTACTS} contacts were put in: {size} MB, in {:.0} s | | | | | | | |",
        began.elapsed().as_secs_f64()
    );
    last_lines(&full).await?;
    for path in [&empty, &full] {
        relay::measure(program, &Back::File(path), 1, &[(1000, 0)], span).await?;
    }
    println!();
    for (path, name) in [
        (&empty, "empty"),
        (&full, "grown"),
        (&empty, "empty"),
        (&full, "grown"),
    ] {
        accepting(program, path, name, span, bare).await?;
    }
    Ok(())
}

async fn accepting(
    program: &Path,
    path: &Path,
    name: &str,
    span: Duration,
    bare: f64,
) -> anyhow::Result<()> {
    let back = Back::File(path);
    let running = Bridge::start(program, "http://127.0.0.1:9", &back).await?;
    println!(
        "| {name}: ready after {} ms, resident {:.1} MB | | | | | | | |",
        running.ready_ms,
        running.memory()
    );
    let mut made = messages::Made::new(200_000);
    let told = load::closed(&[running.address], &mut made, 128, span).await?;
    row(&format!("{name}: durable accept"), "128", &told, bare);
    // Dropping it is kill -9, with all that waits.
    drop(running);
    let again = Bridge::start(program, "http://127.0.0.1:9", &back).await?;
    println!(
        "| {name}: ready {} ms after kill -9 under that load | | | | | | | |",
        again.ready_ms
    );
    drained(&again).await?;
    let mut made = messages::Made::new(1000 * span.as_secs() + 1000);
    let told = load::open(&[again.address], &mut made, 1000, 64, span).await?;
    row(
        &format!("{name}: durable accept, open loop at 1000/s"),
        "64",
        &told,
        bare,
    );
    Ok(())
}

/// Until nothing waits for its turn.
async fn drained(bridge: &Bridge) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        let ready: serde_json::Value = reqwest::get(format!("http://{}/readyz", bridge.address))
            .await?
            .json()
            .await?;
        if ready["depths"]["arrivals"].as_u64() == Some(0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("what waits did not get less")
}

/// Some real messages, through the real program.
async fn real(program: &Path, path: &Path) -> anyhow::Result<()> {
    let running = Bridge::start(program, "http://127.0.0.1:9", &Back::File(path)).await?;
    let mut made = messages::Made::new(100);
    load::closed(&[running.address], &mut made, 1, Duration::from_secs(5)).await?;
    drained(&running).await
}

/// History of `messages` messages, each row a copy of a real one under a number of its own.
fn multiply(path: &Path, messages: u64) -> anyhow::Result<()> {
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA temp_store = MEMORY;",
    )?;
    let last = REAL + messages;
    let numbers = |from: u64, to: u64| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
        )
    };
    let (contacts, history) = (numbers(REAL, REAL + CONTACTS - 1), numbers(REAL, last - 1));
    let owner = format!("{REAL} + (i - {REAL}) % {CONTACTS}");
    // The conversation's last line: the last number that is its own.
    let tail = format!("i + {CONTACTS} * (({last} - 1 - i) / {CONTACTS})");
    let steps = [
        format!("{contacts} INSERT INTO contacts (id, body) SELECT i, json_set(body, '$.id', i) FROM n, (SELECT body FROM contacts LIMIT 1)"),
        format!("{contacts} INSERT INTO threads (inbox, peer, conversation, desk) SELECT inbox, 'oGrown' || printf('%08d', (i * 7919) % 99999989), i, 0
            FROM n, (SELECT inbox FROM threads WHERE desk = 0 LIMIT 1)"),
        format!("{contacts} INSERT INTO conversations (id, contact, phase, tail, body) SELECT i, i, 3, {tail},
            json_set(body, '$.id', i, '$.contact', i, '$.thread.peer', 'oGrown' || printf('%08d', (i * 7919) % 99999989),
            '$.phase', json('{{\"phase\":\"resolved\",\"since\":1700000000000}}'))
            FROM n, (SELECT body FROM conversations LIMIT 1)"),
        format!("{history} INSERT INTO turned (id, conversation, at, turned_at, verdict, body) SELECT i, {owner}, at, turned_at, verdict, body
            FROM n, (SELECT at, turned_at, verdict, body FROM turned LIMIT 1)"),
        format!("{history} INSERT INTO entries (id, conversation, prev, trace, episode, at, author, body)
            SELECT i, {owner}, CASE WHEN i - {CONTACTS} < {REAL} THEN 0 ELSE i - {CONTACTS} END, i, 1, at, author, body
            FROM n, (SELECT at, author, body FROM entries LIMIT 1)"),
        format!("{history} INSERT INTO sent (trace, id, at, body) SELECT i, i, 1700000000000,
            json_object('id', i, 'inbox', 'mall', 'to', 'oGrown', 'content', json('{{\"kind\":\"text\",\"text\":\"您的订单明天送到，请留意短信。\"}}'),
            'created_at', 1700000000000, 'at', 1700000000000, 'state', 'sent', 'attempts', 1, 'external_id', 'm' || i, 'lost', json('[]')) FROM n"),
        format!("{history} INSERT INTO seen (inbox, external_id, at) SELECT inbox, '17000' || printf('%010d', i) || ':' || i, at
            FROM n, (SELECT inbox, at FROM seen LIMIT 1)"),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ];
    for step in steps {
        db.execute_batch(&step)
            .with_context(|| step.chars().take(160).collect::<String>())?;
    }
    Ok(())
}

/// The last 20 lines of conversations all over the store.
async fn last_lines(path: &Path) -> anyhow::Result<()> {
    let store = Sqlite::read_only(path, Arc::new(SystemClock))?;
    let mut latency = Histogram::<u64>::new(3)?;
    let mut lines = 0;
    for number in 0..20_000_u64 {
        let id = ConversationId((REAL + (number * 7919) % CONTACTS) as i64);
        let began = Instant::now();
        lines += store.recent(id, 20, false).await?.len();
        latency.record(began.elapsed().as_micros() as u64)?;
    }
    let ms = |quantile: f64| latency.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "| the last 20 of a conversation ({:.1} there are) | 1 | | | {:.3} | {:.3} | {:.3} | 0 |",
        lines as f64 / 20_000.0,
        ms(0.5),
        ms(0.99),
        ms(0.999)
    );
    Ok(())
}
