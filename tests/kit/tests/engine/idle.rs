//! Silence ends a conversation; talking does not.

use std::time::Duration;

use bridge_core::{clock::Clock as _, conversation::Phase};

use crate::world::{Set, World};

const HOUR: Duration = Duration::from_secs(3600);

fn resolved(world_phase: &Phase) -> bool {
    matches!(world_phase, Phase::Resolved { .. })
}

async fn over(world: &World) -> bool {
    resolved(&world.conversation("zhou").await.phase)
}

/// Hours pass, and each brings a word.
async fn talks(world: &World, hours: u32) {
    for hour in 0..hours {
        for _ in 0..6 {
            world.clock.advance(HOUR / 6);
            world.settled().await;
        }
        let text = format!("第 {hour} 小时");
        match hour % 2 {
            0 => {
                world.contact_says("zhou", &text).await;
                world.desk.hears(&text).await;
            }
            _ => {
                world.agent_says("system", "zhou", &text).await;
                world.mall.hears(&text).await;
            }
        }
        world.settled().await;
    }
}

#[tokio::test]
async fn whoever_talks_is_not_cut_off_whoever_is_silent_is() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    talks(&world, 60).await;
    assert!(!over(&world).await, "two days and a half of talk");
    let before = world.clock.now();
    world.passes(HOUR / 2, 48 * HOUR, over).await;
    let silent = world.clock.now().since(before);
    assert!(silent >= 23 * HOUR, "{silent:?}");
    world.settled().await;
    assert_eq!(world.depths().await.assigned, 0, "the seat is free");
}

/// With an assistant, too, and in later episodes as in the first.
#[tokio::test]
async fn an_assistants_talk_goes_on_while_there_is_any() {
    let world = World::new(Set {
        entry: "ai",
        ..Set::default()
    });
    world.contact_says("zhou", "转人工").await;
    world.desk.hears("新会话").await;
    world.settled().await;
    world.agent_says("system", "zhou", "#退出").await;
    world.settled().await;
    assert!(over(&world).await);
    for hour in 0..50 {
        for _ in 0..6 {
            world.clock.advance(HOUR / 6);
            world.settled().await;
        }
        let text = format!("第 {hour} 小时");
        world.contact_says("zhou", &text).await;
        world.mall.hears(&format!("您说：{text}")).await;
        world.settled().await;
    }
    let conversation = world.conversation("zhou").await;
    assert_eq!(conversation.phase, Phase::Assisted);
    assert_eq!(
        conversation.episode, 4,
        "assigned, resolved, reopened: not once more"
    );
    world.passes(HOUR / 2, 48 * HOUR, over).await;
    world.settled().await;
}
