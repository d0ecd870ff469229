//! The store's contract as a suite: [`conforms`] runs all of it on a backend, on a clock of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_core::{
    channel::Persona,
    clock::{Clock, TestClock, Timestamp},
    conversation::{Move, Waiting},
    message::{
        AgentName, Arrival, ArrivalId, Author, BotName, Content, ConversationId, Cue, DeadlineKind,
        EntryId, ExternalId, Handle, InboxName, PeerId, ThreadKey, What, WorkerId,
    },
    store::{
        Ask, Backend, Changes, Claim, Confirmation, CursorMove, Due, DueKind, DueWhat, EntryAuthor,
        Intake, NewDispatch, NewEntry, Noted, Part, Said, Settlement, StoreError, StoredMedia, Tie,
        Tied, Verdict,
    },
};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A backend under test and its clock.
pub struct Bench {
    /// The backend, empty.
    pub store: Arc<dyn Backend>,
    /// Its clock.
    pub clock: Arc<TestClock>,
}

/// Runs the whole suite; `fresh` makes an empty backend for each part.
///
/// # Panics
/// Where the backend does not conform.
pub async fn conforms(fresh: impl Fn() -> Bench) {
    repeats_are_seen(&fresh()).await;
    arrivals_keep_their_order(&fresh()).await;
    one_worker_has_a_conversation(&fresh()).await;
    a_lost_claim_writes_nothing(&fresh()).await;
    seats_are_kept(&fresh()).await;
    a_bound_thread_leads_to_its_conversation(&fresh()).await;
    a_lane_keeps_its_order(&fresh()).await;
    held_dispatches_wait_for_a_release(&fresh()).await;
    a_dead_dispatch_tells_and_moves_on(&fresh()).await;
    a_dispatch_is_withdrawn_unless_somebody_sends_it(&fresh()).await;
    an_inbox_or_a_bot_is_left_out(&fresh()).await;
    what_waited_its_turn_was_not_tried(&fresh()).await;
    an_old_fence_settles_nothing(&fresh()).await;
    questions_are_merged_until_taken(&fresh()).await;
    cancelled_errands_are_gone(&fresh()).await;
    deadlines_are_set_moved_and_unset(&fresh()).await;
    transcripts_traces_and_cursors_are_kept(&fresh()).await;
    waiting_contacts_are_in_order(&fresh()).await;
    facts_keep_their_first_value(&fresh()).await;
    sweeping_leaves_what_is_young(&fresh()).await;
    a_claim_is_committed_once(&fresh()).await;
    a_late_settlement_counts_unless_taken_over(&fresh()).await;
    a_question_once_asked_takes_no_more_words(&fresh()).await;
    a_deadline_moved_is_not_settled_away(&fresh()).await;
    only_what_a_claim_carries_is_done(&fresh()).await;
    what_was_sent_is_found_by_its_external_id(&fresh()).await;
    what_did_not_arrive_counts_as_dead(&fresh()).await;
    what_has_arrived_is_confirmed_once(&fresh()).await;
    a_receipt_speaks_for_its_recipient_and_time(&fresh()).await;
    what_a_page_has_not_shown_is_not_confirmed(&fresh()).await;
    media_are_remembered(&fresh()).await;
    a_transcript_knows_its_opening(&fresh()).await;
    who_is_known_by_one_handle_is_one_person(&fresh()).await;
    a_person_is_split_into_what_they_were(&fresh()).await;
    a_tie_is_refused_where_the_turn_saw_others(&fresh()).await;
    two_who_learn_one_handle_at_once_find_each_other(&fresh()).await;
    many_at_once_lose_nothing(&fresh()).await;
}

pub(crate) fn inbox() -> InboxName {
    InboxName::new("mall")
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::new("w1")
}

/// The contact `peer` says `text`; `id` is its external id.
#[must_use]
pub fn said(peer: &str, id: &str, text: &str) -> Arrival {
    Arrival {
        inbox: inbox(),
        external_id: ExternalId::new(id),
        peer: PeerId::new(peer),
        author: Author::Contact,
        what: What::Content(Content::text(text)),
        sent_at: Timestamp(0),
        received_at: Timestamp(0),
        trigger: None,
        profile: None,
    }
}

