//! Customer and assistant.

use bridge_sandbox::dify::{Gate, Script};

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_welcomed_and_answered() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    assert!(phone.follows(None).await.delivered());
    phone.hears_text("欢迎关注").await.unwrap();
    stage
        .sandbox
        .dify()
        .script(Script::answer("**质量问题**由商家承担。").when("退货"));
    assert!(phone.says("退货运费谁出？").await.delivered());
    let answer = phone.hears_text("由商家承担").await.unwrap();
    assert_eq!(
        answer.text(),
        "质量问题由商家承担。",
        "Markdown is made plain"
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_becomes_one_question() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    stage
        .sandbox
        .dify()
        .script(Script::answer("收到三句。").when("保温杯"));
    let said = [
        phone.says("你好"),
        phone.says("我买的保温杯"),
        phone.says("漏水"),
    ];
    for said in said {
        assert!(said.await.delivered());
    }
    phone.hears_text("收到三句").await.unwrap();
    stage.settled().await;
    let asked = stage.sandbox.dify().asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    for words in ["你好", "我买的保温杯", "漏水"] {
        assert!(asked[0].query.contains(words), "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_never_talks_over_a_person() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    let gate = Gate::closed();
    stage.sandbox.dify().script(
        Script::new()
            .when("运费")
            .says("迟到的")
            .holds(&gate)
            .says("回答"),
    );
    assert!(phone.says("运费怎么算").await.delivered());
    stage.sandbox.dify().is_asked_about("运费").await.unwrap();
    assert!(phone.says("转人工").await.delivered());
    phone.hears_text("为您服务").await.unwrap();
    let heard = stage.agent("system").hears_text("新会话").await.unwrap();
    gate.open();
    stage
        .agent("system")
        .says(&heard.peer, "我来帮您")
        .unwrap()
        .await;
    phone.hears_text("我来帮您").await.unwrap();
    stage.settled().await;
    assert!(
        phone
            .chat()
            .iter()
            .all(|message| !message.text().contains("迟到的")),
        "{:?}",
        phone.chat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_assistant_apologises_and_fetches_a_person() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    stage.sandbox.order("dify.chat=http:400").unwrap();
    assert!(phone.says("在吗").await.delivered());
    phone.hears_text("智能助手暂时无法回答").await.unwrap();
    let heard = stage.agent("system").hears_text("新会话").await.unwrap();
    assert!(heard.text().contains("在吗"), "{}", heard.text());
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assistant_hands_over_by_its_mark() {
    let stage = Stage::usual().await;
    let phone = stage.phone("小周");
    stage
        .sandbox
        .dify()
        .script(Script::answer("这个要请同事看。[转人工]").when("发票"));
    assert!(phone.says("发票开错了").await.delivered());
    let answer = phone.hears_text("请同事看").await.unwrap();
    assert!(!answer.text().contains("转人工"), "{}", answer.text());
    stage
        .agent("system")
        .hears_text("发票开错了")
        .await
        .unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_reaches_the_agent_and_one_comes_back() {
    let stage = Stage::of_people().await;
    let (phone, agent) = (stage.phone("小周"), stage.agent("system"));
    assert!(phone.says("人工").await.delivered());
    let heard = agent.hears_text("新会话").await.unwrap();
    // The smallest picture there is: one pixel, GIF.
    let pixel = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let media = stage.sandbox.keep("pixel.gif", pixel.to_vec());
    assert!(phone.sends_image(media).await.delivered());
    let is_image = |content: &bridge_sandbox::Content| {
        matches!(content, bridge_sandbox::Content::Image { .. })
    };
    let shown = agent
        .hears_which("a picture", move |heard| is_image(&heard.message.content))
        .await
        .unwrap();
    let bridge_sandbox::Content::Image { url, .. } = shown.message.content else {
        panic!("not a picture")
    };
    let path = url.split_once("/media/").unwrap().1;
    let served = reqwest::get(format!("{}/media/{path}", stage.bridge.url))
        .await
        .unwrap();
    assert!(served.status().is_success(), "{url}");
    assert_eq!(heard.peer, shown.peer);
    stage.settled().await;
}
