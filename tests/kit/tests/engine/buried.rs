//! What is given up because its turn never ends: nobody waits for what it would have come to.

use std::time::Duration;

use bridge_core::{
    conversation::Phase,
    engine::EngineSettings,
    message::{Author, Content, Cue, DeadlineKind, DispatchId, ErrandId, What, WorkerId},
    store::{DueKind, Settlement, Store as _},
};

use crate::world::{Set, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A cue for a contact's conversation, and a worker who dies with it in hand as often as anybody is let.
async fn dies_with(world: World, peer: &str, cue: Cue, set: Set) -> World {
    let mut arrival = world.arrival("mall", peer, Author::System, Content::text(""));
    arrival.what = What::Cue(cue);
    world.engine.drain(Duration::from_secs(30)).await;
    let intake = bridge_core::store::Intake {
        arrivals: vec![arrival],
        cursor: None,
        entry: "ai".into(),
    };
    world.store.accept(intake).await.unwrap();
    let (worker, lease) = (WorkerId::from("dies"), Duration::from_secs(10));
    for _ in 0..EngineSettings::default().arrival_failures {
        assert!(world.store.claim(&worker, lease).await.unwrap().is_some());
        world.clock.advance(lease + Duration::from_secs(1));
    }
    world.next_life(set).await
}

fn with_assistant() -> Set {
    Set {
        entry: "ai",
        ..Set::default()
    }
}

/// The assistant's answer kills whoever applies it: the contact is told, and a person takes over.
#[tokio::test]
async fn whoever_waits_for_an_answer_that_cannot_be_said_gets_a_person() {
    let world = World::new(with_assistant());
    world.contact_says("zhou", "你好").await;
    world.mall.hears("您说：你好").await;
    world.settled().await;
    let answered = Cue::Answered {
        bot: "ai".into(),
        errand: ErrandId(99),
        episode: world.conversation("zhou").await.episode,
        effects: Vec::new(),
    };
    let world = dies_with(world, "zhou", answered, with_assistant()).await;
    world.mall.hears("智能助手暂时无法回答").await;
    world.desk.hears("你好").await;
    world.settled().await;
    let phase = world.conversation("zhou").await.phase;
    assert!(matches!(phase, Phase::Assigned { .. }), "{phase:?}");
}

/// An answer of an earlier episode is nobody's loss.
#[tokio::test]
async fn nobody_hears_of_a_late_answer_that_is_given_up() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let late = Cue::Answered {
        bot: "ai".into(),
        errand: ErrandId(99),
        episode: 1,
        effects: Vec::new(),
    };
    let world = dies_with(world, "zhou", late, Set::default()).await;
    world.contact_says("zhou", "还在吗").await;
    world.desk.hears("还在吗").await;
    world.settled().await;
    assert_eq!(world.mall.words(), Vec::<String>::new());
}

/// The word that something could not be delivered is given up: the agent hears of it all the same.
#[tokio::test]
async fn an_agent_hears_what_did_not_arrive_though_the_word_of_it_is_given_up() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let undelivered = Cue::Undelivered {
        dispatch: DispatchId(7),
        to_contact: true,
        content: Box::new(Content::text("明天发货")),
        reason: "平台拒绝".to_owned(),
        held: false,
        tried_again: false,
        tried_at: None,
    };
    let world = dies_with(world, "zhou", undelivered, Set::default()).await;
    let told = world.desk.hears("明天发货").await;
    assert!(
        told.content.words().unwrap().contains("平台拒绝"),
        "{told:?}"
    );
    world.settled().await;
}

/// The deadline of silence is given up: there is another.
#[tokio::test]
async fn a_conversation_whose_deadline_is_given_up_ends_all_the_same() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let deadline = Cue::Deadline {
        kind: DeadlineKind::Idle,
        episode: world.conversation("zhou").await.episode,
    };
    world.engine.drain(Duration::from_secs(30)).await;
    world.clock.advance(DAY + Duration::from_secs(1));
    let (worker, lease) = (WorkerId::from("rings"), Duration::from_secs(30));
    let due = world.store.due(DueKind::Deadline, &worker, 9, lease, &[]);
    for due in due.await.unwrap() {
        let rung = Settlement::Done {
            external_id: None,
            lost: Vec::new(),
        };
        world.store.settle(&due.id, rung).await.unwrap();
    }
    let world = dies_with(world, "zhou", deadline, Set::default()).await;
    world.until("turned", |depths| depths.arrivals == 0).await;
    let over = async |world: &World| {
        let phase = world.conversation("zhou").await.phase;
        matches!(phase, Phase::Resolved { .. })
    };
    assert!(!over(&world).await);
    let step = Duration::from_secs(600);
    world.passes(step, DAY * 2, over).await;
    world.settled().await;
}
