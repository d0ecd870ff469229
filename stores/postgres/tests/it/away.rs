//! PostgreSQL is away: it is said at once, nothing is half done, and it is used again when it is back.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bridge_core::{
    clock::SystemClock,
    message::{ArrivalId, BotName, WorkerId},
    store::{Intake, Records, Store, StoreError},
};
use bridge_store_postgres::{Options, Postgres};
use bridge_testkit::{
    proxy::{Proxy, authority},
    store::said,
};

use futures_util::future::join_all;
use socket2::{Domain, Socket, Type};

use crate::fresh;

fn intake(id: &str) -> Intake {
    Intake {
        arrivals: vec![said("a", id, id)],
        cursor: None,
        entry: BotName::new("ai"),
    }
}

async fn behind_a_wire() -> (Proxy, Arc<Postgres>) {
    let url = fresh::schema().await;
    let proxy = Proxy::before(authority(&url)).await;
    let options = Options {
        call: Duration::from_secs(1),
        ..fresh::options()
    };
    let url = proxy.in_place_of(&url);
    let store = Postgres::connect(&url, Arc::new(SystemClock), options)
        .await
        .unwrap();
    (proxy, store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_is_said_and_mended() {
    let (proxy, store) = behind_a_wire().await;
    store.accept(intake("1")).await.unwrap();
    for number in 0..3 {
        proxy.refuse();
        proxy.connected(0).await;
        let asked = Instant::now();
        let refused = store.accept(intake(&format!("x{number}"))).await;
        assert!(
            matches!(refused, Err(StoreError::Unavailable(_))),
            "{refused:?}"
        );
        assert!(asked.elapsed() < Duration::from_secs(5), "it is said soon");
        assert!(store.ping().await.is_err());
        proxy.resume();
        let again = store.accept(intake(&format!("y{number}"))).await;
        assert!(
            again.unwrap()[0].is_some(),
            "and used again without a restart"
        );
    }
    let claim = store
        .claim(&WorkerId::new("w"), Duration::from_secs(9))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        claim.arrivals.len(),
        4,
        "what was refused is not there by half"
    );
}

/// Until it answers again.
async fn is_back(store: &Postgres) {
    let back = async {
        while store.ping().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let back = tokio::time::timeout(Duration::from_secs(20), back);
    back.await.expect("it is found without a restart");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_an_answer_within_the_time_of_a_call() {
    let (proxy, store) = behind_a_wire().await;
    store.accept(intake("1")).await.unwrap();
    proxy.hold();
    let refused = store.accept(intake("2")).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    proxy.resume();
    is_back(&store).await;
    // It may have been written after all: then it is a repeat, as it would be for a platform that tries again.
    store.accept(intake("2")).await.unwrap();
    let claim = store
        .claim(&WorkerId::new("w"), Duration::from_secs(9))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.arrivals.len(), 2);
}

/// Those who came together with the first wait as long as it does; whoever comes later is told at once.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_waited_for_once() {
    let (proxy, store) = behind_a_wire().await;
    store.accept(intake("1")).await.unwrap();
    proxy.hold();
    let together = (0..700).map(|number| {
        let store = store.clone();
        async move {
            let asked = Instant::now();
            let refused = store.accept(intake(&format!("t{number}"))).await;
            assert!(matches!(refused, Err(StoreError::Unavailable(_))));
            asked.elapsed()
        }
    });
    for waited in join_all(together).await {
        assert!(waited < Duration::from_millis(1900), "{waited:?}");
    }
    let asked = Instant::now();
    for number in 0..200 {
        let refused = store.accept(intake(&format!("l{number}"))).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    }
    let each = asked.elapsed() / 200;
    assert!(each < Duration::from_millis(20), "{each:?}");
    proxy.resume();
    is_back(&store).await;
    assert!(store.accept(intake("2")).await.unwrap()[0].is_some());
}

/// What was written for somebody who was told to try again is not kept from the others until its lease ends.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_holds_what_was_accepted_too_late() {
    const ALL: usize = 1400;
    let url = fresh::schema().await;
    let options = Options {
        call: Duration::from_secs(2),
        ..fresh::options()
    };
    let store = Postgres::connect(&url, Arc::new(SystemClock), options)
        .await
        .unwrap();
    let db = fresh::session(&url).await;
    // Four batches of 256 go at once, and the rest is written when its callers have gone.
    db.batch_execute(
        "CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.2); RETURN NULL; END $$;
         CREATE TRIGGER dozes BEFORE INSERT ON seen FOR EACH STATEMENT EXECUTE FUNCTION doze()",
    )
    .await
    .unwrap();
    let (worker, lease) = (WorkerId::new("w"), Duration::from_secs(600));
    let of = |number: usize| {
        let id = number.to_string();
        let arrivals = vec![said(&id, &id, &id)];
        Intake {
            arrivals,
            ..intake("")
        }
    };
    let asked = Instant::now();
    let taken = join_all((0..ALL).map(|number| store.accept_in_hand(of(number), &worker, lease)));
    let taken = taken.await;
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "nobody waits longer"
    );
    let in_hand = taken.iter().flatten().filter(|(_, claim)| claim.is_some());
    let mut claims = in_hand.count();
    assert!(claims < ALL, "some were too late");
    db.batch_execute("DROP TRIGGER dozes ON seen")
        .await
        .unwrap();
    for again in join_all((0..ALL).map(|number| store.accept(of(number)))).await {
        again.unwrap();
    }
    let all = async {
        while claims < ALL {
            let claim = store.claim(&worker, lease).await.unwrap();
            claims += usize::from(claim.is_some());
        }
    };
    let all = tokio::time::timeout(Duration::from_secs(30), all).await;
    all.expect("each is for somebody to work on");
}