fn intake(arrivals: Vec<Arrival>) -> Intake {
    Intake {
        arrivals,
        cursor: None,
        entry: BotName::new("ai"),
    }
}

impl Bench {
    async fn accept(&self, arrivals: Vec<Arrival>) -> Vec<Option<ArrivalId>> {
        self.store.accept(intake(arrivals)).await.unwrap()
    }

    async fn claim(&self) -> Claim {
        self.try_claim().await.expect("something waits")
    }

    async fn try_claim(&self) -> Option<Claim> {
        self.store.claim(&worker(), LEASE).await.unwrap()
    }

    /// Accepts one message and claims its conversation.
    async fn opened(&self, peer: &str, id: &str) -> Claim {
        self.accept(vec![said(peer, id, "你好")]).await;
        self.claim().await
    }

    async fn commit(&self, claim: Claim, changes: Changes) {
        self.store.commit(claim, changes).await.unwrap();
    }

    /// A turn that says every arrival's id to the contact.
    async fn echo(&self, claim: Claim) {
        let mut changes = done(&claim);
        let ids = claim
            .arrivals
            .iter()
            .map(|accepted| &accepted.arrival.external_id);
        changes.dispatches = ids
            .map(|id| to_contact(&claim, id.as_str(), false))
            .collect();
        self.commit(claim, changes).await;
    }

    async fn due(&self, kind: DueKind) -> Vec<Due> {
        self.store
            .due(kind, &worker(), 10, LEASE, &[])
            .await
            .unwrap()
    }

    async fn settle(&self, due: &Due, settlement: Settlement) {
        self.store.settle(&due.id, settlement).await.unwrap();
    }
}

/// Everything a claim carries is done; nothing else changes.
fn done(claim: &Claim) -> Changes {
    let mut changes = Changes::none(claim.conversation.clone());
    changes.done = claim
        .arrivals
        .iter()
        .map(|accepted| {
            (
                accepted.id,
                Verdict::Turned {
                    by: None,
                    note: None,
                },
            )
        })
        .collect();
    changes
}

pub(crate) fn to_contact(claim: &Claim, text: &str, held: bool) -> NewDispatch {
    let ThreadKey { inbox, peer } = claim.conversation.thread.clone();
    let trace = claim
        .arrivals
        .first()
        .map_or(ArrivalId(0), |accepted| accepted.id);
    NewDispatch {
        trace,
        inbox,
        to: peer,
        sender: None,
        content: Content::text(text),
        held,
    }
}

pub(crate) fn to_desk(claim: &Claim, text: &str) -> NewDispatch {
    let sender = Persona {
        id: PeerId::new("kefu_1"),
        name: "小周".to_owned(),
        avatar_url: None,
    };
    let (inbox, to) = (InboxName::new("desk"), PeerId::new("agent_system"));
    NewDispatch {
        inbox,
        to,
        sender: Some(sender),
        ..to_contact(claim, text, false)
    }
}

fn words(due: &Due) -> String {
    match &due.what {
        DueWhat::Dispatch(dispatch) => dispatch.content.words().unwrap_or_default().to_owned(),
        other => panic!("not a dispatch: {other:?}"),
    }
}

fn sent() -> Settlement {
    Settlement::Done {
        external_id: Some("m-1".to_owned()),
        lost: Vec::new(),
    }
}

