//! What an agent cannot be shown: they are told so, once, and nobody waits for an answer to what nobody saw.

use std::time::Duration;

use bridge_core::{
    channel::ChannelError,
    clock::Clock as _,
    error::Remedy,
    message::{Author, Content, Event, InboxName, Media},
    texts::Locale,
};

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

/// A bridge that speaks English speaks it everywhere: the contact's name, the card, its note, what names a picture.
#[tokio::test]
async fn an_english_desk_reads_no_chinese() {
    let english = || Set {
        agents: vec!["lin", "system"],
        locale: Locale::En,
        turn: |settings| settings.low_allowance = 9,
        ..Set::default()
    };
    let world = World::new(english());
    world.contact_says("zhou", "hello").await;
    world.mall.hears("is with you now").await;
    world.settled().await;
    let picture = Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    };
    let entered = Content::Event(Event::Entered {
        from: "page=pages/item&order=42".to_owned(),
        greet: false,
    });
    for content in [picture, entered] {
        let shown = world.arrival("mall", "zhou", Author::Contact, content);
        world.take(vec![shown]).await;
    }
    world.settled().await;
    let (first, other) = match world.conversation("zhou").await.agent().unwrap().as_str() {
        "lin" => ("lin", "system"),
        _ => ("system", "lin"),
    };
    let order = format!("#transfer -n {other} -m \"wants a refund\"");
    world.agent_says(first, "zhou", &order).await;
    world.desk.hears("wants a refund").await;
    world.settled().await;
    let took = world.desk.took.borrow().clone();
    let names = took.iter().filter_map(|one| one.sender.as_ref());
    let mut words: Vec<String> = names.map(|persona| persona.name.clone()).collect();
    words.extend(world.desk.words());
    words.extend(world.mall.words());
    let is_chinese = |c: char| ('\u{3000}'..='\u{ffef}').contains(&c);
    let chinese: Vec<&String> = words
        .iter()
        .filter(|said| said.contains(is_chinese))
        .collect();
    assert!(chinese.is_empty(), "{chinese:?}");
    assert!(
        words.iter().any(|said| said.contains("[picture]")),
        "{words:?}"
    );
    assert!(
        words.iter().any(|said| said.contains("order 42")),
        "{words:?}"
    );
}
