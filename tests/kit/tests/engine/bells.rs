//! Each step wakes the next. The clock stands still here, so that no fallback helps: a bell rung too early, before what it
//! tells of can be seen, is never made up for.

use crate::world::{Set, World};

/// A slow bot is asked as soon as the question is committed, and not when a timer thinks of it.
#[tokio::test]
async fn whoever_asks_a_slow_bot_is_answered_at_once() {
    let world = World::new(Set {
        entry: "ai",
        ..Set::default()
    });
    for number in 0..20 {
        let said = format!("第{number}问");
        world.contact_says("zhou", &said).await;
        world.mall.hears(&format!("您说：{said}")).await;
        world.settled().await;
    }
}