async fn repeats_are_seen(bench: &Bench) {
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

async fn arrivals_keep_their_order(bench: &Bench) {
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

async fn one_worker_has_a_conversation(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    bench.accept(vec![said("a", "2", "noch")]).await;
    assert!(bench.try_claim().await.is_none(), "nobody else gets it");
    bench.accept(vec![said("b", "3", "x")]).await;
    let other = bench.claim().await;
    assert_ne!(
        other.conversation.id, claim.conversation.id,
        "but others are free"
    );
    bench.store.abandon(other.clone()).await.unwrap();
    let again = bench.claim().await;
    assert_eq!(
        again.arrivals[0].failures, 1,
        "an abandoned turn has failed"
    );
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let taken = bench.claim().await;
    assert!(
        taken.fence > claim.fence,
        "a lease that is over is another's"
    );
    assert!(taken.arrivals[0].failures >= 1);
}

async fn a_lost_claim_writes_nothing(bench: &Bench) {
    let slow = bench.opened("a", "1").await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let quick = bench.claim().await;
    let mut changes = done(&slow);
    changes.dispatches.push(to_contact(&slow, "zu spät", false));
    assert_eq!(
        bench.store.commit(slow.clone(), changes).await,
        Err(StoreError::Lost)
    );
    assert_eq!(bench.store.abandon(slow).await, Err(StoreError::Lost));
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    bench.commit(quick.clone(), done(&quick)).await;
    assert!(bench.try_claim().await.is_none());
}

async fn seats_are_kept(bench: &Bench) {
    let agent = AgentName::new("system");
    let assigned = |claim: &Claim, now: Timestamp| {
        let mut changes = done(claim);
        changes
            .conversation
            .apply(Move::Assign(AgentName::new("system")), now)
            .unwrap();
        changes.capacity = Some((AgentName::new("system"), 1));
        changes
    };
    let first = bench.opened("a", "1").await;
    bench
        .commit(first.clone(), assigned(&first, bench.clock.now()))
        .await;
    let second = bench.opened("b", "2").await;
    let refused = bench
        .store
        .commit(second.clone(), assigned(&second, bench.clock.now()))
        .await;
    assert_eq!(refused, Err(StoreError::SeatTaken(agent.clone())));
    bench.commit(second.clone(), done(&second)).await;
    assert_eq!(
        bench.store.desk().await.unwrap().loads,
        [(agent.clone(), 1)]
    );
    let again = bench.opened("a", "3").await;
    let mut kept = done(&again);
    kept.capacity = Some((agent.clone(), 1));
    bench.commit(again.clone(), kept).await;
    let over = bench.opened("a", "4").await;
    let mut resolved = done(&over);
    resolved
        .conversation
        .apply(Move::Resolve, bench.clock.now())
        .unwrap();
    bench.commit(over, resolved).await;
    assert!(
        bench.store.desk().await.unwrap().loads.is_empty(),
        "the seat is free"
    );
    let third = bench.opened("b", "5").await;
    bench
        .commit(third.clone(), assigned(&third, bench.clock.now()))
        .await;
}

async fn a_bound_thread_leads_to_its_conversation(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let desk = ThreadKey {
        inbox: InboxName::new("desk"),
        peer: PeerId::new("kefu_1"),
    };
    let mut changes = done(&claim);
    changes
        .conversation
        .apply(Move::Assign(AgentName::new("system")), bench.clock.now())
        .unwrap();
    changes.threads.push(desk.clone());
    bench.commit(claim.clone(), changes).await;
    assert_eq!(
        bench.store.find(&desk).await.unwrap(),
        Some(claim.conversation.id)
    );
    let open = bench.store.open_threads().await.unwrap();
    assert_eq!((open.len(), &open[0].threads), (1, &vec![desk.clone()]));
    let from_desk = Arrival {
        inbox: desk.inbox,
        author: Author::Agent(PeerId::new("agent")),
        ..said("kefu_1", "9", "hi")
    };
    bench.accept(vec![from_desk]).await;
    assert_eq!(bench.claim().await.conversation.id, claim.conversation.id);
}

async fn a_lane_keeps_its_order(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_desk(&claim, "desk"),
    ];
    let committed = bench.store.commit(claim.clone(), changes).await.unwrap();
    assert_eq!(committed.dispatches.len(), 3);
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["1", "desk"],
        "one of each lane"
    );
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "and nobody else gets them"
    );
    let at = bench.clock.now() + Duration::from_secs(5);
    bench
        .settle(
            &due[0],
            Settlement::Retry {
                at,
                reason: "busy".to_owned(),
                tried: true,
            },
        )
        .await;
    bench.settle(&due[1], sent()).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "a retry holds the later ones of its lane"
    );
    assert_eq!(
        bench.store.next_due(DueKind::Dispatch, &[]).await.unwrap(),
        Some(at)
    );
    bench.clock.advance(Duration::from_secs(6));
    let again = bench.due(DueKind::Dispatch).await;
    let DueWhat::Dispatch(dispatch) = &again[0].what else {
        panic!("not a dispatch")
    };
    assert_eq!((words(&again[0]).as_str(), dispatch.attempt), ("1", 2));
    bench.settle(&again[0], sent()).await;
    assert_eq!(
        bench
            .due(DueKind::Dispatch)
            .await
            .iter()
            .map(words)
            .collect::<Vec<_>>(),
        ["2"]
    );
    bench.clock.advance(LEASE + Duration::from_secs(1));
    assert_eq!(
        bench.due(DueKind::Dispatch).await.len(),
        1,
        "a lease that is over hands it on"
    );
}

