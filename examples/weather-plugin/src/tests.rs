//! A bot is a value in and effects out: no store, no network, no platform.

use bridge_core::{
    bot::Effect,
    message::BotName,
    plugin::{Plugin as _, read_config},
    testkit::{answer, tools, turn_of_agent, turn_of_contact, words},
};
use serde_json::json;

use super::*;

fn weather() -> Weather {
    let config = json!({ "greeting": "今天", "forecasts": { "北京": "晴", "上海": "多云" } });
    Weather::build(read_config(config).unwrap(), &tools()).unwrap()
}

#[tokio::test]
async fn the_weather_of_a_city() {
    for turn in [
        turn_of_contact("#天气 北京"),
        turn_of_agent("system", "#weather 北京"),
    ] {
        let effects = answer(&weather(), &turn).await.unwrap();
        assert_eq!(words(&effects), ["今天：北京，晴"]);
    }
}

#[tokio::test]
async fn the_city_is_remembered() {
    let mut turn = turn_of_contact("#天气 上海");
    for effect in answer(&weather(), &turn).await.unwrap() {
        // What the core does with this effect.
        if let Effect::Remember { bot, value } = effect {
            turn.conversation.memory.insert(bot, value);
        }
    }
    assert_eq!(turn.conversation.memory[&BotName::new("weather")], "上海");
    turn.said = turn_of_contact("#天气").said;
    let effects = answer(&weather(), &turn).await.unwrap();
    assert_eq!(words(&effects), ["今天：上海，多云"]);
}

#[tokio::test]
async fn what_it_does_not_know_it_says() {
    let effects = answer(&weather(), &turn_of_contact("#天气 火星"))
        .await
        .unwrap();
    assert_eq!(words(&effects), ["没有“火星”的天气，可以查询：上海、北京"]);
    let effects = answer(&weather(), &turn_of_contact("#天气")).await.unwrap();
    assert_eq!(words(&effects), ["请写上城市，例如：#天气 北京"]);
}

#[tokio::test]
async fn the_core_refuses_what_is_badly_written_with_the_usage() {
    let effects = answer(&weather(), &turn_of_contact("#天气 北京 上海"))
        .await
        .unwrap();
    assert!(
        words(&effects)[0].starts_with("多出了“上海”"),
        "{effects:?}"
    );
}

#[test]
fn it_works_without_a_section_and_refuses_a_wrong_one() {
    assert!(Weather::build(read_config(json!({})).unwrap(), &tools()).is_ok());
    let unknown = read_config::<Config>(json!({ "greetings": "今天" })).unwrap_err();
    assert!(unknown.what.contains("greetings"), "{unknown}");
    let empty = Weather::build(read_config(json!({ "forecasts": {} })).unwrap(), &tools());
    assert_eq!(
        empty.err().map(|fault| fault.key),
        Some("forecasts".to_owned())
    );
}
