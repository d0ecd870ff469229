//! The assistant over the sandbox's Dify, which was written from the protocol notes by other hands and checks what the
//! real one checks.

use std::time::Duration;

use bridge_core::{
    bot::{Effect, Turn},
    message::{Content, InboxName, Media},
};
use bridge_sandbox::{
    AppMode, DifyApp, Sandbox, Settings, Shape,
    dify::{Gate, Script},
};
use serde_json::json;

use super::{
    failures::patiently,
    kit::{Kit, Shelf, remembered, routed, told, turn_with},
};

const MODES: [(AppMode, &str); 3] = [
    (AppMode::Chat, "chat"),
    (AppMode::Agent, "agent"),
    (AppMode::Chatflow, "chatflow"),
];

/// A sandbox with one app, which streams without pauses.
fn sandbox(mode: AppMode, shape: Shape, cut_every: usize) -> Sandbox {
    let mut settings = Settings::default();
    settings.dify.pace = Duration::ZERO;
    settings.dify.cut_every = cut_every;
    settings.dify.apps = vec![DifyApp {
        key: "app-sandbox".into(),
        mode,
        shape,
    }];
    Sandbox::start(settings).unwrap()
}

async fn kit(sandbox: &Sandbox, app: &str) -> Kit {
    kit_with(sandbox, app, Shelf::default()).await
}

async fn kit_with(sandbox: &Sandbox, app: &str, shelf: Shelf) -> Kit {
    let base = sandbox.dify_base();
    let settings = json!({"api_base": base, "api_key": "app-sandbox", "app": app});
    Kit::over(settings, shelf).await
}

async fn asks(kit: &Kit, words: &str) -> Vec<Effect> {
    patiently(kit, kit.asks(Turn::of_contact(words)))
        .await
        .unwrap()
}

