//! Who is whom: ties by handle and by word, and their undoing.

use bridge_core::{
    clock::Clock,
    conversation::Move,
    message::{AgentName, Content, ConversationId, Handle},
    store::{Changes, Claim, DueKind, EntryAuthor, NewEntry, Noted, StoreError, Tie, Tied},
};

use super::bench::{Bench, done, to_contact};

impl Bench {
    /// A claim's changes with a tie as things are, and a note for everybody it concerns.
    async fn tying(&self, claim: &Claim, tie: Tie, words: &str) -> Changes {
        let id = claim.conversation.id;
        let seen = self.kin(id, Some(&tie)).await;
        let entry = NewEntry {
            trace: claim.arrivals[0].id,
            author: EntryAuthor::Note,
            content: Content::text(words),
            at: self.clock.now(),
        };
        let mut changes = done(claim);
        changes.entries.push(entry.clone());
        let others = seen.iter().filter(|other| **other != id);
        let notes = others
            .map(|other| Noted {
                conversation: *other,
                episode: 1,
                entry: entry.clone(),
            })
            .collect();
        changes.tie = Some(Tied { tie, seen, notes });
        changes
    }

    /// Somebody says something, and their turn says who they are.
    async fn tie(&self, peer: &str, id: &str, tie: Tie) -> ConversationId {
        let claim = self.opened(peer, id).await;
        let changes = self.tying(&claim, tie, id).await;
        let conversation = claim.conversation.id;
        self.commit(claim, changes).await;
        conversation
    }

    async fn kin(&self, id: ConversationId, tie: Option<&Tie>) -> Vec<ConversationId> {
        let kin = self.store.kin(id, tie).await.unwrap();
        kin.iter().map(|(one, _)| one.id).collect()
    }

    async fn notes(&self, id: ConversationId) -> Vec<String> {
        let lines = self.store.recent(id, 20, false).await.unwrap();
        let words = lines.iter().filter_map(|line| line.content.words());
        words.map(str::to_owned).collect()
    }
}

fn union(id: &str) -> Handle {
    Handle::union_id(id).unwrap()
}

pub(super) async fn who_is_known_by_one_handle_is_one_person(bench: &Bench) {
    let known = |id: &str| Tie::Known(vec![union(id)]);
    let a = bench.tie("a", "1", known("u1")).await;
    let b = bench.tie("b", "2", known("u2")).await;
    assert_eq!(bench.kin(a, None).await, [a], "nobody else is known by it");
    let c = bench.tie("c", "3", known("u1")).await;
    assert_eq!(bench.kin(a, None).await, [a, c]);
    assert_eq!(bench.kin(c, None).await, [a, c]);
    assert_eq!(bench.store.known_as(&union("u1")).await.unwrap(), [a, c]);
    // The third knows both: all of them are one.
    let both = Tie::Known(vec![union("u1"), union("u2")]);
    let d = bench.tie("d", "4", both).await;
    for one in [a, b, c, d] {
        assert_eq!(bench.kin(one, None).await, [a, b, c, d]);
    }
    assert_eq!(
        bench.notes(a).await,
        ["1", "3", "4"],
        "told in every transcript"
    );
    assert_eq!(bench.notes(c).await, ["3", "4"]);
    // A line of their own goes on behind a line that another's turn wrote.
    let again = bench.opened("a", "5").await;
    assert!(!again.alone, "there are others to be asked for");
    let mut changes = done(&again);
    changes.entries.push(NewEntry {
        trace: again.arrivals[0].id,
        author: EntryAuthor::Contact,
        content: Content::text("5"),
        at: bench.clock.now(),
    });
    bench.commit(again, changes).await;
    assert_eq!(bench.notes(a).await, ["1", "3", "4", "5"]);
}

