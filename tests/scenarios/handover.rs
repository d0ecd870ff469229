//! Between people: transfer, queue, quit, ratings, dedicated agents, and the allowance.

use std::time::Duration;

use crate::stage::{Backs, Set, Stage, on_both_backs};

on_both_backs!(an_agent_answers_hands_over_and_ends);

async fn an_agent_answers_hands_over_and_ends(backs: Backs) {
    let stage = Stage::with(Set {
        backs,
        ..Set::default()
    })
    .await;
    let (phone, system, lin) = (
        stage.phone("小周"),
        stage.agent("system"),
        stage.agent("lin"),
    );
    assert!(phone.says("转人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(phone.says("订单 42 在哪").await.delivered());
    system.hears_text("订单 42 在哪").await.unwrap();

    system.says(&peer, "#转接 -n 林").unwrap().await;
    system.hears_text("没有名为").await.unwrap();
    system
        .says(&peer, "＃转接　lin -m “加急，老客户”")
        .unwrap()
        .await;
    system.hears_text("已转接给 林小满").await.unwrap();
    let card = lin.hears_text("新会话").await.unwrap();
    assert!(
        card.text().contains("加急，老客户") && card.text().contains("订单 42 在哪"),
        "{}",
        card.text()
    );
    phone.hears_text("林小满").await.unwrap();

    system.says(&peer, "我再说一句").unwrap().await;
    system.hears_text("不由您接待").await.unwrap();
    lin.says(&peer, "您好，已在派送").unwrap().await;
    phone.hears_text("已在派送").await.unwrap();
    lin.says(&peer, "#退出").unwrap().await;
    phone.hears_text("本次服务已结束").await.unwrap();
    lin.hears_text("会话已结束").await.unwrap();
    stage.settled().await;
    let ready = stage.ready().await;
    assert_eq!(
        ready["depths"]["assigned"], 0,
        "every seat is free: {ready}"
    );
    assert!(
        phone
            .chat()
            .iter()
            .all(|message| !message.text().contains('#')),
        "commands are never forwarded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_is_asked_and_taken() {
    let stage = Stage::usual().await;
    let (phone, system, peer) = stage.handed().await;
    system.says(&peer, "#quit").unwrap().await;
    let items = rating(&phone).await;
    assert_eq!(items.len(), 5);
    assert!(phone.taps(&items[0].id, &items[0].text).await.delivered());
    phone.hears_text("感谢您的评价").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rating_reaches_the_assistant_whatever_happens_meanwhile() {
    let mut set = Set::default();
    // A platform that is away is tried again after some seconds, twice here.
    set.settings.patience = Duration::from_secs(60);
    let mut stage = Stage::with(set).await;
    let (phone, system) = (stage.phone("小周"), stage.agent("system"));
    stage
        .sandbox
        .dify()
        .script(bridge_sandbox::dify::Script::answer("请看说明书。").when("漏水"));
    assert!(phone.says("杯子漏水").await.delivered());
    phone.hears_text("说明书").await.unwrap();
    assert!(phone.says("转人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "#quit").unwrap().await;
    let items = rating(&phone).await;

    // Dify is away; the contact writes again; the bridge is killed: the worst score still gets there, and once.
    stage.sandbox.order("dify.feedback=503x2").unwrap();
    let worst = items.last().unwrap();
    assert!(phone.taps(&worst.id, &worst.text).await.delivered());
    phone.hears_text("感谢您的评价").await.unwrap();
    assert!(phone.says("还在吗").await.delivered());
    stage.kill_and_restart();
    let judged = stage.sandbox.dify().is_judged(1).await.unwrap();
    assert_eq!(
        (
            judged.query.as_str(),
            judged.rating.as_deref(),
            judged.content.as_deref()
        ),
        ("杯子漏水", Some("dislike"), Some("1/5"))
    );
    stage.settled().await;
    assert_eq!(stage.sandbox.dify().feedbacks().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sends_cards_articles_and_music_by_their_names() {
    use bridge_sandbox::Content as Shown;
    let stage = Stage::with(Set {
        more: r#"
[bots.send.items."新人券"]
kind = "coupon"
id = "card-001"
title = "新人券"

[bots.send.items."退货指南"]
kind = "article"
id = "art-001"
title = "退货指南"

[bots.send.items."晚安曲"]
kind = "music"
title = "晚安曲"
url = "https://cdn.example/a.mp3"
"#
        .to_owned(),
        ..Set::default()
    })
    .await;
    let (phone, system) = (stage.phone("小周"), stage.agent("system"));
    assert!(phone.says("转人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "#发送 -l").unwrap().await;
    system.hears_text("· 新人券").await.unwrap();
    system.says(&peer, "#发送 -i 优惠").unwrap().await;
    system.hears_text("没有名为“优惠”的素材").await.unwrap();
    for (name, fits) in [
        (
            "新人券",
            (|shown| matches!(shown, Shown::Card { card_id } if card_id == "card-001"))
                as fn(&Shown) -> bool,
        ),
        (
            "退货指南",
            |shown| matches!(shown, Shown::Other { kind, raw } if kind == "mpnewsarticle" && raw == "art-001"),
        ),
        (
            "晚安曲",
            |shown| matches!(shown, Shown::Music { url, .. } if url == "https://cdn.example/a.mp3"),
        ),
    ] {
        system
            .says(&peer, &format!("#发送 -i {name}"))
            .unwrap()
            .await;
        let shown = phone.hears_which(name, move |one| fits(&one.content)).await;
        shown.unwrap();
    }
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_told_and_served_in_order() {
    let stage = Stage::with(Set {
        capacity: 1,
        ..Set::default()
    })
    .await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let phones: Vec<_> = ["甲", "乙", "丙", "丁"]
        .map(|name| stage.phone(name))
        .into();
    for phone in &phones[..2] {
        assert!(phone.says("转人工").await.delivered());
        phone.hears_text("为您服务").await.unwrap();
    }
    for phone in &phones[2..] {
        assert!(phone.says("转人工").await.delivered());
        phone.hears_text("请稍候").await.unwrap();
    }
    let peer = system.hears_text("新会话").await.unwrap().peer;
    lin.hears_text("新会话").await.unwrap();
    system.says(&peer, "#转接 lin").unwrap().await;
    system.hears_text("已满").await.unwrap();
    system.says(&peer, "#退出").unwrap().await;
    phones[2].hears_text("默认客服 为您服务").await.unwrap();
    stage.settled().await;
    assert_eq!(stage.ready().await["depths"]["queued"], 1);
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "#退出").unwrap().await;
    phones[3].hears_text("默认客服 为您服务").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_takes_over_again_on_command() {
    let stage = Stage::usual().await;
    let (phone, system, peer) = stage.handed().await;
    system.says(&peer, "#AI").unwrap().await;
    phone.hears_text("智能助手为您服务").await.unwrap();
    system.hears_text("已转回智能助手").await.unwrap();
    stage.sandbox.dify().answers("我在。");
    assert!(phone.says("在吗").await.delivered());
    phone.hears_text("我在").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanned_code_makes_a_dedicated_agent() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    assert!(phone.scans("agent:lin").await.delivered());
    assert!(phone.says("转人工").await.delivered());
    phone.hears_text("林小满 为您服务").await.unwrap();
    stage.agent("lin").hears_text("新会话").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_the_allowance_waits_for_the_customer() {
    let stage = Stage::usual().await;
    let (phone, system, peer) = stage.handed().await;
    phone.hears_text("为您服务").await.unwrap();
    // One of five is gone for the notice.
    for number in 1..=6 {
        system
            .says(&peer, &format!("第 {number} 条"))
            .unwrap()
            .await;
    }
    system.hears_text("还能给该客户发").await.unwrap();
    system.hears_text("第 6 条").await.unwrap();
    phone.hears_text("第 4 条").await.unwrap();
    assert!(phone.says("好的").await.delivered());
    phone.hears_text("第 5 条").await.unwrap();
    phone.hears_text("第 6 条").await.unwrap();
    stage.settled().await;
    let heard: Vec<String> = phone
        .chat()
        .iter()
        .map(|message| message.text().to_owned())
        .filter(|text| text.starts_with("第 "))
        .collect();
    assert_eq!(
        heard,
        [
            "第 1 条",
            "第 2 条",
            "第 3 条",
            "第 4 条",
            "第 5 条",
            "第 6 条"
        ]
    );
}

/// What waits for the contact can be taken back; what they have read cannot.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_takes_back_what_has_not_left() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    phone.hears_text("为您服务").await.unwrap();
    let key = |text: &str| {
        let said = system.messages(&peer);
        let message = said.iter().find(|one| one.text() == text).unwrap();
        message.key.clone().unwrap()
    };
    system.says(&peer, "已经送到的话").unwrap().await;
    phone.hears_text("已经送到的话").await.unwrap();
    stage.settled().await;
    system
        .recalls(&peer, &key("已经送到的话"))
        .unwrap()
        .await
        .unwrap();
    system.hears_text("无法撤回").await.unwrap();

    stage.sandbox.order("wechat.send=45047x1").unwrap();
    system.says(&peer, "说错了的话").unwrap().await;
    system.hears_text("额度已用完").await.unwrap();
    system
        .recalls(&peer, &key("说错了的话"))
        .unwrap()
        .await
        .unwrap();
    system.hears_text("已撤回").await.unwrap();
    assert!(phone.says("还在吗").await.delivered());
    system.says(&peer, "在的").unwrap().await;
    phone.hears_text("在的").await.unwrap();
    stage.settled().await;
    assert!(phone.chat().iter().all(|one| one.text() != "说错了的话"));
}

/// One device of several is closed: the agent is still there.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_there_while_one_device_is() {
    let stage = Stage::of_people().await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    assert!(lin.logs_out().await.unwrap().delivered());
    assert!(system.logs_in("Web").await.unwrap().delivered());
    assert!(system.logs_in("iPad").await.unwrap().delivered());
    assert!(system.closes("Web").await.unwrap().delivered());
    stage.settled().await;
    assert!(stage.phone("小周").says("人工").await.delivered());
    system.hears_text("新会话").await.unwrap();
    assert!(system.logs_out().await.unwrap().delivered());
    stage.settled().await;
    let late = stage.phone("小吴");
    assert!(late.says("人工").await.delivered());
    stage.settled().await;
    assert_eq!(stage.ready().await["depths"]["queued"], 1);
}

/// The choices of the rating that is asked for.
async fn rating(phone: &bridge_sandbox::wechat::Phone) -> Vec<bridge_sandbox::MenuChoice> {
    let is_menu = |message: &bridge_sandbox::Message| {
        matches!(message.content, bridge_sandbox::Content::Menu { .. })
    };
    let menu = phone.hears_which("the rating", is_menu).await.unwrap();
    match menu.content {
        bridge_sandbox::Content::Menu { items, .. } => items,
        other => panic!("not a menu: {other:?}"),
    }
}
