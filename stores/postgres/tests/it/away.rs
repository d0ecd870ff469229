//! PostgreSQL is away: it is said at once, nothing is half done, and it is used again when it is back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bridge_core::{
    clock::SystemClock,
    message::{BotName, WorkerId},
    store::{Intake, Records, Store, StoreError},
};
use bridge_store_postgres::{Options, Postgres};
use bridge_testkit::{
    proxy::{Proxy, authority},
    store::said,
};

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
        call: Duration::from_millis(500),
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
    // It may have been written after all: then it is a repeat, as it would be for a platform that tries again.
    store.accept(intake("2")).await.unwrap();
    let claim = store
        .claim(&WorkerId::new("w"), Duration::from_secs(9))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.arrivals.len(), 2);
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