pub(super) async fn a_person_is_split_into_what_they_were(bench: &Bench) {
    let before = bench.opened("a", "1").await;
    let mut changes = done(&before);
    let mut contact = before.contact.clone();
    contact.dedicated = Some(AgentName::new("lin"));
    changes.contact = Some(contact.clone());
    bench.commit(before, changes).await;
    let b = bench.tie("b", "2", Tie::Known(vec![union("u1")])).await;
    let (_, other) = bench.store.conversation(b).await.unwrap().unwrap();
    let a = bench.tie("a", "3", Tie::Join(b)).await;
    let c = bench.tie("c", "4", Tie::Known(vec![union("u1")])).await;
    assert_eq!(bench.kin(a, None).await, [a, b, c]);

    bench.tie("a", "5", Tie::Part(b)).await;
    assert_eq!(bench.kin(a, None).await, [a, c]);
    assert_eq!(bench.kin(b, None).await, [b]);
    for (id, was) in [(a, contact), (b, other)] {
        let (_, is) = bench.store.conversation(id).await.unwrap().unwrap();
        assert_eq!(is, was, "contacts are what they were");
    }
    assert_eq!(bench.notes(b).await.last().unwrap(), "5");
    // Set apart: the handle alone does not tie it again, in neither direction.
    let d = bench.tie("d", "6", Tie::Known(vec![union("u1")])).await;
    bench.tie("b", "7", Tie::Known(vec![union("u1")])).await;
    assert_eq!(bench.kin(b, None).await, [b]);
    assert_eq!(bench.kin(d, None).await, [a, c, d]);
    // The one that gave the person its number leaves: the others stay one.
    bench.tie("c", "8", Tie::Part(a)).await;
    assert_eq!(bench.kin(a, None).await, [a]);
    assert_eq!(bench.kin(c, None).await, [c, d]);
    // A word of somebody ends it.
    bench.tie("b", "9", Tie::Join(a)).await;
    assert_eq!(bench.kin(b, None).await, [a, b]);
    assert_eq!(bench.kin(c, None).await, [c, d]);
    bench.tie("b", "10", Tie::Known(vec![union("u1")])).await;
    assert_eq!(bench.kin(b, None).await, [a, b, c, d]);
}

pub(super) async fn a_tie_is_refused_where_the_turn_saw_others(bench: &Bench) {
    let agent = AgentName::new("system");
    let b = bench.tie("b", "1", Tie::Known(vec![union("u1")])).await;
    let slow = bench.opened("a", "2").await;
    let a = slow.conversation.id;
    let mut changes = bench.tying(&slow, Tie::Join(b), "zu spät").await;
    changes.dispatches.push(to_contact(&slow, "zu spät", false));
    let c = bench.tie("c", "3", Tie::Join(b)).await;
    let refused = bench.store.commit(slow.clone(), changes).await;
    assert_eq!(refused, Err(StoreError::Moved));
    assert_eq!(bench.kin(a, None).await, [a]);
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "nothing was written"
    );
    assert_eq!(bench.notes(b).await, ["1", "3"]);

    // It is the same claim still: looking again, it goes through. Not where a seat is taken.
    let taker = bench.opened("d", "4").await;
    let mut seated = done(&taker);
    let assign = Move::Assign(agent.clone());
    seated
        .conversation
        .apply(assign.clone(), bench.clock.now())
        .unwrap();
    seated.capacity = Some((agent.clone(), 1));
    bench.commit(taker, seated).await;
    let mut full = bench.tying(&slow, Tie::Join(b), "voll").await;
    full.conversation.apply(assign, bench.clock.now()).unwrap();
    full.capacity = Some((agent.clone(), 1));
    let refused = bench.store.commit(slow.clone(), full).await;
    assert_eq!(refused, Err(StoreError::SeatTaken(agent)));
    assert_eq!(
        bench.kin(b, None).await,
        [b, c],
        "a refused commit takes its tie back"
    );
    let again = bench.tying(&slow, Tie::Join(b), "2").await;
    bench.commit(slow.clone(), again).await;
    assert_eq!(bench.kin(a, None).await.len(), 3);

    // And no tie under a claim that is another's.
    let late = bench.tying(&slow, Tie::Part(b), "x").await;
    assert_eq!(bench.store.commit(slow, late).await, Err(StoreError::Lost));
    assert_eq!(bench.kin(a, None).await.len(), 3);
}

/// Ten contacts at once, by ten workers: each learns the same handle, and looks again where it is told to.
pub(super) async fn two_who_learn_one_handle_at_once_find_each_other(bench: &Bench) {
    let mut claims = Vec::new();
    for number in 0..10 {
        claims.push(
            bench
                .opened(&format!("p{number}"), &format!("{number}"))
                .await,
        );
    }
    let turns = claims.into_iter().map(|claim| async move {
        // Each that is refused has seen another go through: ten tries are enough for ten.
        for _ in 0..10 {
            let tie = Tie::Known(vec![union("u1")]);
            let changes = bench.tying(&claim, tie, "x").await;
            match bench.store.commit(claim.clone(), changes).await {
                Ok(_) => return claim.conversation.id,
                Err(StoreError::Moved) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("refused again and again")
    });
    let ids = futures_util::future::join_all(turns).await;
    assert_eq!(
        bench.kin(ids[0], None).await.len(),
        10,
        "all of them are one person"
    );
    let lines = futures_util::future::join_all(ids.iter().map(|id| bench.notes(*id))).await;
    let heard: usize = lines.iter().map(Vec::len).sum();
    assert_eq!(heard, (1..=10).sum::<usize>(), "nobody was told twice");
}
