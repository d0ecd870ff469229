//! SQLite keeps the store's contract, and what it keeps survives.

use std::sync::Arc;

use bridge_core::{
    clock::{SystemClock, TestClock},
    message::{BotName, ConversationId, WorkerId},
    store::{Intake, MemoryStore, Records, Store},
};
use bridge_store_sqlite::{Options, Sqlite};
use bridge_testkit::{
    play::{plays_alike, survives},
    store::{Bench, conforms, said},
};

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let folders = std::sync::Mutex::new(Vec::new());
    conforms(|| {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let store = Sqlite::open(
            &folder.path().join("kefu.db"),
            clock.clone(),
            Options::default(),
        )
        .unwrap();
        folders.lock().unwrap().push(folder);
        Bench { store, clock }
    })
    .await;
}

/// The store in memory and SQLite, move by move.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_plays_as_memory_does() {
    for seed in 0..24 {
        let folder = tempfile::tempdir().unwrap();
        let clocks = [(); 2].map(|()| Arc::new(TestClock::default()));
        let path = folder.path().join("kefu.db");
        let sqlite = Sqlite::open(&path, clocks[1].clone(), Options::default()).unwrap();
        let memory = Bench {
            store: Arc::new(MemoryStore::new(clocks[0].clone())),
            clock: clocks[0].clone(),
        };
        let sqlite = Bench {
            store: sqlite,
            clock: clocks[1].clone(),
        };
        plays_alike(memory, sqlite, seed, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_the_same_after_a_restart() {
    for seed in 100..112 {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::default());
        let path = folder.path().join("kefu.db");
        let open = || Bench {
            store: Sqlite::open(&path, clock.clone(), Options::default()).unwrap(),
            clock: clock.clone(),
        };
        let reopen = async |bench: Bench| {
            drop(bench);
            open()
        };
        survives(open(), seed, 300, reopen).await;
    }
}

fn intake(peer: &str, id: &str) -> Intake {
    Intake {
        arrivals: vec![said(peer, id, "你好")],
        cursor: None,
        entry: BotName::new("ai"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kefu.db");
    let open = || Sqlite::open(&path, Arc::new(SystemClock), Options::default()).unwrap();
    let store = open();
    let id = store.accept(intake("a", "1")).await.unwrap()[0].unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = open();
    assert_eq!(
        store.accept(intake("a", "1")).await.unwrap(),
        [None],
        "repeats are seen across restarts"
    );
    let claim = store
        .claim(&WorkerId::new("w"), std::time::Duration::from_secs(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.arrivals[0].id, id);
    assert!(
        store.accept(intake("a", "2")).await.unwrap()[0].unwrap() > id,
        "numbers go on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_has_one_owner_and_any_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kefu.db");
    let store = Sqlite::open(&path, Arc::new(SystemClock), Options::default()).unwrap();
    store.accept(intake("a", "1")).await.unwrap();
    let second = Sqlite::open(&path, Arc::new(SystemClock), Options::default());
    assert!(second.is_err_and(|error| error.to_string().contains("another kefu-bridge")));
    let reader = Sqlite::read_only(&path, Arc::new(SystemClock)).unwrap();
    assert!(
        reader
            .conversation(ConversationId(1))
            .await
            .unwrap()
            .is_some()
    );
    assert!(reader.accept(intake("b", "2")).await.is_err());
    let copy = folder.path().join("copy");
    reader.backup(&copy).await.unwrap();
    let copy = Sqlite::open(
        &copy.join("kefu.db"),
        Arc::new(SystemClock),
        Options::default(),
    )
    .unwrap();
    assert_eq!(copy.depths().await.unwrap().arrivals, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_commits_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(
        &folder.path().join("kefu.db"),
        Arc::new(SystemClock),
        Options::default(),
    )
    .unwrap();
    let accept = |number: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .accept(intake(&format!("p{}", number % 7), &format!("{number:05}")))
                .await
        })
    };
    let flying: Vec<_> = (0..2000).map(accept).collect();
    let mut ids = std::collections::BTreeSet::new();
    for flight in flying {
        ids.extend(flight.await.unwrap().unwrap());
    }
    assert_eq!(
        (ids.len(), store.depths().await.unwrap().arrivals),
        (2000, 2000)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_never_given_twice_even_after_everything_was_swept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kefu.db");
    let open = || Sqlite::open(&path, Arc::new(SystemClock), Options::default()).unwrap();
    let store = open();
    let id = store.accept(intake("a", "1")).await.unwrap()[0].unwrap();
    let lease = std::time::Duration::from_secs(30);
    let claim = store
        .claim(&WorkerId::new("w"), lease)
        .await
        .unwrap()
        .unwrap();
    let mut changes = bridge_core::store::Changes::none(claim.conversation.clone());
    changes.done = vec![(
        id,
        bridge_core::store::Verdict::Turned {
            by: None,
            note: None,
        },
    )];
    store.commit(claim, changes).await.unwrap();
    let later = bridge_core::clock::Timestamp(i64::MAX);
    while store.sweep(later, later).await.unwrap() > 0 {}
    store.close().await.unwrap();
    drop(store);
    assert!(open().accept(intake("a", "2")).await.unwrap()[0].unwrap() > id);
}