async fn held_dispatches_wait_for_a_release(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", true),
        to_contact(&claim, "2", true),
        to_contact(&claim, "3", false),
    ];
    bench.commit(claim, changes).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "what is held holds those behind it"
    );
    assert_eq!(bench.store.depths().await.unwrap().held, 2);
    let claim = bench.opened("a", "2").await;
    assert_eq!(claim.held, 2);
    let mut changes = done(&claim);
    changes.release = 1;
    bench.commit(claim, changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["1"],
        "the oldest first"
    );
    bench
        .settle(
            &due[0],
            Settlement::Held {
                reason: "45047".to_owned(),
                cue: None,
            },
        )
        .await;
    assert_eq!(
        bench.store.depths().await.unwrap().held,
        2,
        "held again by the platform's word"
    );
    let claim = bench.opened("a", "3").await;
    let mut changes = done(&claim);
    changes.release = 9;
    bench.commit(claim, changes).await;
    for expected in ["1", "2", "3"] {
        let due = bench.due(DueKind::Dispatch).await;
        assert_eq!(due.iter().map(words).collect::<Vec<_>>(), [expected]);
        bench.settle(&due[0], sent()).await;
    }
}

async fn a_dispatch_is_withdrawn_unless_somebody_sends_it(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let trace = claim.arrivals[0].id;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_contact(&claim, "3", true),
        to_contact(&claim, "4", false),
    ];
    let committed = bench.store.commit(claim, changes).await.unwrap();
    let [first, second, third, fourth] = committed.dispatches[..] else {
        panic!("{committed:?}");
    };
    let take = async |id| bench.store.take(id, &worker(), LEASE).await.unwrap();
    let withdraw = async |id| {
        let due = take(id).await.unwrap();
        assert_eq!(take(id).await, None, "somebody has it");
        let reason = "withdrawn".to_owned();
        let unsent = Settlement::Dead { reason, cue: None };
        bench.store.settle(&due, unsent).await.unwrap();
        assert_eq!(take(id).await, None, "it is settled");
    };
    let sending = bench.due(DueKind::Dispatch).await;
    assert_eq!(sending.iter().map(words).collect::<Vec<_>>(), ["1"]);
    assert_eq!(take(first).await, None, "it is being sent");
    withdraw(second).await;
    withdraw(third).await;
    assert_eq!(bench.store.depths().await.unwrap().held, 0);
    bench.settle(&sending[0], sent()).await;
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(due.iter().map(words).collect::<Vec<_>>(), ["4"]);
    bench.settle(&due[0], again_now(bench)).await;
    let taken = take(fourth).await.unwrap();
    assert!(bench.due(DueKind::Dispatch).await.is_empty());
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let due = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        due.iter().map(words).collect::<Vec<_>>(),
        ["4"],
        "its lease was over"
    );
    let late = bench.store.settle(&taken, sent()).await;
    assert_eq!(late, Err(StoreError::Lost));
    bench.settle(&due[0], sent()).await;
    let traced = bench.store.trace(trace).await.unwrap().unwrap();
    let states: Vec<_> = traced
        .dispatches
        .iter()
        .map(|one| (one.id, one.state.as_str()))
        .collect();
    assert_eq!(
        states,
        [
            (first, "sent"),
            (second, "dead"),
            (third, "dead"),
            (fourth, "sent")
        ]
    );
}

