//! An agent takes back what they said: that and nothing else is withdrawn.

use bridge_core::{
    channel::{Allowance, Capabilities},
    message::{Author, Content, PeerId, Trigger},
};

use crate::world::{Platform, Set, World, stand_in};

fn narrow(count: u32) -> Set {
    let allowance = Allowance {
        trigger: Trigger::Message,
        count,
        seconds: 48 * 3600,
    };
    let mall = Platform::with(Capabilities {
        text_bytes: Some(2048),
        allowances: vec![allowance],
        ..Capabilities::default()
    });
    Set {
        mall: Some(mall),
        ..Set::default()
    }
}

fn recalled(world: &World, external_id: &str) -> bridge_core::message::Arrival {
    let author = Author::Agent(PeerId::new("agent_system"));
    let content = Content::Recalled {
        external_id: external_id.to_owned(),
    };
    world.arrival("desk", stand_in("zhou").as_str(), author, content)
}

/// Two messages in one turn that became one, because the allowance is short: who takes back the one still says the other.
#[tokio::test]
async fn what_was_merged_with_it_is_not_lost() {
    let world = World::new(narrow(1));
    world.with_agent("zhou").await;
    let (one, other) = (
        world.said_by("system", "zhou", "说错了"),
        world.said_by("system", "zhou", "您的订单已发出"),
    );
    let id = one.external_id.to_string();
    world.take(vec![one, other]).await;
    world.until("held", |depths| depths.held > 0).await;
    world.settled().await;
    let taken_back = recalled(&world, &id);
    world.take(vec![taken_back]).await;
    world.settled().await;
    world.contact_says("zhou", "在吗").await;
    world.mall.hears("您的订单已发出").await;
    world.settled().await;
    let told_gone = world
        .desk
        .words()
        .iter()
        .any(|words| words.contains("已撤回"));
    let heard = world
        .mall
        .words()
        .iter()
        .any(|words| words.contains("说错了"));
    assert!(told_gone != heard, "the agent is told the truth");
}

/// What is said and taken back in one breath never leaves.
#[tokio::test]
async fn what_is_taken_back_in_the_same_turn_never_leaves() {
    let world = World::new(narrow(20));
    world.with_agent("zhou").await;
    let said = world.said_by("system", "zhou", "说错了");
    let id = said.external_id.to_string();
    let taken_back = recalled(&world, &id);
    let after = world.said_by("system", "zhou", "说对了");
    world.take(vec![said, taken_back, after]).await;
    world.mall.hears("说对了").await;
    world.settled().await;
    let words = world.mall.words();
    assert!(
        words.iter().all(|words| !words.contains("说错了")),
        "{words:?}"
    );
    world.desk.hears("已撤回").await;
}

/// Somebody else's message, or one that is not there, is not withdrawn by whoever asks.
#[tokio::test]
async fn nobody_takes_back_what_is_not_theirs() {
    let world = World::new(narrow(1));
    world.with_agent("zhou").await;
    let said = world.said_by("system", "zhou", "您的订单已发出");
    let id = said.external_id.to_string();
    world.take(vec![said]).await;
    world.until("held", |depths| depths.held > 0).await;
    world.settled().await;
    let mut theirs = recalled(&world, &id);
    theirs.author = Author::Agent(PeerId::new("agent_lin"));
    let nothing = recalled(&world, "");
    world.take(vec![theirs, nothing]).await;
    world.settled().await;
    assert_eq!(world.depths().await.held, 1);
    world.contact_says("zhou", "在吗").await;
    world.mall.hears("您的订单已发出").await;
    world.settled().await;
}
