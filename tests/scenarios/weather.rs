//! Hard weather at the platforms: repeats, disorder, refused tokens, answers that are lost.

use crate::stage::{Set, Stage};

fn texts(messages: &[bridge_sandbox::Message], part: &str) -> usize {
    messages
        .iter()
        .filter(|message| message.text().contains(part))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_and_disorder_double_nothing() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    stage.sandbox.order("callback=duplicate").unwrap();
    for number in 1..=20 {
        assert!(phone.says(&format!("客户 {number:02}。")).await.delivered());
        system
            .says(&peer, &format!("客服 {number:02}。"))
            .unwrap()
            .await;
        if number % 4 == 0 {
            phone
                .hears_text(&format!("客服 {number:02}"))
                .await
                .unwrap();
        }
    }
    system.hears_text("客户 20").await.unwrap();
    stage.settled().await;
    let (at_desk, on_phone) = (system.messages(&peer), phone.chat());
    for number in 1..=20 {
        let from_peer = at_desk
            .iter()
            .filter(|message| message.from == bridge_sandbox::Author::Peer);
        let heard: Vec<_> = from_peer.cloned().collect();
        assert_eq!(texts(&heard, &format!("客户 {number:02}")), 1);
        assert_eq!(texts(&on_phone, &format!("客服 {number:02}")), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_renewed_once() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    assert!(phone.follows(None).await.delivered());
    phone.hears_text("欢迎").await.unwrap();
    stage.sandbox.wechat().displace_tokens();
    stage.sandbox.dify().answers("换了令牌也能答。");
    assert!(phone.says("在吗").await.delivered());
    phone.hears_text("换了令牌").await.unwrap();
    stage.settled().await;
    assert_eq!(texts(&phone.chat(), "换了令牌"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_of_the_desk_doubles_nothing() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    stage.sandbox.order("tim.send=cut-afterx1").unwrap();
    assert!(phone.says("只说一遍").await.delivered());
    assert!(phone.says("再说别的").await.delivered());
    system.hears_text("再说别的").await.unwrap();
    stage.settled().await;
    let messages = system.messages(&peer);
    assert_eq!(texts(&messages, "只说一遍"), 1, "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shut_window_is_told_to_the_agent() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    phone.hears_text("为您服务").await.unwrap();
    stage.sandbox.order("wechat.send=45015x1").unwrap();
    system.says(&peer, "您还在吗").unwrap().await;
    let told = system.hears_text("未送达").await.unwrap();
    assert!(told.text().contains("48 小时"), "{}", told.text());
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_operator_can_mend_is_told_at_once() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    phone.hears_text("为您服务").await.unwrap();
    stage.sandbox.order("wechat.send=48001x1").unwrap();
    system.says(&peer, "您还在吗").unwrap().await;
    let told = system.hears_text("暂时无法送达").await.unwrap();
    assert!(told.text().contains("客服消息接口权限"), "{}", told.text());
    assert!(told.text().contains("您还在吗"), "{}", told.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_on_while_the_operator_is_needed_knows_how_many_wait() {
    let stage = Stage::with(Set {
        assistant: false,
        ..Set::default()
    })
    .await;
    let (phone, system) = (stage.phone("小周"), stage.agent("system"));
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    phone.hears_text("为您服务").await.unwrap();
    // The account's right to write is taken away, and given back.
    stage.sandbox.order("wechat.send=48001x1").unwrap();
    system.says(&peer, "一。").unwrap().await;
    let told = system.hears_text("暂时无法送达").await.unwrap();
    assert!(told.text().contains("一。"), "{}", told.text());
    for words in ["二。", "三。", "四。"] {
        system.says(&peer, words).unwrap().await;
    }
    let told = system.hears_text("条消息在等待").await.unwrap();
    assert!(told.text().contains("共 2 条"), "{}", told.text());
    assert!(told.text().contains("客服消息接口权限"), "{}", told.text());
    // Once a minute at most: whatever else is said by then is counted in the next word.
    assert!(phone.says("收到了吗").await.delivered());
    system.hears_text("收到了吗").await.unwrap();
    let counted = system.messages(&peer).into_iter();
    let counted = counted.filter(|one| one.text().contains("条消息在等待"));
    assert_eq!(counted.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_platform_is_asked_again_in_order() {
    let stage = Stage::of_people().await;
    let (phone, system, peer) = stage.handed().await;
    phone.hears_text("为您服务").await.unwrap();
    stage.sandbox.order("wechat.send=-1x1").unwrap();
    system.says(&peer, "一。").unwrap().await;
    system.says(&peer, "二。").unwrap().await;
    phone.hears_text("一。").await.unwrap();
    phone.hears_text("二。").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_drains_when_asked_to_end() {
    let mut stage = Stage::usual().await;
    let phone = stage.phone("小周");
    assert!(phone.follows(None).await.delivered());
    phone.hears_text("欢迎").await.unwrap();
    assert_eq!(stage.bridge.terminate(), Some(0));
}
