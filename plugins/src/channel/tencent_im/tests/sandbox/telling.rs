//! What callbacks and the history tell, whatever becomes of them on the way.

use bridge_core::channel::Channel;
use bridge_core::message::{Author, Content, Event, PeerId, What};

use super::super::kit::STAND_IN;
use super::stage;

#[tokio::test]
async fn a_chat_goes_both_ways_and_nothing_echoes() {
    let mut stage = stage().await;
    stage
        .sends(1, Content::text("请问什么时候发货?"))
        .await
        .unwrap();
    let heard = stage.agent.hears().await.unwrap();
    assert_eq!(
        (heard.peer.as_str(), heard.text()),
        (STAND_IN, "请问什么时候发货?")
    );
    let profile = stage.sandbox.tim().profile(STAND_IN).unwrap();
    assert_eq!(
        profile,
        (
            "小周".into(),
            "https://kefu.example.test/media/zhou.jpg".into()
        )
    );

    assert!(
        stage
            .agent
            .says(STAND_IN, "今天下午")
            .unwrap()
            .await
            .delivered()
    );
    let said = stage.arrives().await;
    assert_eq!(said.what, What::Content(Content::text("今天下午")));
    assert_eq!(
        (said.peer.as_str(), said.author),
        (STAND_IN, Author::Agent(PeerId::new("agent_system")))
    );
    stage.nothing_else();
}

#[tokio::test]
async fn a_callback_that_never_came_is_found_in_the_history() {
    let mut stage = stage().await;
    stage.sends(1, Content::text("在吗")).await.unwrap();
    assert!(
        stage
            .agent
            .says(STAND_IN, "到了")
            .unwrap()
            .await
            .delivered()
    );
    let told = stage.arrives().await;
    stage.sandbox.order("tim.callback=dropx1").unwrap();
    assert!(
        !stage
            .agent
            .says(STAND_IN, "丢了")
            .unwrap()
            .await
            .delivered()
    );
    stage.nothing_else();

    let found = stage.pulled().await;
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0].external_id, told.external_id,
        "what both tell is the same arrival"
    );
    assert_eq!(found[1].what, What::Content(Content::text("丢了")));
}

#[tokio::test]
async fn repeated_and_forged_callbacks_are_told_apart() {
    let mut stage = stage().await;
    stage.sends(1, Content::text("在吗")).await.unwrap();
    stage.sandbox.order("tim.callback=duplicatex1").unwrap();
    stage.agent.says(STAND_IN, "两遍").unwrap().await;
    let (first, second) = (stage.arrives().await, stage.arrives().await);
    assert_eq!(first.external_id, second.external_id);

    stage.sandbox.order("tim.callback=forgex1").unwrap();
    let forged = stage.agent.says(STAND_IN, "假的").unwrap().await;
    assert_eq!((forged.delivered(), forged.status), (false, Some(401)));
    stage.nothing_else();
}

#[tokio::test]
async fn recalls_readings_and_presence_are_told() {
    let mut stage = stage().await;
    let receipt = stage.sends(1, Content::text("在吗")).await.unwrap();
    assert!(stage.agent.reads(STAND_IN).await.unwrap().delivered());
    assert!(matches!(
        stage.arrives().await.what,
        What::Content(Content::Event(Event::Read { .. }))
    ));

    stage.agent.says(STAND_IN, "错了").unwrap().await;
    let said = stage.arrives().await;
    let key = stage
        .sandbox
        .tim()
        .messages("agent_system", STAND_IN)
        .pop()
        .unwrap()
        .key;
    assert!(
        stage
            .agent
            .recalls(STAND_IN, &key)
            .unwrap()
            .await
            .unwrap()
            .delivered()
    );
    let external_id = said.external_id.as_str().to_owned();
    let recall = stage.arrives().await;
    assert_eq!(
        recall.what,
        What::Content(Content::Recalled { external_id })
    );
    assert_eq!(stage.pulled().await[0].external_id, recall.external_id);

    assert!(stage.agent.logs_out().await.unwrap().delivered());
    assert_eq!(
        stage.arrives().await.what,
        What::Content(Content::Event(Event::Presence { online: false }))
    );
    let accounts = ["agent_system", "agent_lin", "nobody"].map(PeerId::new);
    let known = stage
        .channel
        .presence()
        .unwrap()
        .online(&accounts)
        .await
        .unwrap();
    assert_eq!(
        known,
        [
            (PeerId::new("agent_system"), false),
            (PeerId::new("agent_lin"), true)
        ]
    );

    let recall = stage.channel.recall().unwrap();
    let (to, sender) = (PeerId::new("agent_system"), PeerId::new(STAND_IN));
    recall.recall(&to, Some(&sender), &receipt).await.unwrap();
    recall.recall(&to, Some(&sender), &receipt).await.unwrap();
    let taken_back = stage.sandbox.tim().messages("agent_system", STAND_IN);
    assert!(taken_back.iter().all(|message| message.recalled));
}
