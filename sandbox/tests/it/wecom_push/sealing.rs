//! What is sealed, signed and verified.

use bridge_sandbox::{End, Status};

use super::{CORP, element, opened, quick, signature, token};
use crate::kit::{Reaction, World};

#[tokio::test]
async fn a_text_is_sealed_for_the_corp_and_written_as_documented() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    let outcome = member.says("订单 42 能改地址吗？<b>&😀").await;
    assert_eq!((outcome.end, outcome.attempts), (End::Delivered, 1));
    let got = world.bridge.gets().await;
    assert_eq!(got.path, "/callback/work");
    assert!(got.body.starts_with("<xml><ToUserName><![CDATA[wwsandbox00000001]]></ToUserName><AgentID><![CDATA[1000017]]></AgentID><Encrypt>"));
    let id = member.chat()[0].key.clone().unwrap();
    let expected = format!(
        "<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><FromUserName><![CDATA[ZhouNing]]></FromUserName><CreateTime>{}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[订单 42 能改地址吗？<b>&😀]]></Content><MsgId>{id}</MsgId><AgentID>1000017</AgentID></xml>",
        world.seconds()
    );
    assert_eq!(opened(&world, &got), expected);
    assert!(id.parse::<u64>().unwrap() > 1 << 53);
    assert_eq!(member.chat()[0].status, Status::Delivered);
}

#[tokio::test]
async fn three_tries_with_the_same_request_then_it_is_given_up() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    world.bridge.will(Reaction::Hangs);
    world.bridge.will_say(500, "");
    world.bridge.will_say(302, "");
    let outcome = member.says("在吗").await;
    assert_eq!(
        (outcome.end, outcome.attempts, outcome.status),
        (End::Failed, 3, Some(302))
    );
    let tries = world.bridge.got();
    assert_eq!(tries.len(), 3);
    for again in &tries[1..] {
        assert_eq!(
            (&again.body, &again.query),
            (&tries[0].body, &tries[0].query)
        );
    }
    assert_eq!(member.chat()[0].status, Status::Failed);
}

#[tokio::test]
async fn callbacks_are_forged_doubled_and_dropped_to_order() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    world.sandbox.order("wecom.callback=forgex1").unwrap();
    member.says("一").await;
    let got = world.bridge.gets().await;
    let parts = [
        &token(&world),
        got.param("timestamp"),
        got.param("nonce"),
        element(&got.body, "Encrypt"),
    ];
    assert_ne!(signature(&parts), got.param("msg_signature"));
    world
        .sandbox
        .order("callback=duplicatex1,wecom.callback(ZhouNing)=dropx2")
        .unwrap();
    assert_eq!(member.says("二").await.end, End::Dropped);
    assert_eq!(member.says("三").await.end, End::Dropped);
    assert_eq!(world.bridge.got().len(), 1);
}

#[tokio::test]
async fn the_receive_url_is_verified_as_saving_it_would() {
    let world = World::new();
    world.bridge.will_say(200, "not the echo");
    let refused = world.sandbox.wecom().verify_callback("work").await;
    assert!(refused.unwrap_err().contains("not the echo"));
    let got = world.bridge.gets().await;
    let parts = [
        &token(&world),
        got.param("timestamp"),
        got.param("nonce"),
        got.param("echostr"),
    ];
    assert_eq!(
        (signature(&parts).as_str(), got.method.as_str()),
        (got.param("msg_signature"), "GET")
    );
}
