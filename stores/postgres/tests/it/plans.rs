//! What the hot statements cost does not depend on how much history there is: no scan of a whole table in their plans.

use std::sync::Arc;

use bridge_core::clock::SystemClock;
use bridge_store_postgres::Postgres;

use crate::fresh;

/// The statements inside the functions, with values as they come.
const HOT: [&str; 10] = [
    "SELECT * FROM ready r WHERE r.until <= 5 ORDER BY r.at, r.conversation LIMIT 1 FOR UPDATE SKIP LOCKED",
    "SELECT count(*) FROM dispatches d, threads t WHERE t.conversation = 77 AND NOT t.desk
        AND d.lane = t.inbox || E'\\x1f' || t.peer || E'\\x1f' AND d.held",
    "SELECT id FROM arrivals WHERE conversation = 77 ORDER BY id LIMIT 32",
    "SELECT conversation FROM threads WHERE inbox = 'mall' AND peer = 'p77'",
    "INSERT INTO seen (inbox, external_id, at) VALUES ('mall', 'x', 1) ON CONFLICT DO NOTHING",
    "SELECT inbox FROM dispatches d WHERE d.head AND NOT d.held AND d.inbox > 'm' ORDER BY d.inbox LIMIT 1",
    "SELECT id FROM dispatches d WHERE d.inbox = 'mall' AND d.head AND NOT d.held AND d.due_at <= 5 AND d.until <= 5
        ORDER BY d.due_at, d.id LIMIT 64 FOR UPDATE SKIP LOCKED",
    "SELECT id FROM dispatches WHERE lane = E'mall\\x1fp77\\x1f' ORDER BY id LIMIT 1",
    "SELECT count(*) FROM conversations WHERE phase = 2 AND agent = 'lin'",
    "SELECT conversation, kind FROM deadlines WHERE look_at <= 5 AND at <= 5 AND until <= 5 ORDER BY look_at LIMIT 64
        FOR UPDATE SKIP LOCKED",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_hot_statement_scans_a_table() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options())
        .await
        .unwrap();
    drop(store);
    let db = fresh::session(&url).await;
    db.batch_execute(
        "INSERT INTO ready (conversation, at) SELECT i, i FROM generate_series(1, 20000) AS i;
         INSERT INTO arrivals (id, conversation, at, body) SELECT i, i, i, '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO threads SELECT 'mall', 'p' || i, i, false FROM generate_series(1, 20000) AS i;
         INSERT INTO seen SELECT 'mall', 'e' || i, i FROM generate_series(1, 20000) AS i;
         INSERT INTO conversations (id, contact, phase, agent, body)
            SELECT i, i, 3 * (i % 50 > 0)::int, 'lin', '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO dispatches (id, lane, head, held, due_at, trace, body)
            SELECT i, E'mall\\x1fp' || i % 5000 || E'\\x1f', i <= 5000, false, i, i, '{}' FROM generate_series(1, 20000) AS i;
         INSERT INTO deadlines (conversation, kind, at, look_at, episode) SELECT i, 'idle', i, i, 1 FROM generate_series(1, 20000) AS i;
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
