//! What is kept to be read: transcripts, traces, the desk, cursors, facts, media.

use std::time::Duration;

use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::{Move, Waiting},
    message::{ArrivalId, Content, ConversationId, EntryId},
    store::{CursorMove, DueKind, EntryAuthor, Intake, NewEntry, Part, StoredMedia},
};

use super::bench::{Bench, done, inbox, intake, sent, to_contact};

pub(super) async fn transcripts_traces_and_cursors_are_kept(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let trace = claim.arrivals[0].id;
    let entry = |text: &str| NewEntry {
        trace,
        author: EntryAuthor::Contact,
        content: Content::text(text),
        at: bench.clock.now(),
    };
    let mut changes = done(&claim);
    changes.entries = (0..30).map(|number| entry(&number.to_string())).collect();
    changes.dispatches = vec![to_contact(&claim, "out", false)];
    let id = claim.conversation.id;
    bench.commit(claim, changes).await;
    let lines = bench.store.recent(id, 3, true).await.unwrap();
    assert_eq!(
        lines
            .iter()
            .filter_map(|line| line.content.words())
            .collect::<Vec<_>>(),
        ["27", "28", "29"]
    );
    assert_eq!(bench.store.recent(id, 100, false).await.unwrap().len(), 30);
    parts_of_a_transcript(bench, id).await;
    let due = bench.due(DueKind::Dispatch).await;
    bench.settle(&due[0], sent()).await;
    let found = bench.store.trace(trace).await.unwrap().unwrap();
    assert!(found.arrival.turned.is_some());
    assert_eq!(
        (
            found.dispatches[0].state.as_str(),
            found.dispatches[0].external_id.as_deref()
        ),
        ("sent", Some("m-1"))
    );
    assert!(
        bench
            .store
            .trace(ArrivalId(i64::MAX))
            .await
            .unwrap()
            .is_none()
    );
    let cursor = CursorMove {
        inbox: inbox(),
        topic: "t".to_owned(),
        cursor: "c1".to_owned(),
    };
    bench
        .store
        .accept(Intake {
            cursor: Some(cursor),
            ..intake(Vec::new())
        })
        .await
        .unwrap();
    assert_eq!(
        bench.store.cursor(&inbox(), "t").await.unwrap().as_deref(),
        Some("c1")
    );
    assert_eq!(bench.store.cursor(&inbox(), "u").await.unwrap(), None);
}

/// What somebody missed, and what somebody scrolls up to, of a transcript of thirty lines `0` to `29`.
async fn parts_of_a_transcript(bench: &Bench, id: ConversationId) {
    let all = bench.store.lines(id, Part::Last, 100).await.unwrap();
    let cases = [
        (Part::Last, 2, 28..30),
        (Part::After(all[26].id), 50, 27..30),
        (Part::After(all[3].id), 5, 4..9),
        (Part::After(EntryId(0)), 50, 0..30),
        (Part::After(all[29].id), 50, 30..30),
        (Part::Before(all[29].id), 4, 25..29),
        (Part::Before(all[2].id), 50, 0..2),
        (Part::Before(all[0].id), 50, 0..0),
    ];
    for (part, limit, expected) in cases {
        let lines = bench.store.lines(id, part, limit).await.unwrap();
        assert_eq!(lines, all[expected], "{part:?}, {limit}");
    }
}

pub(super) async fn a_transcript_knows_its_opening(bench: &Bench) {
    let write = async |id: &str, step: Option<Move>, author: EntryAuthor, at: Timestamp| {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        if let Some(step) = step {
            changes.conversation.apply(step, bench.clock.now()).unwrap();
        }
        changes.entries = vec![NewEntry {
            trace: claim.arrivals[0].id,
            author,
            content: Content::text(id),
            at,
        }];
        bench.commit(claim.clone(), changes).await;
        bench.clock.advance(Duration::from_secs(10));
        claim.conversation.id
    };
    let say = async |id: &str, step| write(id, step, EntryAuthor::Contact, bench.clock.now()).await;
    say("1", None).await;
    say("2", Some(Move::Resolve)).await;
    let id = say("3", Some(Move::Reopen)).await;
    let words = async |this_opening| {
        let lines = bench.store.recent(id, 10, this_opening).await.unwrap();
        let words = lines.iter().filter_map(|line| line.content.words());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words(true).await, ["3"]);
    assert_eq!(words(false).await, ["1", "2", "3"]);
    // A note from elsewhere, by a clock that is behind, hides nothing that was said before it.
    let behind = Timestamp(bench.clock.now().0 - 15_000);
    write("4", None, EntryAuthor::Note, behind).await;
    say("5", None).await;
    assert_eq!(words(true).await, ["3", "5"]);
    assert_eq!(words(false).await, ["1", "2", "3", "4", "5"]);
}