fn again_now(bench: &Bench) -> Settlement {
    Settlement::Retry {
        at: bench.clock.now(),
        reason: "-1".to_owned(),
        tried: true,
    }
}

async fn an_inbox_or_a_bot_is_left_out(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
        to_desk(&claim, "desk"),
    ];
    changes.asks = vec![ask(&claim, "在吗", bench.clock.now())];
    bench.commit(claim.clone(), changes).await;
    bench.clock.advance(Duration::from_secs(1));
    let contacts = vec![claim.conversation.thread.inbox.to_string()];
    let ai = vec!["ai".to_owned()];
    let (store, worker) = (&bench.store, worker());
    let due = async |kind, but: &[String]| store.due(kind, &worker, 10, LEASE, but).await.unwrap();
    let at_desk = due(DueKind::Dispatch, &contacts).await;
    assert_eq!(at_desk.iter().map(words).collect::<Vec<_>>(), ["desk"]);
    bench.settle(&at_desk[0], sent()).await;
    assert!(due(DueKind::Dispatch, &contacts).await.is_empty());
    assert_eq!(
        store.next_due(DueKind::Dispatch, &contacts).await.unwrap(),
        None,
        "nothing to wait for but what is left out"
    );
    assert!(due(DueKind::Errand, &ai).await.is_empty());
    assert_eq!(store.next_due(DueKind::Errand, &ai).await.unwrap(), None);
    assert_eq!(due(DueKind::Errand, &contacts).await.len(), 1);
    let rest = bench.due(DueKind::Dispatch).await;
    assert_eq!(rest.iter().map(words).collect::<Vec<_>>(), ["1"]);
    assert_eq!(
        store.next_due(DueKind::Dispatch, &contacts).await.unwrap(),
        Some(bench.clock.now() + LEASE),
        "the end of a lease is waited for, whosever"
    );
}

async fn what_waited_its_turn_was_not_tried(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    for (tried, attempt) in [(false, 1), (false, 1), (true, 1), (false, 2), (true, 2)] {
        let due = bench.due(DueKind::Dispatch).await;
        let DueWhat::Dispatch(dispatch) = &due[0].what else {
            panic!("not a dispatch")
        };
        assert_eq!(dispatch.attempt, attempt);
        let retry = Settlement::Retry {
            at: bench.clock.now(),
            reason: "later".to_owned(),
            tried,
        };
        bench.settle(&due[0], retry).await;
    }
}

async fn a_dead_dispatch_tells_and_moves_on(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![
        to_contact(&claim, "1", false),
        to_contact(&claim, "2", false),
    ];
    bench.commit(claim.clone(), changes).await;
    let due = bench.due(DueKind::Dispatch).await;
    let cue = Arrival {
        what: What::Cue(Cue::QueueMoved { episode: 1 }),
        author: Author::System,
        ..said("a", "cue", "")
    };
    bench
        .settle(
            &due[0],
            Settlement::Dead {
                reason: "no".to_owned(),
                cue: Some(Box::new(cue)),
            },
        )
        .await;
    assert_eq!(
        bench
            .due(DueKind::Dispatch)
            .await
            .iter()
            .map(words)
            .collect::<Vec<_>>(),
        ["2"]
    );
    let told = bench.claim().await;
    assert_eq!(told.conversation.id, claim.conversation.id);
    assert!(matches!(told.arrivals[0].arrival.what, What::Cue(_)));
    let trace = bench
        .store
        .trace(claim.arrivals[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            trace.dispatches[0].state.as_str(),
            trace.dispatches[0].reason.as_deref()
        ),
        ("dead", Some("no"))
    );
}

async fn an_old_fence_settles_nothing(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    let slow = bench.due(DueKind::Dispatch).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let quick = bench.due(DueKind::Dispatch).await;
    assert_eq!(
        bench.store.settle(&slow[0].id, sent()).await,
        Err(StoreError::Lost)
    );
    bench.settle(&quick[0], sent()).await;
    assert_eq!(
        bench.store.settle(&quick[0].id, sent()).await,
        Err(StoreError::Lost),
        "and only once"
    );
}