/// A managed database that is full, or was a primary once, makes new sessions read-only; they stay so when it is mended.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_outlived_a_read_only_time_are_replaced() {
    let (server, name) = (bridge_testkit::servers::postgres(), fresh::database().await);
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let db = fresh::session(&server).await;
    let connect = || Postgres::connect(&url, Arc::new(SystemClock), fresh::options());
    drop(connect().await.unwrap());
    let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    db.batch_execute(&set).await.unwrap();
    let options = Options {
        migrate: false,
        ..fresh::options()
    };
    let store = Postgres::connect(&url, Arc::new(SystemClock), options)
        .await
        .unwrap();
    let Err(StoreError::Unavailable(reason)) = store.accept(intake("1")).await else {
        panic!("nothing can be written")
    };
    assert!(reason.contains("read-only"), "{reason}");
    let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
    db.batch_execute(&reset).await.unwrap();
    is_back(&store).await;
    assert!(store.accept(intake("1")).await.unwrap()[0].is_some());
    store.close().await.unwrap();
    drop(store);
    db.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
}

/// A newer version may replace what a prepared statement speaks of, and a pooler may forget it.
#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_not_what_they_were_are_prepared_anew() {
    let url = fresh::schema().await;
    let options = Options {
        connections: 1,
        ..fresh::options()
    };
    let store = Postgres::connect(&url, Arc::new(SystemClock), options)
        .await
        .unwrap();
    store.accept(intake("1")).await.unwrap();
    let trace = store.trace(ArrivalId(1)).await.unwrap().unwrap();
    let db = fresh::session(&url).await;
    db.batch_execute("ALTER TABLE cursors ALTER COLUMN cursor TYPE varchar(99)")
        .await
        .unwrap();
    let inbox = trace.arrival.arrival.inbox;
    store.cursor(&inbox, "t").await.unwrap();
    db.batch_execute("ALTER TABLE cursors ALTER COLUMN cursor TYPE text")
        .await
        .unwrap();
    assert_eq!(store.cursor(&inbox, "t").await.unwrap(), None);
}

/// What is missing to all messages is not the fault of one: nobody gives it up for that.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_is_not_a_messages_fault() {
    let url = fresh::schema().await;
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options())
        .await
        .unwrap();
    let db = fresh::session(&url).await;
    db.batch_execute("ALTER TABLE seen RENAME TO gone")
        .await
        .unwrap();
    let refused = store.accept(intake("1")).await;
    assert!(
        matches!(refused, Err(StoreError::Unavailable(_))),
        "{refused:?}"
    );
    db.batch_execute("ALTER TABLE gone RENAME TO seen")
        .await
        .unwrap();
    assert!(store.accept(intake("1")).await.unwrap()[0].is_some());
}

/// A port that lets nobody in and says nothing, as a machine that is gone.
fn abyss() -> (Socket, Vec<Socket>) {
    let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let (listener, any) = (socket(), SocketAddr::from(([127, 0, 0, 1], 0)));
    listener.bind(&any.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody takes them from its queue: the packets of whoever comes after are dropped.
    let guests = std::iter::repeat_with(|| {
        let guest = socket();
        guest.set_nonblocking(true).unwrap();
        let _ = guest.connect(&address);
        guest
    });
    let guests = guests.take(4).collect();
    (listener, guests)
}

/// The first of several hosts is gone, and nobody says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_host_is_tried_while_there_is_time() {
    let url = fresh::schema().await;
    let (gone, _guests) = abyss();
    let port = gone.local_addr().unwrap().as_socket().unwrap().port();
    let listed = format!("127.0.0.1:{port},{}", authority(&url));
    let url = url.replace(authority(&url), &listed);
    let store = Postgres::connect(&url, Arc::new(SystemClock), fresh::options()).await;
    store.unwrap().ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_url_names_no_password() {
    let options = Options {
        call: Duration::from_millis(300),
        ..fresh::options()
    };
    for url in [
        "postgres://kefu:hush@127.0.0.1:1/db",
        "postgres:/kefu:hush@",
    ] {
        let Err(error) = Postgres::connect(url, Arc::new(SystemClock), options)
            .await
            .map(drop)
        else {
            panic!("nobody listens there")
        };
        assert!(!format!("{error} {error:?}").contains("hush"), "{error}");
    }
}
