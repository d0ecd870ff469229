//! What an agent cannot be shown: they are told so, once, and nobody waits for an answer to what nobody saw.

use std::time::Duration;

use bridge_core::{channel::ChannelError, clock::Clock as _, error::Remedy};

use crate::world::{Does, Set, World};

fn sensitive() -> ChannelError {
    ChannelError::refused(80001, Remedy::Never, "judged sensitive")
}

#[tokio::test]
async fn an_agent_hears_of_what_cannot_be_shown() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    world.desk.does(Does::Refuses(sensitive()));
    world.contact_says("zhou", "不让显示的话").await;
    world.desk.hears("无法在这里显示").await;
    world.contact_says("zhou", "下一句").await;
    world.desk.hears("下一句").await;
    world.settled().await;
    assert!(
        !world
            .desk
            .words()
            .iter()
            .any(|words| words == "不让显示的话")
    );
}

/// Where nothing at all can be shown, that is not told for ever.
#[tokio::test]
async fn a_desk_that_shows_nothing_is_not_told_so_without_end() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    *world.desk.always.lock() = Some(sensitive());
    let before = *world.desk.asked.borrow();
    world.contact_says("zhou", "不让显示的话").await;
    world.settled().await;
    assert_eq!(*world.desk.asked.borrow() - before, 2);
}

/// A clock that is set back while a conversation goes on: whoever takes it over is shown all of it.
#[tokio::test]
async fn a_card_has_what_was_said_after_the_clock_was_set_back() {
    let world = World::new(Set {
        agents: vec!["lin", "system"],
        ..Set::default()
    });
    world.with_agent("zhou").await;
    world
        .clock
        .set(world.clock.now() - Duration::from_secs(3600));
    world.contact_says("zhou", "订单 42 在哪").await;
    world.desk.hears("订单 42").await;
    world.settled().await;
    let first = world
        .conversation("zhou")
        .await
        .agent()
        .unwrap()
        .to_string();
    let other = if first == "lin" { "system" } else { "lin" };
    world
        .agent_says(&first, "zhou", &format!("#转接 -n {other}"))
        .await;
    world.settled().await;
    let took = world.desk.took.borrow();
    let account = format!("agent_{other}");
    let card = took.iter().find(|one| one.to.as_str() == account).unwrap();
    assert!(
        card.content.words().unwrap().contains("订单 42"),
        "{card:?}"
    );
}
