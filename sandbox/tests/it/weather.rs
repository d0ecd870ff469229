//! Ordered faults, over the wire.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::kit::{World, question, text_message};

#[tokio::test]
async fn an_error_code_is_given_without_anything_done() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    world
        .sandbox
        .order("wechat.send=45015x1,wechat.send=-1x1")
        .unwrap();
    assert_eq!(world.sends_text(&token, phone.openid(), "一").await, 45015);
    assert_eq!(world.sends_text(&token, phone.openid(), "二").await, -1);
    assert_eq!(world.sends_text(&token, phone.openid(), "三").await, 0);
    assert_eq!(world.sandbox.wechat().sent_count(), 1);
    assert!(world.sandbox.faults().is_empty());
}

#[tokio::test]
async fn a_cut_connection_leaves_open_whether_it_happened() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let settings = world.sandbox.tim().settings();
    let sig = crate::kit::usersig(
        &settings.secret_key,
        settings.sdk_app_id,
        "administrator",
        world.seconds(),
        600,
    );
    let url = format!(
        "{}/v4/openim/sendmsg?sdkappid={}&identifier=administrator&usersig={sig}&random=1&contenttype=json",
        world.sandbox.tim_base(),
        settings.sdk_app_id
    );
    let message = text_message("wx_c1", "agent_lin", 1, 1, "到了吗").to_string();
    let send = || world.http.post(&url).body(message.clone()).send();
    world
        .sandbox
        .order("tim.send=cutx1,tim.send=cut-afterx1")
        .unwrap();
    assert!(send().await.is_err());
    assert_eq!(world.sandbox.tim().sent_count(), 0);
    assert!(send().await.is_err());
    assert_eq!(world.sandbox.tim().sent_count(), 1);
    // The repeat is answered as the first would have been, and is no second message.
    assert_eq!(send().await.unwrap().status(), 200);
    assert_eq!(world.sandbox.tim().sent_count(), 1);
    let wire = world.sandbox.wire();
    let cut = wire
        .iter()
        .find(|e| e.line.fault.as_deref() == Some("tim.send=cutx1"))
        .unwrap();
    assert_eq!((cut.line.status, cut.error.is_some()), (None, true));
}

#[tokio::test]
async fn an_answer_breaks_off_in_its_middle() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    world.sandbox.order("wechat.send=cut-midx1").unwrap();
    let body = json!({"touser": phone.openid(), "msgtype": "text", "text": {"content": "一"}});
    let url = format!(
        "{}/cgi-bin/message/custom/send?access_token={token}",
        world.sandbox.wechat_base()
    );
    let answer = world.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err(), "the body is not whole");
    assert_eq!(world.sandbox.wechat().sent_count(), 1, "but it happened");
    let wire = world.sandbox.wire();
    let line = &wire.last().unwrap().line;
    assert_eq!(line.fault.as_deref(), Some("wechat.send=cut-midx1"));
}

#[tokio::test]
async fn credentials_expire_when_told() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    phone.says("在吗").await;
    let token = world.token().await;
    world
        .sandbox
        .order("wechat.send=expirex1,tim=expirex1")
        .unwrap();
    assert_eq!(world.sends_text(&token, phone.openid(), "一").await, 42001);
    assert_eq!(world.sends_text(&token, phone.openid(), "二").await, 42001);
    let fresh = world.token().await;
    assert_ne!(fresh, token);
    assert_eq!(world.sends_text(&fresh, phone.openid(), "三").await, 0);
    world.hand.advance(Duration::from_secs(1));
    let ask = json!({"To_Account": ["agent_lin"]});
    assert_eq!(
        world.tim("openim/query_online_status", &ask).await["ErrorCode"],
        70001
    );
    assert_eq!(
        world.tim("openim/query_online_status", &ask).await["ErrorCode"],
        0
    );
}

#[tokio::test]
async fn proxies_and_slowness() {
    let world = World::new();
    world
        .sandbox
        .order("dify.chat=502x1,dify.chat=slow:150,dify.chat=429x1")
        .unwrap();
    let begun = Instant::now();
    let first = world.dify("chat", &question("在吗", "streaming")).await;
    assert_eq!(first.status(), 502);
    assert!(begun.elapsed() >= Duration::from_millis(150));
    assert!(first.text().await.unwrap().starts_with("<html>"));
    assert_eq!(
        world
            .dify("chat", &question("在吗", "streaming"))
            .await
            .status(),
        429
    );
    assert_eq!(
        world
            .dify("chat", &question("在吗", "streaming"))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn streams_break_in_the_middle_to_order() {
    let world = World::new();
    world
        .sandbox
        .order("dify.chat(u1)=cut-midx1,dify.chat(u1)=errorx1")
        .unwrap();
    let broken = world.dify("chat", &question("你好", "streaming")).await;
    assert_eq!(broken.status(), 200);
    assert!(broken.bytes().await.is_err());
    let failed = world
        .dify("chat", &question("你好", "streaming"))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        failed.contains("\"event\":\"error\"") && failed.contains("\"event\":\"message\""),
        "{failed}"
    );
}

#[tokio::test]
async fn callbacks_are_doubled_dropped_and_forged() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    world.sandbox.order("wechat.callback=duplicatex1").unwrap();
    phone.says("一").await;
    let (first, again) = (world.bridge.gets().await, world.bridge.gets().await);
    assert_eq!((first.query, first.body), (again.query, again.body));
    world.sandbox.order("wechat.callback=dropx1").unwrap();
    assert_eq!(phone.says("二").await.attempts, 0);
    world.sandbox.order("callback=forgex2").unwrap();
    phone.says("三").await;
    let forged = world.bridge.gets().await;
    world.sandbox.fair_weather();
    phone.says("四").await;
    let honest = world.bridge.gets().await;
    assert_ne!(forged.param("signature"), honest.param("signature"));
    assert_eq!(world.bridge.got().len(), 4);
}

#[tokio::test]
async fn a_reordered_callback_is_overtaken_by_the_next() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let agent = world.sandbox.tim().client("agent_lin").unwrap();
    world.sandbox.order("tim.callback=reorderx1").unwrap();
    let first = agent.says("wx_c1", "先说").unwrap();
    let second = agent.says("wx_c1", "后说").unwrap();
    assert!(second.await.delivered() && first.await.delivered());
    let texts: Vec<String> = world
        .bridge
        .got()
        .iter()
        .map(|got| got.body.clone())
        .collect();
    assert!(
        texts[0].contains("后说") && texts[1].contains("先说"),
        "{texts:?}"
    );
}

#[tokio::test]
async fn a_lonely_reordered_callback_comes_late_but_comes() {
    let world = World::new();
    let phone = world.sandbox.wechat().phone("小周");
    world.sandbox.order("wechat.callback=reorderx1").unwrap();
    assert!(phone.says("一个人").await.delivered());
}
