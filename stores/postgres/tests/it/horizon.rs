//! Where queues begin: what is dead is not read again and again, and nothing that lives is passed over.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    clock::{Clock, TestClock, Timestamp},
    message::{BotName, Content, WorkerId},
    store::{Changes, Due, DueKind, DueWhat, Intake, NewDispatch, Settlement, Store, Verdict},
};
use bridge_store_postgres::Postgres;
use bridge_testkit::store::said;
use tokio_postgres::Client;

use crate::fresh;

const LEASE: Duration = Duration::from_secs(30);

/// How many entries of the queue's index a look reads that begins there; and how many it finds.
async fn look(db: &mut Client, from: i64) -> (i64, usize) {
    let read = "SELECT pg_stat_get_xact_tuples_returned('dispatches_ready'::regclass)";
    let due =
        "SELECT id FROM kefu_due_dispatches(200000, 64, 1000, '{}', '{mall}', ARRAY[$1::bigint])";
    let tx = db.transaction().await.unwrap();
    // What the transactions before have read may be in it.
    let before: i64 = tx.query_one(read, &[]).await.unwrap().get(0);
    let found = tx.query(due, &[&from]).await.unwrap().len();
    let after: i64 = tx.query_one(read, &[]).await.unwrap().get(0);
    tx.rollback().await.unwrap();
    (after - before, found)
}

/// A backup's snapshot keeps everything that is done meanwhile in the indexes.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_does_not_make_looks_longer() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(TestClock::default()), fresh::options()).await;
    drop(store.unwrap());
    let (mut db, backup) = (fresh::session(&url).await, fresh::session(&url).await);
    let fill = "SET enable_seqscan = off; SET enable_bitmapscan = off;
        INSERT INTO dispatches (id, lane, head, held, due_at, trace, body)
        SELECT i, E'mall\\x1fp' || i || E'\\x1f', true, false, i, i, '{}' FROM generate_series(1, 5000) AS i";
    db.batch_execute(fill).await.unwrap();
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM dispatches";
    backup.batch_execute(snapshot).await.unwrap();
    let done = "DELETE FROM dispatches;
        INSERT INTO dispatches (id, lane, head, held, due_at, trace, body)
        SELECT i, inbox || E'\\x1fp\\x1f', true, false, 100000, i, '{}' FROM (VALUES (6001, 'mall'), (6002, 'new')) AS v(i, inbox)";
    db.batch_execute(done).await.unwrap();
    let (read, found) = look(&mut db, i64::MIN).await;
    assert!(read >= 5000, "without a horizon all of it is read: {read}");
    assert_eq!(found, 2);
    let horizon = "SELECT froms FROM kefu_horizon(200000, 0, '{mall}', '{0}')";
    let froms: Vec<i64> = db.query_one(horizon, &[]).await.unwrap().get(0);
    assert_eq!(froms, [100_000]);
    let (read, found) = look(&mut db, froms[0]).await;
    assert!(read < 50, "{read}");
    assert_eq!(found, 2, "an inbox that is new is found, too");
}

async fn bench() -> (Arc<Postgres>, Arc<TestClock>) {
    let (url, clock) = (fresh::schema().await, Arc::new(TestClock::default()));
    let store = Postgres::connect(&url, clock.clone(), fresh::options()).await;
    (store.unwrap(), clock)
}

/// A message comes in, and so many answers to it are to be sent.
async fn answered(store: &Postgres, peer: &str, count: usize) {
    let intake = Intake {
        arrivals: vec![said(peer, peer, peer)],
        cursor: None,
        entry: BotName::new("ai"),
    };
    store.accept(intake).await.unwrap();
    let claim = store
        .claim(&WorkerId::new("w"), LEASE)
        .await
        .unwrap()
        .unwrap();
    let mut changes = Changes::none(claim.conversation.clone());
    let (accepted, thread) = (&claim.arrivals[0], &claim.conversation.thread);
    let verdict = Verdict::Turned {
        by: None,
        note: None,
    };
    changes.done.push((accepted.id, verdict));
    changes.dispatches = (0..count)
        .map(|number| NewDispatch {
            trace: accepted.id,
            inbox: thread.inbox.clone(),
            to: thread.peer.clone(),
            sender: None,
            content: Content::text(format!("{peer}{number}")),
            held: false,
        })
        .collect();
    store.commit(claim, changes).await.unwrap();
}

async fn due(store: &Postgres) -> Vec<(Due, String)> {
    let worker = WorkerId::new("w");
    let due = store.due(DueKind::Dispatch, &worker, 64, LEASE, &[]).await;
    let words = |due: Due| match &due.what {
        DueWhat::Dispatch(dispatch) => {
            let words = dispatch.content.words().unwrap().to_owned();
            (due, words)
        }
        _ => panic!("not a dispatch"),
    };
    due.unwrap().into_iter().map(words).collect()
}

async fn done(store: &Postgres, due: &Due) {
    let done = Settlement::Done {
        external_id: None,
        lost: Vec::new(),
    };
    store.settle(&due.id, done).await.unwrap();
}

/// What waited behind another for hours is sent when its turn comes; so is what a node with a late clock puts off.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_waits_is_passed_over() {
    let (store, clock) = bench().await;
    answered(&store, "a", 2).await;
    let first = due(&store).await.remove(0);
    let retry = |at: Timestamp| Settlement::Retry {
        at,
        reason: "busy".to_owned(),
        tried: true,
    };
    let hour = Duration::from_secs(3600);
    let later = Timestamp(clock.now().0 + 3_600_000);
    store.settle(&first.0.id, retry(later)).await.unwrap();
    for peer in ["b", "c", "d"] {
        clock.advance(hour / 2);
        answered(&store, peer, 1).await;
        for (one, words) in due(&store).await {
            match words.as_str() {
                "a0" => store.settle(&one.id, retry(Timestamp(0))).await.unwrap(),
                _ => done(&store, &one).await,
            }
        }
    }
    clock.advance(hour);
    let again = due(&store).await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].1, "a0", "a time long past is now");
    done(&store, &again[0].0).await;
    let next = store.next_due(DueKind::Dispatch, &[]).await.unwrap();
    assert!(next.is_some_and(|at| at <= clock.now()));
    assert_eq!(due(&store).await[0].1, "a1", "its turn has come");
}

/// Turns that wait while hours go by are found.
#[tokio::test(flavor = "multi_thread")]
async fn old_turns_are_found() {
    let (store, clock) = bench().await;
    let accept = async |peer: &str| {
        let intake = Intake {
            arrivals: vec![said(peer, peer, peer)],
            cursor: None,
            entry: BotName::new("ai"),
        };
        store.accept(intake).await.unwrap();
    };
    let worker = WorkerId::new("w");
    accept("a").await;
    let lease = Duration::from_secs(50);
    let stalled = store.claim(&worker, lease).await.unwrap().unwrap();
    for peer in ["b", "c"] {
        clock.advance(Duration::from_secs(20));
        accept(peer).await;
        let claim = store.claim(&worker, Duration::from_secs(9000)).await;
        assert!(claim.unwrap().is_some());
    }
    clock.advance(Duration::from_secs(20));
    let again = store.claim(&worker, LEASE).await.unwrap().unwrap();
    assert_eq!(again.conversation.id, stalled.conversation.id);
}
