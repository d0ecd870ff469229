//! The configuration changed overnight, or differs from node to node: what was said under the old one is not lost.

use std::time::Duration;

use bridge_core::{
    conversation::Phase,
    message::{Author, Content, PeerId},
};

use crate::world::{Platform, Set, World, stand_in};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An agent who left while contacts were theirs: whoever writes is heard by somebody else, once.
#[tokio::test]
async fn whoever_had_an_agent_who_left_has_another() {
    let world = World::new(Set {
        agents: vec!["lin"],
        ..Set::default()
    });
    world.with_agent("zhou").await;
    let world = world
        .next_life(Set {
            agents: vec!["system"],
            ..Set::default()
        })
        .await;
    world.contact_says("zhou", "还在吗").await;
    world.desk.hears("还在吗").await;
    world.settled().await;
    let words = world.desk.words();
    let heard = words
        .iter()
        .filter(|words| words.contains("还在吗"))
        .count();
    assert_eq!(heard, 1, "{words:?}");
    assert!(
        words[0].contains("你好"),
        "with what was said before: {words:?}"
    );
    world.agent_says("system", "zhou", "在的").await;
    world.mall.hears("在的").await;
    world.settled().await;
    assert_eq!(world.depths().await.assigned, 1);
}

/// An agent who works at another inbox since last night: what they have lies there, and what they say there is heard.
#[tokio::test]
async fn whoever_has_an_agent_who_moved_goes_with_them() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let world = world
        .next_life(Set {
            agents: vec!["system@annex"],
            ..Set::default()
        })
        .await;
    let card = world.annex.hears("你好").await;
    assert_eq!(card.to.as_str(), "agent_system");
    world.settled().await;
    world.contact_says("zhou", "还在吗").await;
    world.annex.hears("还在吗").await;
    let author = Author::Agent(PeerId::new("agent_system"));
    let answer = Content::text("在的，我换了位置");
    let said = world.arrival("annex", stand_in("zhou").as_str(), author, answer);
    world.take(vec![said]).await;
    world.mall.hears("我换了位置").await;
    world.settled().await;
    assert_eq!(world.desk.words(), Vec::<String>::new());
    assert_eq!(
        (world.depths().await.open, world.depths().await.assigned),
        (1, 1)
    );

    // The day after nobody has moved: nothing is brought again.
    let before = world.annex.words().len();
    let world = world
        .next_life(Set {
            agents: vec!["system@annex"],
            ..Set::default()
        })
        .await;
    world.contact_says("zhou", "谢谢").await;
    world.annex.hears("谢谢").await;
    world.settled().await;
    assert_eq!((before, world.annex.words()), (2, vec!["谢谢".to_owned()]));
}

/// They need not write again for that.
#[tokio::test]
async fn whoever_waits_for_the_answer_of_an_agent_who_left_is_found() {
    let world = World::new(Set {
        agents: vec!["lin"],
        ..Set::default()
    });
    world.with_agent("zhou").await;
    world.contact_says("zhou", "订单 42 在哪").await;
    world.desk.hears("订单 42").await;
    world.settled().await;
    let world = world
        .next_life(Set {
            agents: vec!["system"],
            ..Set::default()
        })
        .await;
    let card = world.desk.hears("订单 42").await;
    assert_eq!(card.to.as_str(), "agent_system");
    world.settled().await;
}

/// Nobody is left at all: the contact is told so, and their words are kept.
#[tokio::test]
async fn where_every_agent_left_contacts_are_told() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let nobody = Set {
        agents: Vec::new(),
        ..Set::default()
    };
    let world = world.next_life(nobody).await;
    world.contact_says("zhou", "还在吗").await;
    world.settled().await;
    let conversation = world.conversation("zhou").await;
    assert_eq!(conversation.phase, Phase::Assisted);
    assert!(!world.mall.words().is_empty());
}

/// Who waits for an agent by name, and the name is gone, is not left waiting for ever.
#[tokio::test]
async fn whoever_waits_for_somebody_who_left_gets_somebody_else() {
    let world = World::new(Set {
        agents: vec!["lin", "system"],
        ..Set::default()
    });
    for peer in ["a", "b", "c", "d"] {
        world.with_agent(peer).await;
    }
    world.contact_says("e", "你好").await;
    world.until("queued", |depths| depths.queued == 1).await;
    world.settled().await;
    // As the API orders it: this contact waits for one of them.
    let order = bridge_core::message::Cue::Order {
        by: "console".into(),
        effects: vec![
            bridge_core::bot::Effect::Assist,
            bridge_core::bot::Effect::Enqueue {
                skill: Some("售后".to_owned()),
                agent: Some("lin".into()),
                priority: 5,
                note: None,
            },
        ],
    };
    let mut arrival = world.arrival(
        "mall",
        "e",
        bridge_core::message::Author::System,
        bridge_core::message::Content::text(""),
    );
    arrival.what = bridge_core::message::What::Cue(order);
    world.take(vec![arrival]).await;
    world.settled().await;
    let world = world
        .next_life(Set {
            agents: vec!["system", "wu", "li"],
            ..Set::default()
        })
        .await;
    world.until("seated", |depths| depths.queued == 0).await;
    world.settled().await;
}

/// An inbox that is gone from the configuration, and back the day after: nothing was given up meanwhile, nothing is doubled.
#[tokio::test]
async fn an_inbox_that_is_missing_for_a_while_loses_nothing() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let without = Set {
        mall: None,
        ..Set::default()
    };
    let world = world.next_life(without).await;
    world.agent_says("system", "zhou", "第一句").await;
    let long = "第二句。".repeat(400);
    world.agent_says("system", "zhou", &long).await;
    world.until("turned", |depths| depths.arrivals == 0).await;
    let told = async |world: &World| {
        let words = world.desk.words();
        words.iter().any(|heard| heard.contains("第一句"))
    };
    world.passes(Duration::from_secs(60), DAY / 2, told).await;
    let world = world
        .next_life(Set {
            mall: Some(Platform::with(bridge_core::channel::Capabilities {
                text_bytes: Some(2048),
                ..Default::default()
            })),
            ..Set::default()
        })
        .await;
    let sent = async |world: &World| world.depths().await.dispatches == 0;
    world.passes(Duration::from_secs(60), DAY, sent).await;
    let words = world.mall.words();
    assert_eq!(words[0], "第一句");
    assert_eq!(words[1..].concat(), long);
    assert!(words.iter().all(|part| part.len() <= 2048));
}