fn ask(claim: &Claim, text: &str, now: Timestamp) -> Ask {
    let trace = claim.arrivals[0].id;
    Ask {
        trace,
        bot: BotName::new("ai"),
        argv: Vec::new(),
        said: vec![Said {
            trace,
            content: Content::text(text),
        }],
        due_at: now + Duration::from_secs(1),
        latest: now + Duration::from_secs(3),
    }
}

fn question(due: &Due) -> Vec<String> {
    match &due.what {
        DueWhat::Errand(errand) => errand
            .said
            .iter()
            .map(|said| said.content.words().unwrap_or_default().to_owned())
            .collect(),
        other => panic!("not an errand: {other:?}"),
    }
}

async fn questions_are_merged_until_taken(bench: &Bench) {
    for (id, text) in [("1", "你好"), ("2", "保温杯"), ("3", "漏水")] {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        changes.asks = vec![ask(&claim, text, bench.clock.now())];
        bench.commit(claim, changes).await;
        assert!(
            bench.due(DueKind::Errand).await.is_empty(),
            "not before the burst is over"
        );
    }
    bench.clock.advance(Duration::from_secs(2));
    let due = bench.due(DueKind::Errand).await;
    assert_eq!(question(&due[0]), ["你好", "保温杯", "漏水"]);
    let claim = bench.opened("a", "4").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "还有", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    assert!(
        bench.due(DueKind::Errand).await.is_empty(),
        "one of a conversation at a time"
    );
    bench.settle(&due[0], sent()).await;
    let due = bench.due(DueKind::Errand).await;
    assert_eq!(question(&due[0]), ["还有"]);
    bench
        .settle(
            &due[0],
            Settlement::Retry {
                at: bench.clock.now(),
                reason: "429".to_owned(),
                tried: true,
            },
        )
        .await;
    let DueWhat::Errand(errand) = &bench.due(DueKind::Errand).await[0].what else {
        panic!("not an errand")
    };
    assert_eq!(errand.attempt, 2);
}

async fn cancelled_errands_are_gone(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "一", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    let running = bench.due(DueKind::Errand).await;
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    changes.cancel_errands = true;
    let committed = bench.store.commit(claim, changes).await.unwrap();
    assert_eq!(
        committed
            .cancelled
            .iter()
            .map(|errand| errand.0)
            .collect::<Vec<_>>(),
        [running[0].id.id]
    );
    assert_eq!(
        bench.store.settle(&running[0].id, sent()).await,
        Err(StoreError::Lost)
    );
    assert_eq!(bench.store.depths().await.unwrap().errands, 0);
}

async fn deadlines_are_set_moved_and_unset(bench: &Bench) {
    let set = async |id: &str, at: Option<Timestamp>| {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        changes.deadlines = vec![(DeadlineKind::Idle, at)];
        bench.commit(claim, changes).await;
    };
    let now = bench.clock.now();
    set("1", Some(now + Duration::from_secs(10))).await;
    set("2", Some(now + Duration::from_secs(20))).await;
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        Some(now + Duration::from_secs(20)),
        "moved"
    );
    bench.clock.advance(Duration::from_secs(21));
    let due = bench.due(DueKind::Deadline).await;
    let DueWhat::Deadline { thread, kind, .. } = &due[0].what else {
        panic!("not a deadline")
    };
    assert_eq!((thread.peer.as_str(), *kind), ("a", DeadlineKind::Idle));
    bench.settle(&due[0], sent()).await;
    set("3", Some(bench.clock.now() + Duration::from_secs(5))).await;
    set("4", None).await;
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        None,
        "unset"
    );
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

