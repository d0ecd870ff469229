//! Sockets that were cut, pages that did not read, nodes that died: nothing is missing and nothing comes twice.

use std::time::{Duration, Instant};

use bridge_testkit::{
    proxy::{Proxy, authority},
    servers,
};
use serde_json::json;

use super::site;
use crate::{
    stage::{Backs, Bridge, Set, Stage},
    visitor::Visitor,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_caught_up_with_and_nothing_comes_twice() {
    let stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    let last = visitor.last();
    let before = visitor.words();
    let token = visitor.is_cut().await;
    for number in 0..70 {
        agent
            .says(&card.peer, &format!("第 {number} 条"))
            .unwrap()
            .await;
    }
    stage.settled().await;

    let mut back = Visitor::back(&stage.bridge.url, Some(&token), Some(last)).await;
    back.reads("第 69 条").await;
    let expected: Vec<String> = (0..70).map(|number| format!("第 {number} 条")).collect();
    assert_eq!(back.words(), expected);
    agent.says(&card.peer, "还在吗").unwrap().await;
    back.reads("还在吗").await;

    // Another tab, or a page that was loaded again: the last screen, and more when it is asked for.
    let mut again = Visitor::back(&stage.bridge.url, Some(&back.token), None).await;
    again.reads("还在吗").await;
    assert_eq!(again.lines.len(), 30);
    let first = again.lines[0]["n"].clone();
    again.lines.clear();
    again
        .sends(json!({ "t": "earlier", "before": first }).to_string())
        .await;
    let earlier = again.hears("earlier").await;
    assert_eq!(
        (again.words()[29].as_str(), &earlier["more"]),
        ("第 40 条", &json!(true))
    );
    assert!(before.iter().any(|words| words.contains("为您服务")));
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_the_same_message_however_often_and_after_a_crash() {
    let mut stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let id = visitor.id();
    assert!(visitor.says_as(&id, "只说一次").await["trace"].is_i64());
    assert!(
        visitor.says_as(&id, "只说一次").await["trace"].is_null(),
        "a repeat has no number"
    );
    visitor.reads("只说一次").await;
    let token = visitor.is_cut().await;
    stage.kill_and_restart();
    let mut back = Visitor::back(&stage.bridge.url, Some(&token), Some(0)).await;
    assert!(back.says_as(&id, "只说一次").await["trace"].is_null());
    // Somebody else's id is another id.
    let mut other = Visitor::comes(&stage.bridge.url).await;
    assert!(other.says_as(&id, "别人说的").await["trace"].is_i64());
    back.says("到此为止").await;
    back.reads("到此为止").await;
    let said: Vec<_> = back
        .words()
        .into_iter()
        .filter(|words| words == "只说一次")
        .collect();
    assert_eq!(said.len(), 1, "{:?}", back.words());
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_shown_out() {
    let stage = site("messages_per_minute = 1000\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    visitor.reads("为您服务").await;
    // More than may be on its way to anybody; nobody reads it, and so nobody answers the pings either.
    for _ in 0..20 {
        let id = visitor.id();
        let say = json!({ "t": "say", "id": id, "kind": "text", "text": "长".repeat(2000) });
        visitor.sends(say.to_string()).await;
    }
    let shown_out = "kefu_live_closed_total{why=\"slow\"} 1";
    let metrics = format!("{}/metrics", stage.bridge.url);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        if text.contains(shown_out) {
            break;
        }
        tick.tick().await;
    }
    // Nothing is lost: all of it is there for who comes back and reads.
    let mut back = Visitor::back(&stage.bridge.url, Some(&visitor.token), Some(0)).await;
    while back
        .words()
        .iter()
        .filter(|words| words.len() == 6000)
        .count()
        < 20
    {
        back.hears("lines").await;
    }
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_two_nodes_a_visitor_is_one_visitor() {
    let stage = Stage::with(Set {
        assistant: false,
        backs: Backs::Servers,
        more: "[inboxes.site]\nchannel = \"web\"\nmessages_per_minute = 4\n".to_owned(),
        ..Set::default()
    })
    .await;
    // The platforms call the first node; the visitor has a tab on each.
    let second = Bridge::start(&stage.config());
    let mut there = Visitor::comes(&second.url).await;
    there.says("人工").await;
    there.reads("为您服务").await;
    let mut here = Visitor::back(&stage.bridge.url, Some(&there.token), None).await;
    here.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    agent.says(&card.peer, "两个节点都看得到").unwrap().await;
    assert_eq!(
        here.reads("两个节点都看得到").await,
        there.reads("两个节点都看得到").await
    );
    // What was said on one node is a repeat on the other, and a minute is the same minute.
    let id = there.id();
    assert!(there.says_as(&id, "说一次").await["trace"].is_i64());
    assert!(here.says_as(&id, "说一次").await["trace"].is_null());
    let mut taken = 3;
    while here.says("快").await["t"] == "taken" && there.says("快").await["t"] == "taken" {
        taken += 2;
        assert!(taken < 8, "each node counts for itself");
    }
    stage.settled().await;
    drop(second);
}

/// A node that hears nothing of the others shows a talk that goes on all the same, soon.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_queue_a_visitor_of_another_node_reads_on() {
    let stage = Stage::with(Set {
        assistant: false,
        backs: Backs::Servers,
        more: "[inboxes.site]\nchannel = \"web\"\n".to_owned(),
        ..Set::default()
    })
    .await;
    let queue = servers::rabbitmq();
    let proxy = Proxy::before(authority(&queue)).await;
    let config = std::fs::read_to_string(stage.config()).unwrap();
    let deaf = stage.folder.path().join("deaf.toml");
    std::fs::write(&deaf, config.replace(&queue, &proxy.in_place_of(&queue))).unwrap();
    // The platforms call the first node.
    let second = Bridge::start(&deaf);
    let mut visitor = Visitor::comes(&second.url).await;
    visitor.says("人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    proxy.refuse();
    let began = Instant::now();
    for words in ["第一句", "第二句", "第三句", "第四句"] {
        agent.says(&card.peer, words).unwrap().await;
        visitor.reads(words).await;
    }
    // Not by the look that makes up for a lost notice: four of those would take a minute at least.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(40), "{took:?}");
    stage.settled().await;
    drop(second);
}
