//! What every broker must do, as far as there are other nodes at all: what one node tells, every other hears, and itself
//! does not. Notices may be lost when something breaks; here nothing does.

use std::{sync::Arc, time::Duration};

use bridge_core::{
    broker::{Broker, Notice},
    message::{ConversationId, ErrandId},
};
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Every notice with a meaning of its own.
const NOTICES: [Notice; 10] = [
    Notice::Arrivals,
    Notice::Dispatches,
    Notice::Errands,
    Notice::Deadlines,
    Notice::Desk,
    Notice::Seats,
    Notice::Cancelled(ErrandId(7)),
    Notice::Changed(ConversationId(9)),
    Notice::Typing(ConversationId(9)),
    Notice::All,
];

/// A notice that is not among them does not compile.
const _: fn(Notice) = |notice| match notice {
    Notice::Arrivals
    | Notice::Dispatches
    | Notice::Errands
    | Notice::Deadlines
    | Notice::Desk
    | Notice::Seats
    | Notice::Cancelled(_)
    | Notice::Changed(_)
    | Notice::Typing(_)
    | Notice::All => {}
};

/// Holds a broker to the contract, as its nodes see it. Each is to be connected.
pub async fn conforms(nodes: &[Arc<dyn Broker>]) {
    for node in nodes {
        assert!(node.health().up, "{:?}", node.health());
    }
    let mut ears: Vec<_> = nodes.iter().map(|node| node.subscribe()).collect();
    if ears.iter().all(Option::is_none) {
        // Alone: telling nobody is all there is to it.
        NOTICES
            .into_iter()
            .for_each(|notice| nodes[0].publish(notice));
        return;
    }
    let mut ears: Vec<Receiver<Notice>> = ears.iter_mut().map(|ear| ear.take().unwrap()).collect();
    others_hear_and_oneself_does_not(nodes, &mut ears).await;
    every_subscriber_hears(nodes).await;
    telling_never_waits(nodes, &mut ears).await;
}

fn changed(number: usize) -> Notice {
    Notice::Changed(ConversationId(1_000_000 + number as i64))
}

/// Waits for a notice; what came before it.
pub async fn heard_until(ear: &mut Receiver<Notice>, wanted: Notice) -> Vec<Notice> {
    let mut before = Vec::new();
    let heard = async {
        loop {
            match ear.recv().await {
                Ok(notice) if notice == wanted => return,
                Ok(notice) => before.push(notice),
                Err(RecvError::Lagged(_)) => before.push(Notice::All),
                Err(RecvError::Closed) => panic!("the broker hung up"),
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(30), heard).await;
    assert!(heard.is_ok(), "{wanted:?} was never heard");
    before
}

async fn others_hear_and_oneself_does_not(
    nodes: &[Arc<dyn Broker>],
    ears: &mut [Receiver<Notice>],
) {
    for (teller, node) in nodes.iter().enumerate() {
        for notice in NOTICES {
            node.publish(notice);
            for (hearer, ear) in ears.iter_mut().enumerate() {
                if hearer != teller {
                    heard_until(ear, notice).await;
                }
            }
        }
        // The next node speaks after it heard the last notice: were a node's own notices to come back to it, they would
        // be before that in its queue.
        let next = (teller + 1) % nodes.len();
        nodes[next].publish(changed(teller));
        let before = heard_until(&mut ears[teller], changed(teller)).await;
        assert_eq!(before, [], "node {teller} hears itself");
        for (hearer, ear) in ears.iter_mut().enumerate() {
            if hearer != teller && hearer != next {
                heard_until(ear, changed(teller)).await;
            }
        }
    }
}

async fn every_subscriber_hears(nodes: &[Arc<dyn Broker>]) {
    let mut ears = [(); 3].map(|()| nodes[1].subscribe().unwrap());
    nodes[0].publish(changed(100));
    for ear in &mut ears {
        heard_until(ear, changed(100)).await;
    }
}

/// A burst of any size returns at once, and afterwards the others know: each notice, or that they missed some.
async fn telling_never_waits(nodes: &[Arc<dyn Broker>], ears: &mut [Receiver<Notice>]) {
    const BURST: usize = 20_000;
    for number in 0..BURST {
        nodes[0].publish(changed(1000 + number));
        nodes[0].publish(Notice::Arrivals);
    }
    let last = Notice::Cancelled(ErrandId(99));
    nodes[0].publish(last);
    let mut missing: std::collections::HashSet<Notice> =
        (0..BURST).map(|number| changed(1000 + number)).collect();
    missing.insert(last);
    let ear = &mut ears[1];
    while !missing.is_empty() {
        let heard = tokio::time::timeout(Duration::from_secs(30), ear.recv()).await;
        match heard.unwrap() {
            Ok(Notice::All) | Err(RecvError::Lagged(_)) => return,
            Ok(notice) => drop(missing.remove(&notice)),
            Err(RecvError::Closed) => panic!("the broker hung up"),
        }
    }
}
