//! A schema of its own for every store under test.

use std::{sync::Arc, time::Duration};

use bridge_core::clock::TestClock;
use bridge_store_postgres::{Options, Postgres, Time};
use bridge_testkit::{
    servers::{self, unique},
    store::Bench,
};
use tokio_postgres::NoTls;

/// An empty schema; the URL that leads into it.
pub async fn schema() -> String {
    let name = unique("store").replace('-', "_");
    let db = session(&servers::postgres()).await;
    db.batch_execute(&format!("CREATE SCHEMA {name}"))
        .await
        .unwrap();
    within(&servers::postgres(), &name)
}

/// A database of its own, for what concerns a whole one.
pub async fn database() -> String {
    let name = unique("store").replace('-', "_");
    let db = session(&servers::postgres()).await;
    db.batch_execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    name
}

/// The URL of a schema on a server.
pub fn within(server: &str, schema: &str) -> String {
    format!("{server}?options=-csearch_path%3D{schema}")
}

/// A session of the test's own.
pub async fn session(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Few connections: many stores share a server. And patience: so do many tests the machine, and how long a call may take is
/// the matter of those that say so.
pub fn options() -> Options {
    Options {
        connections: 4,
        call: Duration::from_secs(30),
        time: Time::Given,
        ..Options::default()
    }
}

/// An empty store on a test clock.
pub async fn bench() -> Bench {
    let clock = Arc::new(TestClock::default());
    let url = schema().await;
    let store = Postgres::connect(&url, clock.clone(), options()).await;
    Bench {
        store: store.unwrap(),
        clock,
    }
}
