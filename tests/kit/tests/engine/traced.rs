//! A message's way, with the time of each step.

use std::{sync::Arc, sync::OnceLock, time::Duration};

use bridge_core::{
    chain::Addressed,
    channel::{Ack, Decoded, Delivery, Verb},
    clock::{Clock as _, TestClock},
    store::Records as _,
    testkit,
};

use crate::world::{Platform, Set, World};

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
