//! What breaks or never answers is one message's misfortune, never the bridge's.

use std::{collections::VecDeque, ops::ControlFlow, sync::Arc, time::Duration};

use async_trait::async_trait;
use bridge_core::{
    bot::Turn,
    chain::{ChainError, Ending, Filter},
    channel::{ChannelError, DeskThread, Page, Presence, Pull, PullHint},
    message::{Author, Content, PeerId},
};
use parking_lot::Mutex;

use crate::world::{Does, Platform, Set, World};

/// A guard of a third party: it stumbles over some words.
struct Stumbles;

#[async_trait]
impl Filter<Turn> for Stumbles {
    type Out = Turn;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        match turn.words() {
            Some("绊") => panic!("on purpose"),
            Some("卡") => std::future::pending().await,
            _ => Ok(ControlFlow::Continue(turn)),
        }
    }
}

/// More stumbles than there are workers: whoever comes after is served, and whoever stumbled reaches a person.
#[tokio::test]
async fn a_guard_that_panics_or_hangs_ends_its_turn_and_nothing_else() {
    let world = World::new(Set {
        guards: vec![Arc::new(Stumbles)],
        turn: |settings| settings.turn_workers = 2,
        ..Set::default()
    });
    world.with_agent("zhou").await;
    for word in ["绊", "卡", "绊", "卡", "绊", "卡"] {
        world.contact_says("zhou", word).await;
    }
    world.contact_says("wu", "你好").await;
    world.contact_says("zhou", "还在吗").await;
    world.desk.hears("还在吗").await;
    world.settled().await;
    let words = world.desk.words();
    for word in ["绊", "卡"] {
        let reached = words.iter().filter(|heard| *heard == word).count();
        assert_eq!(reached, 3, "{word}: {words:?}");
    }
    assert_eq!(world.depths().await.assigned, 2);
}

/// A dispatch on which its channel breaks is given up like any other, and what comes after it goes on.
#[tokio::test]
async fn a_channel_that_panics_keeps_nobody_waiting() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    for _ in 0..100 {
        world.mall.does(Does::Panics);
    }
    world.agent_says("system", "zhou", "第一句").await;
    world.mall.is_asked(1).await;
    let given_up = async |world: &World| {
        let words = world.desk.words();
        words.iter().any(|heard| heard.contains("第一句"))
    };
    let most = Duration::from_secs(3600);
    world.passes(Duration::from_secs(1), most, given_up).await;
    world.mall.does.lock().clear();
    world.agent_says("system", "zhou", "第二句").await;
    world.mall.hears("第二句").await;
    world.settled().await;
}

#[tokio::test]
async fn a_channel_that_hangs_is_not_waited_for_for_ever() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    // The limit on a send is of real time: nobody waits for it here.
    let world = world
        .next_life(Set {
            turn: |settings| {
                settings.send_timeout = Duration::from_millis(20);
                settings.dispatch_attempts = 1;
            },
            ..Set::default()
        })
        .await;
    world.mall.does(Does::Hangs);
    world.agent_says("system", "zhou", "第一句").await;
    world.agent_says("system", "zhou", "第二句").await;
    world.mall.hears("第二句").await;
    world.desk.hears("第一句").await;
    world.settled().await;
}

/// Pulls as it is told: breaks, says nothing, or brings a word.
#[derive(Default)]
struct Pulls {
    does: Mutex<VecDeque<Pulled>>,
}

enum Pulled {
    Panics,
    Hangs,
    Brings(&'static str),
}

#[async_trait]
impl Pull for Pulls {
    async fn pull(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Result<Page, ChannelError> {
        let next = self.does.lock().pop_front();
        match next {
            None => Ok(Page::default()),
            Some(Pulled::Panics) => panic!("on purpose"),
            Some(Pulled::Hangs) => std::future::pending().await,
            Some(Pulled::Brings(words)) => {
                let mut arrival = bridge_core::testkit::arrival(words);
                (arrival.peer, arrival.author) = (PeerId::new("zhou"), Author::Contact);
                arrival.what = bridge_core::message::What::Content(Content::text(words));
                Ok(Page {
                    arrivals: vec![arrival],
                    cursor: None,
                    more: false,
                })
            }
        }
    }

    fn routine(&self, _: &[DeskThread]) -> Vec<PullHint> {
        vec![PullHint {
            topic: "all".to_owned(),
            token: None,
        }]
    }

    fn every(&self) -> Duration {
        Duration::from_secs(1)
    }
}

async fn brought_after(first: Pulled) {
    let pulls = Pulls::default();
    pulls
        .does
        .lock()
        .extend([first, Pulled::Brings("终于来了")]);
    let mall = Platform {
        pull: Some(Box::new(pulls)),
        ..Platform::default()
    };
    // Which is a limit of real time, too.
    let world = World::new(Set {
        mall: Some(mall),
        turn: |settings| settings.send_timeout = Duration::from_millis(50),
        ..Set::default()
    });
    let heard = async |world: &World| {
        let words = world.desk.words();
        words.iter().any(|heard| heard.contains("终于来了"))
    };
    // The limit is real time, and a quick machine passes an hour of this clock before it is over.
    let most = Duration::from_secs(365 * 86_400);
    world.passes(Duration::from_secs(1), most, heard).await;
}

#[tokio::test]
async fn a_pull_that_panics_is_made_again() {
    brought_after(Pulled::Panics).await;
}

#[tokio::test]
async fn a_pull_that_hangs_is_made_again() {
    brought_after(Pulled::Hangs).await;
}

/// Breaks or says nothing where it is asked who is there.
struct Absent {
    panics: bool,
}

#[async_trait]
impl Presence for Absent {
    async fn online(&self, _: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError> {
        assert!(!self.panics, "on purpose");
        std::future::pending().await
    }
}

/// Whoever waits gets a seat, whether or not the platform says who is there.
#[tokio::test]
async fn a_platform_that_does_not_say_who_is_there_keeps_no_seat() {
    for panics in [true, false] {
        let desk = Platform {
            presence: Some(Box::new(Absent { panics })),
            ..Platform::default()
        };
        let world = World::new(Set {
            desk,
            ..Set::default()
        });
        for peer in ["a", "b", "c"] {
            world.contact_says(peer, "你好").await;
        }
        world.until("queued", |depths| depths.queued == 1).await;
        world.settled().await;
        let conversation = world.conversation("a").await;
        assert!(conversation.agent().is_some());
        world.agent_says("system", "a", "#退出").await;
        let seated = async |world: &World| world.depths().await.queued == 0;
        let most = Duration::from_secs(3600);
        world.passes(Duration::from_secs(1), most, seated).await;
    }
}

/// However often the turns of it failed, for whatever happened around them: what was said reaches the other side.
#[tokio::test]
async fn what_is_given_up_is_said_all_the_same() {
    let world = World::new(Set::default());
    world.with_agent("zhou").await;
    let world = world
        .next_life(Set {
            // As if each had failed too often already.
            turn: |settings| settings.arrival_failures = 0,
            ..Set::default()
        })
        .await;
    world.agent_says("system", "zhou", "明天送到").await;
    world.mall.hears("明天送到").await;
    world.contact_says("zhou", "好的").await;
    world.desk.hears("好的").await;
    world.agent_says("system", "zhou", "#退出").await;
    world.desk.hears("稍后").await;
    world.settled().await;
    let said = world.mall.words();
    assert!(!said.iter().any(|words| words.contains('#')), "{said:?}");
    assert_eq!(world.depths().await.assigned, 1, "no command by halves");
}
