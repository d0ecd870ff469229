//! A message's way, with the time of each step.

use std::{
    io,
    ops::ControlFlow,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use bridge_core::{
    bot::Turn,
    chain::{Addressed, ChainError, Ending, Filter},
    channel::{Ack, Decoded, Delivery, Verb},
    clock::{Clock as _, TestClock},
    store::Records as _,
    testkit,
};

use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Platform, Set, World};

/// A third party's guard, which knows nothing of traces.
struct Talks;

#[async_trait]
impl Filter<Turn> for Talks {
    type Out = Turn;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        tracing::info!("the guard looks");
        Ok(ControlFlow::Continue(turn))
    }
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every line of a message's way names it, whoever says it and however little they know of it.
#[tokio::test]
async fn every_line_of_a_messages_way_carries_its_trace() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(log.clone())
        .finish();
    // With one subscriber alone, a line that another test's thread reaches first is remembered as unwanted for all.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    let _here = tracing::subscriber::set_default(lines);
    let world = World::new(Set {
        guards: vec![Arc::new(Talks)],
        ..Set::default()
    });
    world.with_agent("zhou").await;
    world.contact_says("zhou", "还在吗").await;
    world.desk.hears("还在吗").await;
    world.settled().await;
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<serde_json::Value> = lines.collect();
    for what in ["the guard looks", "the platform is asked", "moved"] {
        let mut said = lines
            .iter()
            .filter(|line| line["message"] == what)
            .peekable();
        assert!(said.peek().is_some(), "{what}: {text}");
        for line in said {
            let trace = line["trace"].as_i64().or(line["span"]["trace"].as_i64());
            assert!(trace.is_some_and(|trace| trace > 0), "{line}");
        }
    }
}

/// A callback that takes a quarter of a second to read, and a store that takes its time: neither is told for the other.
#[tokio::test]
async fn reading_a_callback_has_a_time_of_its_own() {
    let clock: Arc<OnceLock<Arc<TestClock>>> = Arc::default();
    let slow = clock.clone();
    let mall = Platform {
        decodes: Some(Box::new(move |delivery| {
            let said = String::from_utf8(delivery.body.to_vec()).unwrap();
            let mut arrival = testkit::arrival(&said);
            arrival.external_id = format!("{}:{said}", delivery.received_at.as_secs()).into();
            arrival.received_at = delivery.received_at;
            if said == "慢" {
                slow.get().unwrap().advance(Duration::from_millis(250));
            }
            Decoded {
                ack: Ack::text("success"),
                arrivals: vec![arrival],
                pull: None,
            }
        })),
        ..Platform::default()
    };
    let world = World::new(Set {
        mall: Some(mall),
        ..Set::default()
    });
    clock.set(world.clock.clone()).unwrap();
    for (words, took) in [("慢", 250), ("快", 0)] {
        let received_at = world.clock.now();
        let delivery = Delivery {
            verb: Verb::Post,
            query: String::new(),
            body: words.into(),
            received_at,
        };
        let inbox = "mall".into();
        let taken = world.engine.take(Addressed { inbox, delivery }).await;
        let id = taken.unwrap().1[0].unwrap();
        let trace = world.store.trace(id).await.unwrap().unwrap().arrival;
        assert_eq!(trace.arrival.received_at, received_at, "{words}");
        assert_eq!(
            trace.decoded_at.since(received_at).as_millis(),
            took,
            "{words}"
        );
        assert!(trace.accepted_at >= trace.decoded_at, "{words}");
    }
    world.settled().await;
}
