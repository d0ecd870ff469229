//! A store that is moved goes on as if nothing had happened, wherever the move was cut short; and what must not be moved
//! into is left alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use bridge_core::{
    clock::{Clock, SystemClock, TestClock},
    message::BotName,
    store::{
        CursorMove, Intake, Records, Store, StoreError, StoredMedia,
        moving::{
            Destination, Difference, Key, MoveError, Moved, Numbers, Origin, Row, Stage, Table, run,
        },
    },
};
use bridge_store_postgres::{Options, Postgres, Quiet as Server, Time};
use bridge_store_sqlite::{Quiet as File, Sqlite};
use bridge_testkit::{
    play::{goes_on_alike, survives},
    servers::{self, unique},
    store::{Bench, said},
};
use tokio_postgres::NoTls;

/// An empty schema: a session beside it, and the URL that leads into it.
async fn schema() -> (tokio_postgres::Client, String) {
    let name = unique("moving").replace('-', "_");
    let url = format!("{}?options=-csearch_path%3D{name}", servers::postgres());
    let (db, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let create = format!("CREATE SCHEMA {name}");
    db.batch_execute(&create).await.unwrap();
    (db, url)
}

fn options() -> Options {
    Options {
        connections: 3,
        time: Time::Given,
        ..Options::default()
    }
}

async fn moves(path: &Path, url: &str) -> Result<Moved, MoveError> {
    moves_from(&File::open(path).unwrap(), url).await
}

async fn moves_from(from: &File, url: &str) -> Result<Moved, MoveError> {
    run(from, &Server::connect(url).await?, 7, |_| {}).await
}

fn embedded(path: &Path, clock: &Arc<TestClock>) -> Arc<Sqlite> {
    Sqlite::open(path, clock.clone(), bridge_store_sqlite::Options::default()).unwrap()
}

/// A database file with everything in it, left in the middle of things; how it was left.
async fn played(folder: &Path, seed: u64, clock: &Arc<TestClock>) -> PathBuf {
    let path = folder.join("kefu.db");
    let first = Bench {
        store: embedded(&path, clock),
        clock: clock.clone(),
    };
    survives(first, seed, 300, async |bench| {
        bench.store.put_fact("kept", "for ever").await.unwrap();
        let gone = StoredMedia::Gone {
            reason: "已过期".to_owned(),
        };
        bench.store.put_media("mall/图 1", &gone).await.unwrap();
        let pulled = Intake {
            arrivals: Vec::new(),
            cursor: Some(CursorMove {
                inbox: "kf".into(),
                topic: "wk'1\u{1f600}".to_owned(),
                cursor: "c\"9".to_owned(),
            }),
            entry: BotName::new("ai"),
        };
        bench.store.accept(pulled).await.unwrap();
        drop(bench);
        Bench {
            store: embedded(&path, clock),
            clock: clock.clone(),
        }
    })
    .await;
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_in_one_goes_on_in_the_other() {
    for seed in 0..3 {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
        let path = played(folder.path(), seed, &clock).await;
        let (_db, url) = schema().await;
        let moved = moves(&path, &url).await.unwrap();
        assert!(matches!(moved, Moved::Same { .. }), "{moved:?}");
        let (here, there) = (Arc::new(TestClock::new(clock.now())), clock);
        let server = Postgres::connect(&url, there.clone(), options()).await;
        let one = Bench {
            store: embedded(&path, &here),
            clock: here,
        };
        let other = Bench {
            store: server.unwrap(),
            clock: there,
        };
        assert_eq!(
            one.store.depths().await.unwrap().arrivals,
            other.store.depths().await.unwrap().arrivals
        );
        // The same platform ids come again: repeats are seen in both.
        goes_on_alike(one, other, seed + 1000, 300).await;
    }
}

/// A destination whose wire breaks at one operation: before it is done, or after it was and before anybody heard.
struct Dying {
    server: Server,
    left: AtomicUsize,
    after: bool,
}

impl Dying {
    async fn at<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let dies = self.left.fetch_sub(1, Relaxed) == 1;
        let gone = || Err(StoreError::Unavailable("cut".to_owned()));
        match (dies, self.after) {
            (true, false) => gone(),
            (true, true) => {
                work.await?;
                gone()
            }
            (false, _) => work.await,
        }
    }
}

#[async_trait]
impl Origin for Dying {
    async fn page(&self, table: Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError> {
        self.server.page(table, after, limit).await
    }
    async fn numbers(&self) -> Result<Numbers, StoreError> {
        self.server.numbers().await
    }
    async fn edition(&self) -> Result<String, StoreError> {
        self.server.edition().await
    }
}

#[async_trait]
impl Destination for Dying {
    async fn begin(&self, edition: &str) -> Result<Stage, MoveError> {
        self.server.begin(edition).await
    }
    async fn put(&self, rows: Vec<Row>, reached: &Stage) -> Result<(), StoreError> {
        self.at(self.server.put(rows, reached)).await
    }
    async fn complete(&self, numbers: Numbers) -> Result<(), StoreError> {
        self.at(self.server.complete(numbers)).await
    }
    async fn note(&self, reached: &Stage) -> Result<(), StoreError> {
        self.at(self.server.note(reached)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_cut_short_anywhere_carries_on() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    let path = played(folder.path(), 7, &clock).await;
    let (_db, url) = schema().await;
    let origin = File::open(&path).unwrap();
    let (mut runs, mut died) = (0, 0);
    loop {
        // Each run gets a little further than the one before, and dies in another way.
        runs += 1;
        assert!(runs < 500, "it gets nowhere");
        let destination = Dying {
            server: Server::connect(&url).await.unwrap(),
            left: AtomicUsize::new(2),
            after: runs % 2 == 0,
        };
        match run(&origin, &destination, 16, |_| {}).await {
            Ok(moved) => {
                assert!(matches!(moved, Moved::Same { .. }), "{moved:?}");
                break;
            }
            Err(MoveError::To(_)) => died += 1,
            Err(other) => panic!("{other}"),
        }
        drop(destination);
        match Postgres::connect(&url, clock.clone(), options()).await {
            Err(refused) => assert!(refused.to_string().contains("store copy"), "{refused}"),
            // All was done, and nobody heard.
            Ok(node) => {
                node.close().await.unwrap();
                drop(node);
                let again = moves_from(&origin, &url).await.unwrap_err();
                assert!(again.to_string().contains("finished copy"), "{again}");
                break;
            }
        }
    }
    assert!(died > 8, "{died} deaths are too few to mean much");
    Postgres::connect(&url, clock, options()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_meanwhile_is_copied_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    let path = played(folder.path(), 11, &clock).await;
    let (_db, url) = schema().await;
    {
        let destination = Dying {
            server: Server::connect(&url).await.unwrap(),
            left: AtomicUsize::new(9),
            after: true,
        };
        let origin = File::open(&path).unwrap();
        run(&origin, &destination, 16, |_| {}).await.unwrap_err();
    }
    // Somebody served from the old store after all.
    let store = embedded(&path, &clock);
    let intake = Intake {
        arrivals: vec![said("late", "late-1", "我又来了")],
        cursor: None,
        entry: BotName::new("ai"),
    };
    let id = store.accept(intake).await.unwrap()[0].unwrap();
    store.close().await.unwrap();
    drop(store);
    let moved = moves(&path, &url).await.unwrap();
    assert!(matches!(moved, Moved::Same { .. }), "{moved:?}");
    let server = Postgres::connect(&url, clock, options()).await.unwrap();
    assert!(server.trace(id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_differs_is_not_used_and_made_anew() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    let path = played(folder.path(), 13, &clock).await;
    let (db, url) = schema().await;
    {
        // It dies when all is there and compared, and before that is noted.
        let origin = File::open(&path).unwrap();
        let server = Server::connect(&url).await.unwrap();
        let pages = origin.page(Table::Entries, &Key::default(), 9999).await;
        assert!(pages.unwrap().len() > 3, "there is a transcript");
        let destination = Dying {
            server,
            left: AtomicUsize::new(usize::MAX),
            after: false,
        };
        let stage = destination.begin(&origin.edition().await.unwrap()).await;
        assert_eq!(stage.unwrap(), Stage::Filling(Table::Facts, Key::default()));
        for table in Table::ALL {
            let rows = origin.page(table, &Key::default(), 9999).await.unwrap();
            if let Some(key) = rows.last().map(Row::key) {
                let reached = Stage::Filling(table, key);
                destination.put(rows, &reached).await.unwrap();
            }
        }
        let numbers = origin.numbers().await.unwrap();
        destination.complete(numbers).await.unwrap();
    }
    let spoil = "UPDATE entries SET body = replace(body, '1', '2') WHERE id = (SELECT min(id) FROM entries WHERE body LIKE '%1%')";
    assert_eq!(db.execute(spoil, &[]).await.unwrap(), 1);
    let Moved::Differs(difference) = moves(&path, &url).await.unwrap() else {
        panic!("nobody saw it")
    };
    assert!(
        matches!(*difference, Difference::Row(Table::Entries, _)),
        "{difference:?}"
    );
    assert!(
        Postgres::connect(&url, clock.clone(), options())
            .await
            .is_err()
    );
    let moved = moves(&path, &url).await.unwrap();
    assert!(matches!(moved, Moved::Same { .. }), "{moved:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_at_work_is_not_disturbed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    let path = folder.path().join("kefu.db");
    assert!(File::open(&path).is_err(), "there is none");
    let serving = embedded(&path, &clock);
    let refused = File::open(&path).map(drop).unwrap_err();
    assert!(refused.to_string().contains("another kefu-bridge"));
    drop(serving);

    let (_db, url) = schema().await;
    let node = Postgres::connect(&url, Arc::new(SystemClock), Options::default());
    let node = node.await.unwrap();
    let intake = Intake {
        arrivals: vec![said("a", "1", "你好")],
        cursor: None,
        entry: BotName::new("ai"),
    };
    node.accept(intake).await.unwrap();
    let refused = Server::connect(&url).await.map(drop).unwrap_err();
    assert!(matches!(refused, MoveError::Occupied(_)), "{refused}");
    node.close().await.unwrap();
    drop(node);
    let refused = moves(&path, &url).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    let node = Postgres::connect(&url, Arc::new(SystemClock), Options::default());
    assert_eq!(node.await.unwrap().depths().await.unwrap().arrivals, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_copy_is_not_copied_over() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    let path = played(folder.path(), 17, &clock).await;
    let (_db, url) = schema().await;
    moves(&path, &url).await.unwrap();
    let refused = moves(&path, &url).await.unwrap_err();
    assert!(refused.to_string().contains("finished copy"), "{refused}");
}

/// Every table and column there is: whoever adds one teaches both `quiet` modules to move it, and then this test.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_forgotten() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(TestClock::default()));
    drop(embedded(&folder.path().join("kefu.db"), &clock));
    let db = rusqlite::Connection::open(folder.path().join("kefu.db")).unwrap();
    let sql = "SELECT m.name || '(' || group_concat(c.name, ' ') || ')' FROM sqlite_master m, pragma_table_info(m.name) c
        WHERE m.type = 'table' GROUP BY m.name ORDER BY m.name";
    let mut statement = db.prepare(sql).unwrap();
    let tables = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let embedded: Vec<String> = tables.map(Result::unwrap).collect();
    insta::assert_snapshot!("embedded_tables", embedded.join("\n"));

    let (db, url) = schema().await;
    Postgres::connect(&url, clock, options()).await.unwrap();
    let sql = "SELECT table_name || '(' || string_agg(column_name, ' ' ORDER BY ordinal_position) || ')'
        FROM information_schema.columns WHERE table_schema = current_schema() GROUP BY table_name ORDER BY table_name";
    let rows = db.query(sql, &[]).await.unwrap();
    let tables: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    insta::assert_snapshot!("server_tables", tables.join("\n"));
}