async fn transcripts_traces_and_cursors_are_kept(bench: &Bench) {
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

async fn waiting_contacts_are_in_order(bench: &Bench) {
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

async fn facts_keep_their_first_value(bench: &Bench) {
    assert_eq!(bench.store.put_fact("key", "one").await.unwrap(), "one");
    assert_eq!(bench.store.put_fact("key", "two").await.unwrap(), "one");
}

async fn sweeping_leaves_what_is_young(bench: &Bench) {
    let old = bench.opened("a", "1").await;
    let trace = old.arrivals[0].id;
    bench.commit(old.clone(), done(&old)).await;
    bench.clock.advance(Duration::from_secs(1000));
    let young = bench.opened("a", "2").await;
    let kept = young.arrivals[0].id;
    bench.commit(young.clone(), done(&young)).await;
    let before = bench.clock.now() - Duration::from_secs(500);
    while bench.store.sweep(before, before).await.unwrap() > 0 {}
    assert!(bench.store.trace(trace).await.unwrap().is_none());
    assert!(bench.store.trace(kept).await.unwrap().is_some());
    assert_eq!(
        bench.accept(vec![said("a", "2", "x")]).await,
        [None],
        "young repeats are still seen"
    );
}

async fn a_claim_is_committed_once(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    let (one, other) = tokio::join!(
        bench.store.commit(claim.clone(), changes.clone()),
        bench.store.commit(claim.clone(), changes.clone()),
    );
    let outcomes = [one.is_ok(), other.is_ok()];
    assert!(
        outcomes == [true, false] || outcomes == [false, true],
        "of two commits of one claim one is written: {outcomes:?}"
    );
    let mut changes = done(&claim);
    changes.capacity = Some((AgentName::new("system"), 0));
    changes
        .conversation
        .apply(Move::Assign(AgentName::new("system")), bench.clock.now())
        .unwrap();
    assert_eq!(
        bench.store.commit(claim, changes).await,
        Err(StoreError::Lost),
        "who lost the claim is told that, not that the agent is busy"
    );
    assert_eq!(bench.store.depths().await.unwrap().dispatches, 1);
    let due = bench.due(DueKind::Dispatch).await;
    let (one, other) = tokio::join!(
        bench.store.settle(&due[0].id, sent()),
        bench.store.settle(&due[0].id, sent()),
    );
    assert!(
        one.is_ok() != other.is_ok(),
        "settled once: {one:?}, {other:?}"
    );
}

async fn a_late_settlement_counts_unless_taken_over(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.dispatches = vec![to_contact(&claim, "1", false)];
    bench.commit(claim, changes).await;
    let late = bench.due(DueKind::Dispatch).await;
    bench.clock.advance(LEASE + Duration::from_secs(1));
    // Somebody looks, with no room for more.
    let none = bench
        .store
        .due(DueKind::Dispatch, &worker(), 0, LEASE, &[])
        .await;
    assert!(none.unwrap().is_empty());
    bench.settle(&late[0], sent()).await;
    assert!(
        bench.due(DueKind::Dispatch).await.is_empty(),
        "what was sent late is not sent again"
    );
}

async fn a_question_once_asked_takes_no_more_words(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "一", bench.clock.now())];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(2));
    assert_eq!(bench.due(DueKind::Errand).await.len(), 1);
    // Its worker dies, perhaps after the answer was accepted: the answer to this errand is accepted once.
    bench.clock.advance(LEASE + Duration::from_secs(1));
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    changes.asks = vec![ask(&claim, "二", bench.clock.now())];
    bench.commit(claim, changes).await;
    let again = bench.due(DueKind::Errand).await;
    assert_eq!(question(&again[0]), ["一"]);
    bench.settle(&again[0], sent()).await;
    bench.clock.advance(Duration::from_secs(2));
    let next = bench.due(DueKind::Errand).await;
    assert_eq!(question(&next[0]), ["二"]);
}

