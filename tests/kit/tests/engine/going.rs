//! A node goes: what it has in hand is the next one's at once, and what comes in meanwhile is kept.

use std::time::Duration;

use bridge_core::{
    chain::Addressed,
    channel::{Ack, Decoded, Delivery, Verb},
    clock::Clock as _,
    message::{Arrival, Author, Content, ExternalId, InboxName, PeerId, Trigger, What},
};

use crate::world::{Platform, Set, World};

/// Time stands still: no lease ends.
#[tokio::test]
async fn an_answer_in_the_making_is_left_to_the_next_at_once() {
    let set = || Set {
        entry: "ai",
        ..Set::default()
    };
    let world = World::new(set());
    world.contact_says("zhou", "想一想").await;
    let mut asked = world.asked.subscribe();
    asked.wait_for(|asked| *asked == 1).await.unwrap();
    let world = world.next_life(set()).await;
    world.mall.hears("您说：想一想").await;
    world.settled().await;
    assert_eq!(*world.asked.borrow(), 1, "once in this life");
}

/// Who has not heard yet that this node goes is not turned away.
#[tokio::test]
async fn what_comes_in_while_a_node_goes_is_kept_for_the_next() {
    let mall = Platform {
        decodes: Some(Box::new(said)),
        ..Platform::default()
    };
    let world = World::new(Set {
        mall: Some(mall),
        ..Set::default()
    });
    world.with_agent("zhou").await;
    world.engine.wind_down(Duration::from_secs(30)).await;
    let delivery = Delivery {
        verb: Verb::Post,
        query: String::new(),
        body: "在吗".into(),
        received_at: world.clock.now(),
    };
    let inbox = InboxName::new("mall");
    let addressed = Addressed { inbox, delivery };
    world.engine.ingress(addressed).await.unwrap();
    assert_eq!(world.depths().await.arrivals, 1);
    let world = world.next_life(Set::default()).await;
    world.desk.hears("在吗").await;
    world.settled().await;
}

fn said(delivery: &Delivery) -> Decoded {
    let words = String::from_utf8_lossy(&delivery.body);
    let arrival = Arrival {
        inbox: InboxName::new("mall"),
        external_id: ExternalId::from("while it goes".to_owned()),
        peer: PeerId::new("zhou"),
        author: Author::Contact,
        what: What::Content(Content::text(words)),
        sent_at: delivery.received_at,
        received_at: delivery.received_at,
        decoded_at: None,
        trigger: Some(Trigger::Message),
        profile: None,
    };
    Decoded {
        ack: Ack::text("success"),
        arrivals: vec![arrival],
        pull: None,
    }
}