pub(super) async fn what_was_sent_is_found_by_its_external_id(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let id = claim.conversation.id;
    let mut changes = done(&claim);
    changes.entries = vec![NewEntry {
        trace: claim.arrivals[0].id,
        author: EntryAuthor::Contact,
        content: Content::text("x"),
        at: bench.clock.now(),
    }];
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    let committed = bench.store.commit(claim, changes).await.unwrap();
    assert_eq!(bench.store.sent(id, "m-1").await.unwrap(), None);
    let due = bench.due(DueKind::Dispatch).await;
    bench.settle(&due[0], sent()).await;
    let found = bench.store.sent(id, "m-1").await.unwrap();
    assert_eq!(found, Some(committed.dispatches[0]));
    assert_eq!(bench.store.sent(id, "m-2").await.unwrap(), None);
}

pub(super) async fn what_did_not_arrive_counts_as_dead(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let (id, trace) = (claim.conversation.id, claim.arrivals[0].id);
    let mut changes = done(&claim);
    changes.entries = vec![NewEntry {
        trace,
        author: EntryAuthor::Contact,
        content: Content::text("x"),
        at: bench.clock.now(),
    }];
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    let unsent = || bench.store.unsent(id, "m-1", "refused");
    assert_eq!(unsent().await.unwrap(), None, "not sent yet");
    let due = bench.due(DueKind::Dispatch).await;
    bench.settle(&due[0], sent()).await;
    for _ in 0..2 {
        let found = unsent().await.unwrap().unwrap();
        assert_eq!(
            (found.content, found.state.as_str()),
            (Content::text("1"), "dead")
        );
    }
    let traced = bench.store.trace(trace).await.unwrap().unwrap();
    assert_eq!(traced.dispatches.len(), 1);
    let dispatch = &traced.dispatches[0];
    assert_eq!(dispatch.state, "dead");
    assert_eq!(dispatch.reason.as_deref(), Some("refused"));
    assert_eq!(dispatch.external_id.as_deref(), Some("m-1"));
    let other = bench.opened("b", "2").await.conversation.id;
    let found = bench.store.unsent(other, "m-1", "refused").await.unwrap();
    assert_eq!(found, None, "each conversation has its own");
}

pub(super) async fn waiting_contacts_are_in_order(bench: &Bench) {
    for (peer, priority) in [("a", 5), ("b", 5), ("c", 9)] {
        bench.clock.advance(Duration::from_secs(1));
        let claim = bench.opened(peer, peer).await;
        let mut changes = done(&claim);
        let waiting = Waiting {
            since: bench.clock.now(),
            priority,
            skill: None,
            agent: None,
        };
        changes
            .conversation
            .apply(Move::Enqueue(waiting), bench.clock.now())
            .unwrap();
        bench.commit(claim, changes).await;
    }
    let waiting = bench.store.desk().await.unwrap().waiting;
    assert_eq!(
        waiting
            .iter()
            .map(|row| row.thread.peer.as_str())
            .collect::<Vec<_>>(),
        ["c", "a", "b"]
    );
}

pub(super) async fn facts_keep_their_first_value(bench: &Bench) {
    assert_eq!(bench.store.put_fact("key", "one").await.unwrap(), "one");
    assert_eq!(bench.store.put_fact("key", "two").await.unwrap(), "one");
}

pub(super) async fn media_are_remembered(bench: &Bench) {
    assert_eq!(bench.store.media("k").await.unwrap(), None);
    for reason in ["404", "410"] {
        let gone = StoredMedia::Gone {
            reason: reason.to_owned(),
        };
        bench.store.put_media("k", &gone).await.unwrap();
        assert_eq!(bench.store.media("k").await.unwrap(), Some(gone));
    }
}
