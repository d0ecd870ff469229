//! Clocks are set, back and forward, by people and by time servers: nothing stands still for it and nothing is lost.

use std::time::Duration;

use bridge_core::{channel::ChannelError, clock::Clock as _, error::Remedy};

use crate::world::{Does, Set, World};

const HOUR: Duration = Duration::from_secs(3600);

/// The store loses a bell now and then in a cluster: the poll finds what it told of, wherever the clock was set.
#[tokio::test]
async fn a_clock_that_is_set_back_stops_no_loop() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    world.clock.set(world.clock.now() - 10 * HOUR);
    // Past the engine's own bells, as another node would.
    let said = world.said_by("system", "zhou", "一小时前的钟");
    let intake = bridge_core::store::Intake {
        arrivals: vec![said],
        cursor: None,
        entry: "transfer".into(),
    };
    bridge_core::store::Store::accept(&*world.store, intake)
        .await
        .unwrap();
    let heard =
        async |world: &World| !world.mall.words().is_empty() && world.depths().await.arrivals == 0;
    world
        .passes(Duration::from_secs(1), Duration::from_secs(60), heard)
        .await;
    world.mall.hears("一小时前的钟").await;
    world.settled().await;
    world.contact_says("wu", "你好").await;
    world.desk.hears("你好").await;
    world.settled().await;
}

/// Deadlines whose time a jump skips ring at once; a jump back makes none ring twice.
#[tokio::test]
async fn a_clock_that_is_set_forward_rings_what_it_skipped_once() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let before = world.clock.now();
    world.clock.set(before + 25 * HOUR);
    let over = async |world: &World| world.depths().await.assigned == 0;
    world
        .passes(Duration::from_secs(1), Duration::from_secs(60), over)
        .await;
    world.settled().await;
    world.clock.set(before);
    world.contact_says("zhou", "还在吗").await;
    world.settled().await;
    world.clock.set(before + 23 * HOUR);
    for _ in 0..30 {
        world.clock.advance(Duration::from_secs(1));
        world.settled().await;
    }
    assert_eq!(world.depths().await.assigned, 1);
    let closed = world.mall.words();
    let closed = closed.iter().filter(|words| words.contains("自动结束"));
    assert_eq!(closed.count(), 1);
}

/// A try that is put off is made in time, by a clock that jumped ahead at once.
#[tokio::test]
async fn a_retry_is_made_after_a_jump_ahead() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let after = Duration::from_secs(200);
    let refused = ChannelError::network(Remedy::Retry { after }, "not now");
    world.mall.does(Does::Refuses(refused));
    world.agent_says("system", "zhou", "稍后").await;
    world.mall.is_asked(2).await;
    world.clock.set(world.clock.now() + HOUR);
    let sent = async |world: &World| world.depths().await.dispatches == 0;
    world
        .passes(Duration::from_secs(1), Duration::from_secs(60), sent)
        .await;
    world.mall.hears("稍后").await;
}
