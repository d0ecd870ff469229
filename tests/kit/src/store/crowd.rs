//! Everything at once.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bridge_core::store::{DueKind, DueWhat};

use super::bench::{Bench, said, sent, words};

/// Many callers and workers at once, on conversations of their own and shared ones: every arrival is turned once and
/// in order, every dispatch is sent once and in order.
pub(super) async fn many_at_once_lose_nothing(bench: &Bench) {
    const EACH: usize = 30;
    let peers = ["a", "b", "c", "d", "e"];
    let callers = peers.map(|peer| async move {
        for number in 0..EACH {
            let id = format!("{peer}{number:03}");
            // Doubled, as platforms do.
            let once = vec![said(peer, &id, &id)];
            let (one, two) = tokio::join!(bench.accept(once.clone()), bench.accept(once));
            assert_eq!(one.iter().chain(&two).flatten().count(), 1, "{id}");
        }
    });
    let turned = AtomicUsize::new(0);
    let turner = async || {
        while turned.load(Relaxed) < EACH * peers.len() {
            match bench.try_claim().await {
                Some(claim) => {
                    turned.fetch_add(claim.arrivals.len(), Relaxed);
                    bench.echo(claim).await;
                }
                None => tokio::task::yield_now().await,
            }
        }
    };
    let calling = futures_util::future::join_all(callers);
    tokio::join!(calling, turner(), turner());
    let mut heard: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    loop {
        let due = bench.due(DueKind::Dispatch).await;
        if due.is_empty() {
            break;
        }
        for one in due {
            let DueWhat::Dispatch(dispatch) = &one.what else {
                panic!("not a dispatch")
            };
            heard
                .entry(dispatch.to.to_string())
                .or_default()
                .push(words(&one));
            bench.settle(&one, sent()).await;
        }
    }
    for peer in peers {
        let expected: Vec<String> = (0..EACH)
            .map(|number| format!("{peer}{number:03}"))
            .collect();
        assert_eq!(heard.get(peer), Some(&expected), "once and in order");
    }
}
