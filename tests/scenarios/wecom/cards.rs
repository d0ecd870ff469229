//! Cards with buttons: what a press does, and when a card is over.

use bridge_sandbox::{Content, Message};

use super::{heard, line, press, stage, zhou};

/// What the buttons of a card say that is over.
fn done(card: &Message) -> Option<String> {
    match &card.content {
        Content::TemplateCard { card } => card.done.clone(),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_in_wecom_gets_a_card_answers_and_ends_by_a_button() {
    let stage = stage(|_| {}).await;
    let (phone, zhou) = (stage.phone("小周"), zhou(&stage));
    assert!(phone.scans("agent:zhou").await.delivered());
    assert!(phone.says("人工").await.delivered());
    let card = zhou.hears_card("新会话").await.unwrap();
    let (number, name) = line(&card);
    assert_eq!(number, "1");
    assert!(phone.says("订单 42 在哪").await.delivered());
    let asked = zhou.hears_text("订单 42 在哪").await.unwrap();
    assert!(
        asked.content.words().starts_with(&format!("【1 {name}】")),
        "{asked:?}"
    );
    assert!(zhou.says("您好，已在派送").await.delivered());
    phone.hears_text("已在派送").await.unwrap();
    // Commands work, and what is for the agent is the agent's only.
    assert!(zhou.says("#帮助").await.delivered());
    zhou.hears_text("可用命令").await.unwrap();
    assert!(press(&zhou, &card, "结束会话").await.delivered());
    phone.hears_text("本次服务已结束").await.unwrap();
    zhou.hears_text("会话已结束").await.unwrap();
    let grey = zhou.sees(&card, |card| done(card).is_some()).await;
    assert_eq!(done(&grey.unwrap()), Some("已不由您接待".to_owned()));
    assert!(zhou.says("还在吗").await.delivered());
    zhou.hears_text("没有接待中的客户").await.unwrap();
    stage.settled().await;
    assert_eq!(stage.ready().await["depths"]["assigned"], 0);
    let chat = phone.chat();
    assert!(chat.iter().all(|message| !message.text().contains('#')));
    assert_eq!(
        heard(&zhou.chat(), "新会话"),
        2,
        "the card and its history, once"
    );
}

/// Whatever ends it for this agent greys the card: a hand-over, a question that is answered. A card that the platform will
/// not change is as old as it looks, and pressing it is answered in words.
#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_over_are_grey_and_pressing_one_that_is_not_is_told_kindly() {
    let mut stage = stage(|_| {}).await;
    let (first, second, zhou) = (stage.phone("小周"), stage.phone("老王"), zhou(&stage));
    let mut cards = Vec::new();
    for phone in [&first, &second] {
        assert!(phone.scans("agent:zhou").await.delivered());
        assert!(phone.says("人工").await.delivered());
        cards.push(zhou.hears_card("新会话").await.unwrap());
    }
    second.says("发票能补吗").await;
    zhou.hears_text("发票能补吗").await.unwrap();
    zhou.says("#1").await;
    second.says("在吗").await;
    zhou.hears_text("在吗").await.unwrap();
    zhou.says("稍等").await;
    let question = zhou.hears_card("发给哪位客户").await.unwrap();
    // What is to be greyed is known after a power cut, too: by what the platform called the card, once that is written down.
    stage.settled().await;
    stage.kill_and_restart();
    zhou.says("2").await;
    second.hears_text("稍等").await.unwrap();
    let answered = zhou.sees(&question, |card| done(card).is_some()).await;
    assert_eq!(done(&answered.unwrap()), Some("已选择".to_owned()));
    zhou.says("@2 #转接 -n system").await;
    zhou.hears_text("已转接给").await.unwrap();
    let over = zhou.sees(&cards[1], |card| done(card).is_some()).await;
    assert_eq!(done(&over.unwrap()), Some("已不由您接待".to_owned()));
    assert_eq!(done(&zhou.now(&cards[0]).unwrap()), None, "still theirs");

    stage.sandbox.order("wecom.update=40058").unwrap();
    assert!(press(&zhou, &cards[0], "结束会话").await.delivered());
    zhou.hears_text("会话已结束").await.unwrap();
    stage.settled().await;
    assert_eq!(done(&zhou.now(&cards[0]).unwrap()), None);
    assert!(press(&zhou, &cards[0], "转接").await.delivered());
    zhou.hears_text("已不由您接待").await.unwrap();
    stage.settled().await;
}
