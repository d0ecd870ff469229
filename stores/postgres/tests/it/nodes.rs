//! Several nodes on one database.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_core::message::Content;
use bridge_core::{
    clock::{Clock as _, SystemClock, TestClock, Timestamp},
    message::{BotName, WorkerId},
    store::{
        Changes, Claim, Due, DueKind, DueWhat, Intake, NewDispatch, Settlement, Store, StoreError,
        Verdict,
    },
};
use bridge_store_postgres::{Options, Postgres, Time};
use bridge_testkit::store::said;
use futures_util::future::join_all;

use crate::fresh;

const LEASE: Duration = Duration::from_secs(30);

fn intake(peer: &str, id: &str) -> Intake {
    Intake {
        arrivals: vec![said(peer, id, id)],
        cursor: None,
        entry: BotName::new("ai"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_migrates_while_the_others_wait() {
    let url = fresh::schema().await;
    let nodes = (0..8).map(|_| Postgres::connect(&url, Arc::new(SystemClock), fresh::options()));
    for node in join_all(nodes).await {
        node.unwrap();
    }
    let strict = Options {
        migrate: false,
        ..fresh::options()
    };
    let ready = Postgres::connect(&url, Arc::new(SystemClock), strict).await;
    assert!(ready.is_ok(), "nothing is left to do");
    let empty = Postgres::connect(&fresh::schema().await, Arc::new(SystemClock), strict).await;
    let Err(error) = empty else {
        panic!("an empty schema is not a store")
    };
    assert!(error.to_string().contains("kefu-bridge migrate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused() {
    let url = fresh::schema().await;
    let connect = || Postgres::connect(&url, Arc::new(SystemClock), fresh::options());
    drop(connect().await.unwrap());
    let db = fresh::session(&url).await;
    db.batch_execute("INSERT INTO kefu_schema (version) VALUES (99)")
        .await
        .unwrap();
    let Err(StoreError::OtherVersion(reason)) = connect().await.map(drop) else {
        panic!("a newer schema was taken")
    };
    assert!(reason.contains("newer program"), "{reason}");
}

/// Three nodes accept, turn and send at once, each message twice and on two nodes; each is sent once and in order.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_work_and_lose_nothing() {
    const PEERS: usize = 12;
    const EACH: usize = 40;
    let nodes = three_nodes().await;
    let (turned, sent, heard) = (
        &AtomicUsize::new(0),
        &AtomicUsize::new(0),
        &Heard::default(),
    );
    let all = PEERS * EACH;
    let callers = (0..PEERS).map(|peer| {
        let nodes = &nodes;
        async move {
            for number in 0..EACH {
                let (peer, id) = (format!("p{peer}"), format!("{peer}/{number:03}"));
                let (one, two) = tokio::join!(
                    nodes[number % 3].accept(intake(&peer, &id)),
                    nodes[(number + 1) % 3].accept(intake(&peer, &id))
                );
                let taken = [one.unwrap(), two.unwrap()].concat();
                assert_eq!(taken.iter().flatten().count(), 1, "{id}");
            }
        }
    });
    let turners = nodes.iter().flat_map(|node| [node, node]);
    let turners = turners.map(|node| async move {
        while turned.load(Relaxed) < all {
            let Some(claim) = node.claim(&WorkerId::new("w"), LEASE).await.unwrap() else {
                tokio::task::yield_now().await;
                continue;
            };
            let (changes, count) = (answered(&claim), claim.arrivals.len());
            node.commit(claim, changes).await.unwrap();
            turned.fetch_add(count, Relaxed);
        }
    });
    let senders = nodes.iter().map(|node| async move {
        while sent.load(Relaxed) < all {
            let worker = WorkerId::new("w");
            let due = node.due(DueKind::Dispatch, &worker, 16, LEASE, &[]).await;
            deliver(node, due.unwrap(), heard, sent).await;
            tokio::task::yield_now().await;
        }
    });
    tokio::join!(join_all(callers), join_all(turners), join_all(senders));
    each_was_heard_once_and_in_order(heard, PEERS, EACH);
}

/// Three nodes that go on with what they accept and commit, as far as they are given it, and all on the same contacts: each
/// message is answered once and in order.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_go_on_in_their_own_hands() {
    const PEERS: usize = 6;
    const EACH: usize = 40;
    let nodes = three_nodes().await;
    let heard = Heard::default();
    let sent = AtomicUsize::new(0);
    let all = PEERS * EACH;
    let callers = (0..PEERS).map(|peer| {
        let (nodes, heard, sent) = (&nodes, &heard, &sent);
        async move {
            for number in 0..EACH {
                let node = &nodes[number % 3];
                let intake = intake(&format!("p{peer}"), &format!("{peer}/{number:03}"));
                let worker = WorkerId::new("w");
                let accepted = node.accept_in_hand(intake, &worker, LEASE).await;
                if let (_, Some(claim)) = accepted.unwrap() {
                    go_on(node, claim, heard, sent).await;
                }
            }
        }
    });
    let others = nodes.iter().map(|node| {
        let (heard, sent) = (&heard, &sent);
        async move {
            let worker = WorkerId::new("w");
            while sent.load(Relaxed) < all {
                if let Some(claim) = node.claim(&worker, LEASE).await.unwrap() {
                    go_on(node, claim, heard, sent).await;
                }
                let due = node.due(DueKind::Dispatch, &worker, 16, LEASE, &[]).await;
                deliver(node, due.unwrap(), heard, sent).await;
                tokio::task::yield_now().await;
            }
        }
    });
    tokio::join!(join_all(callers), join_all(others));
    each_was_heard_once_and_in_order(&heard, PEERS, EACH);
}

type Heard = parking_lot::Mutex<BTreeMap<String, Vec<String>>>;

async fn three_nodes() -> [Arc<Postgres>; 3] {
    let url = fresh::schema().await;
    let options = Options {
        time: Time::Database,
        ..fresh::options()
    };
    let node = async || {
        let node = Postgres::connect(&url, Arc::new(SystemClock), options);
        node.await.unwrap()
    };
    [node().await, node().await, node().await]
}

/// Each arrival has its turn and is answered by its own id.
fn answered(claim: &Claim) -> Changes {
    let mut changes = Changes::none(claim.conversation.clone());
    let thread = &claim.conversation.thread;
    for accepted in &claim.arrivals {
        let verdict = Verdict::Turned {
            by: None,
            note: None,
        };
        changes.done.push((accepted.id, verdict));
        changes.dispatches.push(NewDispatch {
            trace: accepted.id,
            inbox: thread.inbox.clone(),
            to: thread.peer.clone(),
            sender: None,
            content: Content::text(accepted.arrival.external_id.as_str()),
            held: false,
        });
    }
    changes
}

fn each_was_heard_once_and_in_order(heard: &Heard, peers: usize, each: usize) {
    let heard = heard.lock();
    assert_eq!(heard.len(), peers);
    for (peer, words) in heard.iter() {
        assert_eq!(words.len(), each, "{peer}: each once");
        assert!(words.is_sorted(), "{peer}: in order: {words:?}");
    }
}

/// Turns a claim, and sends what is handed over.
async fn go_on(node: &Postgres, claim: Claim, heard: &Heard, sent: &AtomicUsize) {
    let (changes, worker) = (answered(&claim), WorkerId::new("w"));
    let committed = node.commit_and_take(claim, changes, &worker, LEASE).await;
    let (_, taken) = committed.unwrap();
    deliver(node, taken, heard, sent).await;
}

async fn deliver(node: &Postgres, due: Vec<Due>, heard: &Heard, sent: &AtomicUsize) {
    for due in due {
        let DueWhat::Dispatch(dispatch) = &due.what else {
            panic!("not a dispatch")
        };
        let words = dispatch.content.words().unwrap().to_owned();
        heard
            .lock()
            .entry(dispatch.to.to_string())
            .or_default()
            .push(words);
        let done = Settlement::Done {
            external_id: None,
            lost: Vec::new(),
        };
        node.settle_and_tell(&due.id, done).await.unwrap();
        sent.fetch_add(1, Relaxed);
    }
}

/// Clocks of nodes need not agree: the database's decides which lease is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_ahead_takes_nothing_early() {
    let url = fresh::schema().await;
    let options = Options {
        time: Time::Database,
        ..fresh::options()
    };
    let ahead = Arc::new(TestClock::default());
    ahead.advance(Duration::from_secs(3_000_000_000));
    let right = Postgres::connect(&url, Arc::new(SystemClock), options)
        .await
        .unwrap();
    let wrong = Postgres::connect(&url, ahead, options).await.unwrap();
    right.accept(intake("a", "1")).await.unwrap();
    let claim = right.claim(&WorkerId::new("r"), LEASE).await.unwrap();
    assert!(claim.is_some());
    assert!(
        wrong
            .claim(&WorkerId::new("w"), LEASE)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_intake_harms_no_other() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options())
        .await
        .unwrap();
    let good = (0..50).map(|number| store.accept(intake("a", &format!("{number:02}"))));
    // PostgreSQL's text knows no NUL.
    let (good, bad) = tokio::join!(join_all(good), store.accept(intake("a", "b\0d")));
    assert!(bad.is_err());
    for one in good {
        assert!(one.unwrap()[0].is_some());
    }
}

/// A node whose clock is half a minute ahead or behind puts off what it means to put off, and no longer: a try, a question.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_off_sets_times_that_are_right() {
    let options = Options {
        time: Time::Database,
        ..fresh::options()
    };
    let (minute, half) = (Duration::from_secs(60), Duration::from_secs(30));
    let right = SystemClock.now();
    for wrong in [right + half, Timestamp(right.0 - 30_000)] {
        let clock = Arc::new(TestClock::default());
        clock.set(wrong);
        let url = fresh::schema().await;
        let node = Postgres::connect(&url, clock.clone(), options).await;
        let (node, worker) = (node.unwrap(), WorkerId::new("w"));
        node.accept(intake("a", "1")).await.unwrap();
        let claim = node.claim(&worker, LEASE).await.unwrap().unwrap();
        let changes = answered(&claim);
        node.commit(claim, changes).await.unwrap();
        let again = async |after: Duration| {
            let due = node.due(DueKind::Dispatch, &worker, 9, LEASE, &[]).await;
            let due = due.unwrap().pop().expect("it is due");
            let retry = Settlement::Retry {
                at: clock.now() + after,
                reason: "not now".to_owned(),
                tried: true,
            };
            node.settle(&due.id, retry).await.unwrap();
            node.next_due(DueKind::Dispatch, &[])
                .await
                .unwrap()
                .unwrap()
        };
        let at = again(Duration::ZERO).await;
        assert!(
            at.since(clock.now()) < Duration::from_secs(1),
            "{wrong}: {at}"
        );
        // A minute by its own clock is one by everybody's.
        let at = again(minute).await;
        assert!(
            at.since(clock.now()) > half + Duration::from_secs(20),
            "{wrong}: {at}"
        );
        let due = node.due(DueKind::Dispatch, &worker, 9, LEASE, &[]).await;
        assert!(due.unwrap().is_empty(), "{wrong}: early");
    }
}

/// What a connection rehearses is refused by nobody, and leaves nothing; not even while others work.
#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_leaves_nothing() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options());
    let store = store.await.unwrap();
    store.accept(intake("a", "1")).await.unwrap();
    let db = fresh::session(&url).await;
    db.batch_execute(include_str!("../../src/rehearsal.sql"))
        .await
        .unwrap();
    store.warm().await;
    for (table, rows) in [("seen", 1), ("arrivals", 1), ("dispatches", 0), ("sent", 0)] {
        let count = format!("SELECT count(*) FROM {table}");
        let count: i64 = db.query_one(&count, &[]).await.unwrap().get(0);
        assert_eq!(count, rows, "{table}");
    }
    let claim = store.claim(&WorkerId::new("w"), LEASE).await.unwrap();
    assert!(claim.unwrap().alone);
}
