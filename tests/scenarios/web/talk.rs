//! A visitor talks with the assistant and with people, and sees who is at it.

use bridge_sandbox::dify::{Gate, Script};
use serde_json::json;

use super::{site, site_on};
use crate::{
    stage::{Backs, Set, Stage, on_both_backs},
    visitor::Visitor,
};

on_both_backs!(
    a_visitor_talks_with_the_assistant_and_with_a_person,
    an_agents_typing_and_what_they_take_back_is_seen,
);

async fn a_visitor_talks_with_the_assistant_and_with_a_person(backs: Backs) {
    let stage = site_on(backs, "").await;
    stage
        .sandbox
        .dify()
        .script(Script::answer("**七天**无理由。").when("退货"));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let taken = visitor.says("怎么退货？").await;
    assert_eq!(taken["t"], "taken");
    let own = visitor.reads("怎么退货").await;
    assert_eq!(
        (&own["trace"], &own["by"]),
        (&taken["trace"], &json!("contact"))
    );
    let answer = visitor.reads("七天").await;
    assert_eq!(
        (&answer["by"], &answer["content"]["markdown"]),
        (&json!("bot"), &json!(true))
    );

    visitor.says("转人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("怎么退货"), "{}", card.text());
    agent.says(&card.peer, "您好，我来看看").unwrap().await;
    let line = visitor.reads("我来看看").await;
    assert_eq!(
        (&line["by"], &line["name"]),
        (&json!("agent"), &json!("默认客服"))
    );
    visitor.says("谢谢").await;
    agent.hears_text("谢谢").await.unwrap();

    agent.says(&card.peer, "#退出").unwrap().await;
    let menu = visitor.reads("请为本次服务打分").await;
    let best = &menu["content"]["items"][0];
    let id = visitor.id();
    let choice = json!({ "t": "say", "id": id, "kind": "choice", "choice": best["id"], "label": best["label"] });
    assert_eq!(visitor.answer(choice).await["t"], "taken");
    visitor.reads("感谢您的评价").await;
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_show_the_same() {
    let stage = site("").await;
    let mut one = Visitor::comes(&stage.bridge.url).await;
    let mut two = Visitor::back(&stage.bridge.url, Some(&one.token), None).await;
    one.says("第一页说的").await;
    let (line, same) = (one.reads("第一页说的").await, two.reads("第一页说的").await);
    assert_eq!(line, same);
    two.says("第二页说的").await;
    one.reads("第二页说的").await;
    stage.settled().await;
}

/// The page shows that the agent types, and what was taken back as such, whoever reads it when; nobody else's typing is shown.
async fn an_agents_typing_and_what_they_take_back_is_seen(backs: Backs) {
    let stage = site_on(backs, "").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("转人工").await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(lin.types(&peer).await.unwrap().delivered());
    assert!(system.types(&peer).await.unwrap().delivered());
    visitor.hears("typing").await;

    let said = system.says(&peer, "说错了一句").unwrap();
    let key = said.message.key.clone().unwrap();
    assert!(said.await.delivered());
    let line = visitor.reads("说错了一句").await;
    system.recalls(&peer, &key).unwrap().await.unwrap();
    system.hears_text("访客页面上显示").await.unwrap();
    let gone = visitor.reads("recalled").await;
    assert_eq!(
        (&gone["content"]["trace"], &gone["by"]),
        (&line["trace"], &json!("agent"))
    );
    stage.settled().await;
    // Whoever comes back reads it, too.
    let mut back = Visitor::back(&stage.bridge.url, Some(&visitor.token), None).await;
    back.reads("recalled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_sees_who_answers_and_that_somebody_is_at_it() {
    let stage = Stage::with(Set {
        capacity: 1,
        more: "[inboxes.site]\nchannel = \"web\"\n".to_owned(),
        ..Set::default()
    })
    .await;
    let gate = Gate::closed();
    stage
        .sandbox
        .dify()
        .script(Script::new().when("运费").holds(&gate).says("商家出。"));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("运费谁出").await;
    visitor.hears("typing").await;
    gate.open();
    visitor.reads("商家出").await;

    // Both agents have their one contact; the third waits.
    let mut others = Vec::new();
    for _ in 0..2 {
        let mut other = Visitor::comes(&stage.bridge.url).await;
        other.says("转人工").await;
        other.reads("为您服务").await;
        others.push(other);
    }
    visitor.says("转人工").await;
    visitor.reads("正在为您转接").await;
    let waits = visitor
        .hears_which("a place in the queue", |frame| frame["phase"] == "queued")
        .await;
    assert_eq!(
        (&waits["position"], &waits["agent"]),
        (&json!(1), &json!(null))
    );
    others[0].says("#退出").await;
    let served = visitor
        .hears_which("an agent", |frame| frame["phase"] == "assigned")
        .await;
    assert!(
        ["默认客服", "林小满"].contains(&served["agent"].as_str().unwrap()),
        "{served}"
    );
    stage.settled().await;
}