#[tokio::test]
async fn every_app_of_every_version_answers_however_its_stream_is_cut() {
    for (mode, app) in MODES {
        for shape in [Shape::V0_15, Shape::V1_13] {
            for cut_every in [0, 1, 7] {
                let sandbox = sandbox(mode, shape, cut_every);
                let kit = kit(&sandbox, app).await;
                let first = asks(&kit, "我叫小周").await;
                let name = told(&first);
                assert!(
                    name[0].starts_with("小周，很高兴认识您"),
                    "{app} {shape:?}: {name:?}"
                );
                // It knows the name only if the conversation went on.
                let second = kit.answer(&turn_with("我叫什么", remembered(&first))).await;
                let recalled = told(&second.unwrap());
                assert!(
                    recalled[0].contains("您是小周"),
                    "{app} {shape:?}: {recalled:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn whatever_a_model_does_the_contact_hears_something() {
    for (mode, app) in MODES {
        let sandbox = sandbox(mode, Shape::V1_13, 0);
        let kit = kit(&sandbox, app).await;
        for marker in ["think", "replace", "tool", "split", "long"] {
            let words = told(&asks(&kit, &format!("[{marker}] 可以退货吗")).await);
            assert_eq!(words.len(), 1, "{app} {marker}");
            assert!(!words[0].contains("不该被看到") && !words[0].contains("先想一想"));
            assert!(
                words[0].contains("退换货") || marker == "long",
                "{app} {marker}: {words:?}"
            );
        }
        for marker in ["error", "quota", "empty"] {
            let asked = kit.asks(Turn::of_contact(&format!("[{marker}] 可以退货吗")));
            let failed = patiently(&kit, asked).await;
            assert!(failed.is_err(), "{app} {marker}: {failed:?}");
        }
        for marker in ["cut", "vanish"] {
            let asked = kit.asks(Turn::of_contact(&format!("[{marker}] 可以退货吗")));
            match patiently(&kit, asked).await {
                Ok(effects) => assert!(!told(&effects).is_empty(), "{app} {marker}"),
                Err(error) => assert!(!error.detail.is_empty(), "{app} {marker}"),
            }
        }
    }
}

#[tokio::test]
async fn the_shop_assistants_mark_brings_a_person() {
    let sandbox = sandbox(AppMode::Chat, Shape::V1_13, 3);
    let kit = kit(&sandbox, "chat").await;
    let effects = asks(&kit, "我要投诉").await;
    assert_eq!(told(&effects), ["好的，正在为您转接人工客服，请稍候。"]);
    assert!(routed(&effects).is_some());
}

#[tokio::test]
async fn conversations_that_were_cleaned_up_are_begun_anew() {
    let sandbox = sandbox(AppMode::Chatflow, Shape::V1_13, 0);
    let kit = kit(&sandbox, "chatflow").await;
    let first = asks(&kit, "我叫小周").await;
    sandbox.dify().forgets_conversations();
    let effects = kit
        .answer(&turn_with("可以退货吗", remembered(&first)))
        .await
        .unwrap();
    assert!(!told(&effects).is_empty());
    let asked = sandbox.dify().asked();
    let kept = remembered(&effects).unwrap()["conversation"].clone();
    assert_eq!(kept, asked.last().unwrap().conversation_id.as_str());
    assert_ne!(kept, remembered(&first).unwrap()["conversation"]);
}

#[tokio::test]
async fn a_lost_answer_of_a_chatflow_is_found_and_not_asked_for_again() {
    let sandbox = sandbox(AppMode::Chatflow, Shape::V1_13, 0);
    let kit = kit(&sandbox, "chatflow").await;
    let first = asks(&kit, "我叫小周").await;
    let gate = Gate::closed();
    sandbox
        .dify()
        .script(Script::new().holds(&gate).says("支持七天无理由退货。"));
    sandbox.order("dify.chat=cut-afterx1").unwrap();
    let asking = kit.asks(turn_with("可以退货吗", remembered(&first)));
    sandbox.dify().is_asked_about("退货").await.unwrap();
    gate.open();
    let effects = patiently(&kit, asking).await.unwrap();
    assert_eq!(told(&effects), ["支持七天无理由退货。"]);
    let asked = sandbox.dify().asked();
    assert_eq!(asked.iter().filter(|a| a.query.contains("退货")).count(), 1);
}

#[tokio::test]
async fn passing_weather_is_waited_out() {
    for fault in ["http:429x2", "http:500x2", "http:502x1", "cutx1", "errorx1"] {
        let sandbox = sandbox(AppMode::Chat, Shape::V1_13, 0);
        let kit = kit(&sandbox, "chat").await;
        sandbox.order(&format!("dify.chat={fault}")).unwrap();
        let words = told(&asks(&kit, "可以退货吗").await);
        assert!(words[0].contains("七天无理由"), "{fault}: {words:?}");
    }
}

#[tokio::test]
async fn a_picture_is_taken_by_an_app_that_checks_whose_it_is() {
    let sandbox = sandbox(AppMode::Chat, Shape::V1_13, 0);
    let shelf = Shelf::default().with("m1", b"\x89PNG\r\n\x1a\n");
    let kit = kit_with(&sandbox, "chat", shelf).await;
    let mut turn = Turn::of_contact("");
    turn.said = Some(Content::Image {
        media: Media::remote(&InboxName::new("mall"), "m1", None),
    });
    let words = told(&kit.answer(&turn).await.unwrap());
    assert!(words[0].contains("1 张图片"), "{words:?}");
    assert_eq!(sandbox.dify().asked()[0].files.len(), 1);
}

#[tokio::test]
async fn who_asks_for_a_person_meanwhile_is_not_kept_waiting() {
    let sandbox = sandbox(AppMode::Chatflow, Shape::V1_13, 0);
    let kit = kit(&sandbox, "chatflow").await;
    let gate = Gate::closed();
    sandbox
        .dify()
        .script(Script::new().says("让我想想，").holds(&gate));
    let turn = Turn::of_contact("在吗");
    let cancelled = turn.cancelled.clone();
    let asking = kit.asks(turn);
    sandbox.dify().is_asked().await.unwrap();
    kit.clock.sleeping_for(Duration::from_secs(30), 1).await;
    cancelled.cancel();
    assert_eq!(asking.await.unwrap().unwrap(), []);
    gate.open();
}
