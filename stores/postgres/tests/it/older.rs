//! A database of an older version: brought up to date by one node, whatever happens to it meanwhile.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use bridge_core::{
    clock::SystemClock,
    message::{BotName, WorkerId},
    store::{Changes, Intake, Store, Verdict},
};
use bridge_store_postgres::Postgres;
use bridge_testkit::store::said;
use futures_util::future::join_all;
use tokio_postgres::Client;

use crate::fresh;

/// The steps, in order.
fn steps() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<(u32, PathBuf)> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (name.split_once('-').unwrap().0.parse().unwrap(), path)
        })
        .collect();
    files.sort();
    let read = |(_, path)| fs::read_to_string(path).unwrap();
    files.into_iter().map(read).collect()
}

/// A schema as that version left it.
async fn as_of(version: usize) -> (String, Client) {
    let url = fresh::schema().await;
    let db = fresh::session(&url).await;
    db.batch_execute(
        "CREATE TABLE kefu_schema (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    )
    .await
    .unwrap();
    for (index, step) in steps().iter().enumerate().take(version) {
        db.batch_execute(step).await.unwrap();
        let note = format!("INSERT INTO kefu_schema (version) VALUES ({})", index + 1);
        db.batch_execute(&note).await.unwrap();
    }
    (url, db)
}

async fn node(url: &str) -> Result<Arc<Postgres>, bridge_core::store::StoreError> {
    Postgres::connect(url, Arc::new(SystemClock), fresh::options()).await
}

/// A message comes in and has its turn.
async fn works(store: &Postgres) {
    let intake = Intake {
        arrivals: vec![said("a", "1", "1")],
        cursor: None,
        entry: BotName::new("ai"),
    };
    store.accept(intake).await.unwrap();
    let claim = store
        .claim(&WorkerId::new("w"), Duration::from_secs(9))
        .await
        .unwrap()
        .unwrap();
    let mut changes = Changes::none(claim.conversation.clone());
    let verdict = Verdict::Turned {
        by: None,
        note: None,
    };
    changes.done.push((claim.arrivals[0].id, verdict));
    store.commit(claim, changes).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_older_version_is_brought_up_to_date_by_one_of_five_nodes() {
    let latest = steps().len();
    for version in 0..latest {
        let (url, db) = as_of(version).await;
        let nodes = join_all((0..5).map(|_| node(&url))).await;
        for store in &nodes {
            store.as_ref().unwrap();
        }
        let rows = db.query("SELECT version FROM kefu_schema", &[]).await;
        assert_eq!(
            rows.unwrap().len(),
            latest,
            "from {version}: each step once"
        );
        works(nodes[0].as_ref().unwrap()).await;
    }
}

/// A backup holds the tables, and the node that migrates is killed: what it had begun is undone, whoever works on the old
/// schema is hardly kept waiting, and the next node carries on.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_while_it_migrates_leaves_the_next_to_do_it() {
    let (url, db) = as_of(3).await;
    let mut backup = fresh::session(&url).await;
    let copying = backup.transaction().await.unwrap();
    let held = "LOCK TABLE dispatches IN ACCESS SHARE MODE";
    copying.batch_execute(held).await.unwrap();
    let first = tokio::spawn({
        let url = url.clone();
        async move { node(&url).await.map(drop) }
    });
    let waiting =
        "SELECT pid FROM pg_locks WHERE relation = 'dispatches'::regclass AND NOT granted";
    let migrating: i32 = loop {
        if let Some(row) = db.query_opt(waiting, &[]).await.unwrap() {
            break row.get(0);
        }
    };
    // Somebody who works on the old schema, behind the one who waits.
    let works_on = "SET statement_timeout = '10s'; SELECT count(*) FROM dispatches";
    db.batch_execute(works_on).await.unwrap();
    let kill = "SELECT pg_terminate_backend($1)";
    db.query_one(kill, &[&migrating]).await.unwrap();
    assert!(first.await.unwrap().is_err());
    let second = tokio::spawn({
        let url = url.clone();
        async move { node(&url).await }
    });
    while db.query_opt(waiting, &[]).await.unwrap().is_none() {}
    copying.rollback().await.unwrap();
    works(&second.await.unwrap().unwrap()).await;
}

/// Two installations may share a database, each in a schema; one that is not there is no store.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_there_is_told() {
    let url = fresh::within(&bridge_testkit::servers::postgres(), "nowhere_at_all");
    let error = node(&url).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("no schema has been selected"), "{error}");
}

/// Who may not make tables is told which right is missing.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named() {
    let url = fresh::schema().await;
    let db = fresh::session(&url).await;
    let role = bridge_testkit::servers::unique("reader").replace('-', "_");
    db.batch_execute(&format!(
        "CREATE ROLE {role} LOGIN; DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {role}', current_schema()); END $$"
    ))
    .await
    .unwrap();
    let theirs = url.replace("://postgres@", &format!("://{role}@"));
    let error = node(&theirs).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("permission denied for schema"), "{error}");
    db.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await
        .unwrap();
}