async fn a_deadline_moved_is_not_settled_away(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let mut changes = done(&claim);
    let now = bench.clock.now();
    changes.deadlines = vec![(DeadlineKind::Idle, Some(now + Duration::from_secs(5)))];
    bench.commit(claim, changes).await;
    bench.clock.advance(Duration::from_secs(6));
    let due = bench.due(DueKind::Deadline).await;
    let claim = bench.opened("a", "2").await;
    let mut changes = done(&claim);
    let later = bench.clock.now() + Duration::from_secs(50);
    changes.deadlines = vec![(DeadlineKind::Idle, Some(later))];
    let (committed, settled) = tokio::join!(
        bench.store.commit(claim, changes),
        bench.store.settle(&due[0].id, sent())
    );
    committed.unwrap();
    // Whichever came first, the new deadline stands.
    assert!(matches!(settled, Ok(()) | Err(StoreError::Lost)));
    assert_eq!(
        bench.store.next_due(DueKind::Deadline, &[]).await.unwrap(),
        Some(later)
    );
    bench.clock.advance(Duration::from_secs(51));
    assert_eq!(bench.due(DueKind::Deadline).await.len(), 1);
}

async fn only_what_a_claim_carries_is_done(bench: &Bench) {
    let claim = bench.opened("a", "1").await;
    let later = bench.accept(vec![said("a", "2", "noch")]).await[0].unwrap();
    let mut changes = done(&claim);
    let (_, verdict) = changes.done[0].clone();
    changes.done.push((later, verdict));
    let committed = bench.store.commit(claim, changes).await.unwrap();
    assert!(committed.more, "what came meanwhile waits still");
    assert_eq!(bench.claim().await.arrivals[0].id, later);
}

async fn what_was_sent_is_found_by_its_external_id(bench: &Bench) {
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

async fn what_did_not_arrive_counts_as_dead(bench: &Bench) {
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

/// What `peer` says makes a line and something to be sent to the desk and to themselves; all of it is sent under the
/// platform's id `m-1`, a second later.
async fn said_and_sent(bench: &Bench, peer: &str, id: &str) -> (ConversationId, ArrivalId) {
    let claim = bench.opened(peer, id).await;
    let (conversation, trace) = (claim.conversation.id, claim.arrivals[0].id);
    let mut changes = done(&claim);
    changes.entries = vec![NewEntry {
        trace,
        author: EntryAuthor::Contact,
        content: Content::text(id),
        at: bench.clock.now(),
    }];
    changes.dispatches = vec![to_desk(&claim, id), to_contact(&claim, id, false)];
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

async fn what_has_arrived_is_confirmed_once(bench: &Bench) {
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

async fn a_receipt_speaks_for_its_recipient_and_time(bench: &Bench) {
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

async fn what_a_page_has_not_shown_is_not_confirmed(bench: &Bench) {
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

async fn media_are_remembered(bench: &Bench) {
    assert_eq!(bench.store.media("k").await.unwrap(), None);
    for reason in ["404", "410"] {
        let gone = StoredMedia::Gone {
            reason: reason.to_owned(),
        };
        bench.store.put_media("k", &gone).await.unwrap();
        assert_eq!(bench.store.media("k").await.unwrap(), Some(gone));
    }
}

async fn a_transcript_knows_its_opening(bench: &Bench) {
    let say = async |id: &str, step: Option<Move>| {
        let claim = bench.opened("a", id).await;
        let mut changes = done(&claim);
        if let Some(step) = step {
            changes.conversation.apply(step, bench.clock.now()).unwrap();
        }
        changes.entries = vec![NewEntry {
            trace: claim.arrivals[0].id,
            author: EntryAuthor::Contact,
            content: Content::text(id),
            at: bench.clock.now(),
        }];
        bench.commit(claim.clone(), changes).await;
        bench.clock.advance(Duration::from_secs(10));
        claim.conversation.id
    };
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
}

/// Many callers and workers at once, on conversations of their own and shared ones: every arrival is turned once and
/// in order, every dispatch is sent once and in order.
async fn many_at_once_lose_nothing(bench: &Bench) {
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

fn union(id: &str) -> Handle {
    Handle::union_id(id).unwrap()
}

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

async fn who_is_known_by_one_handle_is_one_person(bench: &Bench) {
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

async fn a_person_is_split_into_what_they_were(bench: &Bench) {
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

async fn a_tie_is_refused_where_the_turn_saw_others(bench: &Bench) {
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
async fn two_who_learn_one_handle_at_once_find_each_other(bench: &Bench) {
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
