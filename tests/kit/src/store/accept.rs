//! What comes in is seen once, and keeps its order.

use bridge_core::message::{Arrival, InboxName};

use super::bench::{Bench, done, said};

pub(super) async fn repeats_are_seen(bench: &Bench) {
    let ids = bench
        .accept(vec![
            said("a", "1", "x"),
            said("a", "1", "x"),
            said("a", "2", "y"),
        ])
        .await;
    assert!(
        ids[0].is_some() && ids[1].is_none() && ids[2].is_some(),
        "within one intake: {ids:?}"
    );
    assert_eq!(
        bench.accept(vec![said("a", "1", "x")]).await,
        [None],
        "in a later one"
    );
    let other = Arrival {
        inbox: InboxName::new("other"),
        ..said("a", "1", "x")
    };
    assert!(
        bench.accept(vec![other]).await[0].is_some(),
        "an id is an inbox's own"
    );
    assert_eq!(bench.store.depths().await.unwrap().arrivals, 3);
}

pub(super) async fn arrivals_keep_their_order(bench: &Bench) {
    for number in 0..40 {
        bench
            .accept(vec![said(
                "a",
                &format!("{number:03}"),
                &format!("{number}"),
            )])
            .await;
    }
    let mut heard = Vec::new();
    while let Some(claim) = bench.try_claim().await {
        heard.extend(claim.arrivals.iter().map(|accepted| accepted.id));
        let more = bench
            .store
            .commit(claim.clone(), done(&claim))
            .await
            .unwrap()
            .more;
        assert_eq!(more, heard.len() < 40);
    }
    assert_eq!(heard.len(), 40);
    assert!(heard.is_sorted());
}
