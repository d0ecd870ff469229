//! What the hot statements cost depends neither on how much history there is nor on how much waits: no scan of a whole
//! table in their plans, whatever statistics they were made by.

use std::sync::Arc;

use bridge_core::clock::SystemClock;
use bridge_store_postgres::Postgres;
use tokio_postgres::Client;

use crate::fresh;

/// The statements inside the functions, with values as they come.
const HOT: [&str; 10] = [
    "SELECT * FROM ready r WHERE r.until <= 5 ORDER BY r.at, r.conversation + 0 LIMIT 1 FOR UPDATE SKIP LOCKED",
    "SELECT count(*) FROM dispatches d, threads t WHERE t.conversation = 77 AND NOT t.desk
        AND d.lane = t.inbox || E'\\x1f' || t.peer || E'\\x1f' AND d.held",
    "SELECT id FROM arrivals WHERE conversation = 77 ORDER BY id + 0 LIMIT 32",
    "SELECT conversation FROM threads WHERE inbox = 'mall' AND peer = 'p77'",
    "INSERT INTO seen (inbox, external_id, at) VALUES ('mall', 'x', 1) ON CONFLICT DO NOTHING",
    "SELECT inbox FROM dispatches d WHERE d.head AND NOT d.held AND d.inbox > 'm' ORDER BY d.inbox LIMIT 1",
    "SELECT id FROM dispatches d WHERE d.inbox = 'mall' AND d.head AND NOT d.held AND d.due_at <= 5 AND d.until <= 5
        ORDER BY d.due_at, d.id + 0 LIMIT 64 FOR UPDATE SKIP LOCKED",
    "SELECT id FROM dispatches WHERE lane = E'mall\\x1fp77\\x1f' ORDER BY id + 0 LIMIT 1",
    "SELECT count(*) FROM conversations WHERE phase = 2 AND agent = 'lin'",
    "SELECT conversation, kind FROM deadlines WHERE look_at <= 5 AND at <= 5 AND until <= 5 ORDER BY look_at LIMIT 64
        FOR UPDATE SKIP LOCKED",
];

/// Fills what is in work.
async fn fill(db: &Client) {
    db.batch_execute(
        "SELECT setval(id, 30000) FROM unnest(ARRAY['arrival_ids', 'conversation_ids', 'dispatch_ids', 'errand_ids']) AS id;
         INSERT INTO ready (conversation, at, until) SELECT i, i, -9 FROM generate_series(1, 20000) AS i;
         INSERT INTO arrivals (id, conversation, at, body) SELECT i, i, i, '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO dispatches (id, lane, head, held, due_at, trace, body)
            SELECT i, E'mall\\x1fp' || i % 5000 || E'\\x1f', i <= 5000, false, i, i, '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO errands (id, conversation, due_at, latest, trace, episode, bot, argv, said)
            SELECT i, i, i, i, i, 1, 'ai', '[]', '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO deadlines (conversation, kind, at, look_at, episode) SELECT i, 'idle', i, i, 1 FROM generate_series(1, 20000) AS i",
    )
    .await
    .unwrap();
}

/// A message's whole way as each connection rehearses it, and how many blocks of tables and indexes that touched.
async fn blocks(db: &Client) -> i64 {
    const REHEARSAL: &str = include_str!("../../src/rehearsal.sql");
    const TOUCHED: &str = "SELECT sum(pg_stat_get_xact_blocks_fetched(oid))::bigint FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace";
    let (before, way) = REHEARSAL.split_once("BEGIN;").unwrap();
    let way = way.rsplit_once("ROLLBACK;").unwrap().0;
    db.batch_execute(before).await.unwrap();
    db.batch_execute("BEGIN").await.unwrap();
    let told: i64 = db.query_one(TOUCHED, &[]).await.unwrap().get(0);
    db.batch_execute(way).await.unwrap();
    let tells: i64 = db.query_one(TOUCHED, &[]).await.unwrap().get(0);
    db.batch_execute("ROLLBACK").await.unwrap();
    tells - told
}

/// What is in work is mostly empty, and so it was when plans were made.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_made_while_nothing_waited_holds_when_much_does() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options())
        .await
        .unwrap();
    drop(store);
    let (db, other) = (fresh::session(&url).await, fresh::session(&url).await);
    fill(&other).await;
    for table in ["ready", "arrivals", "dispatches", "errands", "deadlines"] {
        // Looked at after a day's work: room for many, and nobody there. Nobody else looks.
        let evening = format!(
            "ALTER TABLE {table} SET (autovacuum_enabled = false, vacuum_truncate = false);
             DELETE FROM {table}"
        );
        other.batch_execute(&evening).await.unwrap();
        let look = format!("VACUUM ANALYZE {table}");
        other.batch_execute(&look).await.unwrap();
    }
    // As connections of the store are told to plan.
    db.batch_execute(
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off;
         SET enable_hashjoin = off; SET enable_mergejoin = off",
    )
    .await
    .unwrap();
    blocks(&db).await;
    fill(&other).await;
    let touched = blocks(&db).await;
    assert!(touched < 1000, "{touched} blocks where 20,000 wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hot_statement_scans_a_table() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options())
        .await
        .unwrap();
    drop(store);
    let db = fresh::session(&url).await;
    fill(&db).await;
    db.batch_execute(
        "INSERT INTO threads SELECT 'mall', 'p' || i, i, false FROM generate_series(1, 20000) AS i;
         INSERT INTO seen SELECT 'mall', 'e' || i, i FROM generate_series(1, 20000) AS i;
         INSERT INTO conversations (id, contact, phase, agent, body)
            SELECT i, i, 3 * (i % 50 > 0)::int, 'lin', '{}' FROM generate_series(1, 20000) AS i;
         ANALYZE ready, arrivals, threads, seen, conversations, dispatches, deadlines",
    )
    .await
    .unwrap();
    for statement in HOT {
        let plan = db
            .query(&format!("EXPLAIN {statement}"), &[])
            .await
            .unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan"), "{statement}\n{plan}");
    }
}
