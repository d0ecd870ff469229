//! The allowance to write to a contact: what does not fit waits, in order, and no longer than it must.

use std::time::Duration;

use bridge_core::{
    channel::{Allowance, Capabilities, ChannelError},
    error::Remedy,
    message::{Author, Content, Trigger},
};
use tokio::sync::watch;

use crate::world::{Does, Platform, Set, World};

fn kf(count: u32) -> Set {
    let allowance = Allowance {
        trigger: Trigger::Message,
        count,
        seconds: 48 * 3600,
    };
    let mall = Platform::with(Capabilities {
        allowances: vec![allowance],
        ..Capabilities::default()
    });
    Set {
        mall: Some(mall),
        ..Set::default()
    }
}

fn used_up() -> ChannelError {
    ChannelError::refused(95001, Remedy::Hold, "out of allowance")
}

/// The platform refuses for want of an allowance, and while its answer is on its way the contact writes: the allowance is
/// open again, so nothing waits for a contact who waits for an answer.
#[tokio::test]
async fn a_contact_who_writes_while_a_refusal_is_on_its_way_gets_the_answer() {
    let world = World::new(kf(5));
    world.with_agent("zhou").await;
    let (ring, bell) = watch::channel(false);
    world.mall.does(Does::Waits(bell, Err(used_up())));
    world.agent_says("system", "zhou", "第一句").await;
    world.mall.is_asked(2).await;
    world.clock.advance(Duration::from_secs(1));
    world.contact_says("zhou", "在吗").await;
    world.desk.hears("在吗").await;
    world.agent_says("system", "zhou", "第二句").await;
    world.until("turned", |depths| depths.arrivals == 0).await;
    ring.send(true).unwrap();
    world.mall.hears("第二句").await;
    world.settled().await;
    let words = world.mall.words();
    assert_eq!(words[words.len() - 2..], ["第一句", "第二句"]);
    assert_eq!(world.depths().await.held, 0);
}

/// Where the platform means it, what is refused again waits, and the contact's next word lets it go.
#[tokio::test]
async fn a_refusal_that_is_meant_holds() {
    let world = World::new(kf(5));
    world.with_agent("zhou").await;
    world.clock.advance(Duration::from_secs(1));
    world.mall.does(Does::Refuses(used_up()));
    world.agent_says("system", "zhou", "第一句").await;
    world.desk.hears("第一句").await;
    world.agent_says("system", "zhou", "第二句").await;
    world.until("held", |depths| depths.held == 2).await;
    world.settled().await;
    world.contact_says("zhou", "在吗").await;
    world.mall.hears("第二句").await;
    world.settled().await;
    let words = world.mall.words();
    assert_eq!(words[words.len() - 2..], ["第一句", "第二句"]);
}

/// The window closes over what is held; the conversation ends, comes back with another agent, and what the first one said
/// comes first.
#[tokio::test]
async fn what_is_held_survives_the_window_the_end_and_another_agent() {
    let mut set = kf(1);
    set.agents = vec!["lin", "system"];
    let world = World::new(set);
    world.with_agent("zhou").await;
    let first = world
        .conversation("zhou")
        .await
        .agent()
        .unwrap()
        .to_string();
    world.agent_says(&first, "zhou", "您的订单已发出").await;
    world.until("held", |depths| depths.held == 1).await;
    world.settled().await;
    world.agent_says(&first, "zhou", "#退出").await;
    world.settled().await;
    for _ in 0..72 {
        world.clock.advance(Duration::from_secs(3600));
        world.settled().await;
    }
    world.contact_says("zhou", "还在吗").await;
    world.mall.hears("您的订单已发出").await;
    world.settled().await;
    let words = world.mall.words();
    assert_eq!(words.last().unwrap(), "您的订单已发出", "{words:?}");
    world.contact_says("zhou", "谢谢").await;
    world.settled().await;
    let words = world.mall.words();
    let twice = words
        .iter()
        .filter(|words| *words == "您的订单已发出")
        .count();
    assert_eq!(twice, 1);
}

/// The assistant's answer in the batch that also brings the wish for a person: the answer goes first or not at all, and
/// nothing of it after the person is there.
#[tokio::test]
async fn no_answer_of_the_assistant_comes_after_the_person() {
    for batch in [false, true] {
        let world = World::new(Set {
            entry: "ai",
            ..Set::default()
        });
        world.contact_says("zhou", "保修多久").await;
        let person = world.arrival("mall", "zhou", Author::Contact, Content::text("转人工"));
        if batch {
            // Both parts of the answer and the wish wait for one turn, or for two: the order of acceptance counts.
            world.mall.hears("您说").await;
        }
        world.take(vec![person]).await;
        world.mall.hears("为您服务").await;
        world.settled().await;
        let words = world.mall.words();
        let there = words.iter().position(|words| words.contains("为您服务"));
        let last = words.iter().rposition(|words| words.contains("可以帮您"));
        assert!(last < there, "{words:?}");
        let parts = words.iter().filter(|words| words.contains("您说")).count();
        let ends = words
            .iter()
            .filter(|words| words.contains("可以帮您"))
            .count();
        assert_eq!(parts, ends, "whole or not at all: {words:?}");
    }
}

/// A part of an answer that the platform will never take: the parts before and after it are there, in order, once.
#[tokio::test]
async fn a_part_that_is_refused_for_good_costs_only_itself() {
    let world = World::new(Set {
        entry: "ai",
        ..Set::default()
    });
    let refused = ChannelError::refused(40001, Remedy::Never, "risky");
    world.mall.does(Does::Refuses(refused));
    world.contact_says("zhou", "保修多久").await;
    world.mall.hears("可以帮您").await;
    world.settled().await;
    assert_eq!(world.mall.words(), ["还有什么可以帮您？"]);
}
