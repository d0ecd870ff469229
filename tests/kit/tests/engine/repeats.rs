//! What is brought again is not taken again, however long a conversation stays open.

use std::time::Duration;

use async_trait::async_trait;
use bridge_core::{
    channel::{ChannelError, DeskThread, Page, Pull, PullHint},
    message::{Arrival, Author, Content, PeerId, What},
    testkit,
};

use crate::world::{Platform, Set, World, stand_in};

/// A history that brings the agent's last words at every look.
struct LastWords;

fn last_words() -> Arrival {
    let mut arrival = testkit::arrival("");
    (arrival.inbox, arrival.peer) = ("desk".into(), stand_in("zhou"));
    arrival.author = Author::Agent(PeerId::new("agent_system"));
    arrival.what = What::Content(Content::text("我查一下，下周答复您"));
    arrival.trigger = None;
    arrival
}

#[async_trait]
impl Pull for LastWords {
    async fn pull(&self, _: &str, _: Option<&str>, _: Option<&str>) -> Result<Page, ChannelError> {
        Ok(Page {
            arrivals: vec![last_words()],
            cursor: None,
            more: false,
        })
    }

    fn routine(&self, open: &[DeskThread]) -> Vec<PullHint> {
        let hint = |_: &DeskThread| PullHint {
            topic: "zhou".to_owned(),
            token: None,
        };
        open.iter().map(hint).collect()
    }

    fn every(&self) -> Duration {
        Duration::from_secs(600)
    }
}

#[tokio::test]
async fn what_was_said_last_is_said_once_through_a_week_of_silence() {
    let desk = Platform {
        pull: Some(Box::new(LastWords)),
        ..Platform::default()
    };
    let world = World::new(Set {
        desk,
        turn: |settings| settings.idle_timeout = Duration::from_secs(7 * 86_400),
        ..Set::default()
    });
    world.with_agent("zhou").await;
    let hour = Duration::from_secs(3600);
    for _ in 0..6 * 24 {
        world.clock.advance(hour);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        world.settled().await;
    }
    let words = world.mall.words();
    let said = words.iter().filter(|words| words.contains("下周答复您"));
    assert_eq!(said.count(), 1, "{words:?}");
}
