//! Sends in bad weather.

use bridge_core::channel::{Channel, Dispatch};
use bridge_core::message::Content;

use super::super::kit::STAND_IN;
use super::stage;

#[tokio::test]
async fn in_bad_weather_each_message_is_heard_once() {
    for weather in [
        "tim.send=cut-afterx1",
        "tim.send=cutx1",
        "tim.send=http:502x1",
        "tim.send=20003x1",
        "tim.send=90012x1",
    ] {
        let stage = stage().await;
        stage.sends(1, Content::text("一")).await.unwrap();
        stage.sandbox.order(weather).unwrap();
        stage
            .sends(2, Content::text("二"))
            .await
            .unwrap_or_else(|error| panic!("{weather}: {error}"));
        stage.sends(3, Content::text("三")).await.unwrap();
        let heard = stage.sandbox.tim().messages("agent_system", STAND_IN);
        let words: Vec<String> = heard.iter().map(|message| message.text()).collect();
        assert_eq!(words, ["一", "二", "三"], "{weather}");
    }
}

#[tokio::test]
async fn a_process_that_died_after_sending_does_not_send_again() {
    let stage = stage().await;
    // The service forgets at once here, as the real one does after a second.
    let first = stage.dispatch(1, Content::text("一"));
    let receipt = stage.channel.send(&first).await.unwrap();
    let again = Dispatch {
        attempt: 2,
        ..first
    };
    let other = stage.another_process();
    assert_eq!(other.send(&again).await.unwrap(), receipt);
    assert_eq!(
        stage.sandbox.tim().messages("agent_system", STAND_IN).len(),
        1
    );
}

#[tokio::test]
async fn the_check_finds_nothing_wrong() {
    let stage = stage().await;
    let findings = stage.channel.check().unwrap().check().await;
    assert!(findings.iter().all(|finding| finding.ok), "{findings:?}");
}
