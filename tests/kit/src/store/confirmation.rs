//! What was sent has arrived, or was read: noted once, for those it speaks of.

use std::time::Duration;

use bridge_core::{
    clock::{Clock, Timestamp},
    message::{ArrivalId, Content, ConversationId, EntryId, InboxName, PeerId},
    store::{Confirmation, DueKind, EntryAuthor, NewEntry},
};

use super::bench::{Bench, done, inbox, sent, to_contact, to_desk};

pub(super) async fn what_has_arrived_is_confirmed_once(bench: &Bench) {
    let (id, trace) = said_and_sent(bench, "a", "1").await;
    let word = |external_id: &str| Confirmation::Message {
        external_id: external_id.to_owned(),
    };
    let at = bench.clock.now();
    let confirm = async |id, external| {
        let found = bench.store.confirm(id, &word(external), at).await.unwrap();
        found.len()
    };
    assert_eq!(confirm(id, "m-2").await, 0, "nobody's id");
    let (other, _) = said_and_sent(bench, "b", "2").await;
    assert_eq!(confirm(id, "m-1").await, 2);
    assert_eq!(confirm(id, "m-1").await, 0, "said before");
    assert_eq!(confirmed(bench, trace).await, [Some(at), Some(at)]);
    let unsent = bench.store.unsent(other, "m-1", "refused").await.unwrap();
    assert_eq!(unsent.unwrap().confirmed_at, None);
}

pub(super) async fn a_receipt_speaks_for_its_recipient_and_time(bench: &Bench) {
    let up_to = |decided_by: Timestamp| Confirmation::UpTo {
        inbox: InboxName::new("desk"),
        to: PeerId::new("agent_system"),
        decided_by,
        sent_by: decided_by + Duration::from_secs(2),
    };
    let (id, first) = said_and_sent(bench, "a", "1").await;
    let (_, second) = said_and_sent(bench, "a", "2").await;
    let read_at = bench.clock.now();
    bench.clock.advance(Duration::from_secs(9));
    let (_, third) = said_and_sent(bench, "a", "3").await;
    let (other, theirs) = said_and_sent(bench, "b", "4").await;
    let at = bench.clock.now();
    let count = async |id, what| bench.store.confirm(id, &what, at).await.unwrap().len();
    assert_eq!(count(id, up_to(read_at)).await, 2);
    assert_eq!(count(id, up_to(read_at)).await, 0, "said before");
    for trace in [first, second] {
        assert_eq!(
            confirmed(bench, trace).await,
            [Some(at), None],
            "the desk's"
        );
    }
    assert_eq!(confirmed(bench, third).await, [None, None], "sent after");
    assert_eq!(confirmed(bench, theirs).await, [None, None], "another's");
    assert_eq!(count(other, up_to(at)).await, 1);
    assert_eq!(count(id, up_to(at)).await, 1, "the rest");
    assert_eq!(confirmed(bench, third).await, [Some(at), None]);
}

pub(super) async fn what_a_page_has_not_shown_is_not_confirmed(bench: &Bench) {
    let shown = |line: EntryId| Confirmation::Shown {
        inbox: inbox(),
        to: PeerId::new("a"),
        line,
    };
    let (id, first) = said_and_sent(bench, "a", "1").await;
    let (_, second) = said_and_sent(bench, "a", "2").await;
    let lines = bench.store.recent(id, 10, false).await.unwrap();
    let at = bench.clock.now();
    for (line, confirms) in [(lines[0].id, first), (lines[1].id, second)] {
        let found = bench.store.confirm(id, &shown(line), at).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(confirmed(bench, confirms).await, [None, Some(at)]);
    }
}

/// A store may look into what it keeps: whatever characters are in it.
pub(super) async fn a_receipt_does_not_mind_what_was_said(bench: &Bench) {
    for (number, text) in ["nought \0", "\\u0000", "\"\\\u{1}\u{ffff}'"]
        .iter()
        .enumerate()
    {
        let (id, trace) = says(bench, "a", &number.to_string(), text).await;
        let at = bench.clock.now();
        let read = Confirmation::UpTo {
            inbox: InboxName::new("desk"),
            to: PeerId::new("agent_system"),
            decided_by: at,
            sent_by: at,
        };
        let found = bench.store.confirm(id, &read, at).await.unwrap();
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(confirmed(bench, trace).await, [Some(at), None]);
    }
}

/// What `peer` says makes a line and something to be sent to the desk and to themselves; all of it is sent under the
/// platform's id `m-1`, a second later.
async fn said_and_sent(bench: &Bench, peer: &str, id: &str) -> (ConversationId, ArrivalId) {
    says(bench, peer, id, id).await
}

async fn says(bench: &Bench, peer: &str, id: &str, text: &str) -> (ConversationId, ArrivalId) {
    let claim = bench.opened(peer, id).await;
    let (conversation, trace) = (claim.conversation.id, claim.arrivals[0].id);
    let mut changes = done(&claim);
    changes.entries = vec![NewEntry {
        trace,
        author: EntryAuthor::Contact,
        content: Content::text(text),
        at: bench.clock.now(),
    }];
    changes.dispatches = vec![to_desk(&claim, text), to_contact(&claim, text, false)];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(1));
    for due in bench.due(DueKind::Dispatch).await {
        bench.settle(&due, sent()).await;
    }
    (conversation, trace)
}

/// When the dispatches of an arrival were confirmed: at the desk, by the contact.
async fn confirmed(bench: &Bench, trace: ArrivalId) -> Vec<Option<Timestamp>> {
    let traced = bench.store.trace(trace).await.unwrap().unwrap();
    let lines = traced.dispatches.iter();
    lines.map(|line| line.confirmed_at).collect()
}
