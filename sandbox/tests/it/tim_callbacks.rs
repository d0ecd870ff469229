//! What Tencent IM tells the bridge.

use std::time::Duration;

use bridge_sandbox::tim::{Client, Element};
use bridge_sandbox::{End, Status};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::kit::{Reaction, World, text_message};

async fn desk(change: impl FnOnce(&mut bridge_sandbox::Settings)) -> (World, Client) {
    let world = World::with(|settings| {
        settings.tim.callback_timeout = Duration::from_millis(300);
        change(settings);
    });
    world.imports("wx_c1", "小周").await;
    let agent = world.sandbox.tim().client("agent_lin").unwrap();
    (world, agent)
}

#[tokio::test]
async fn an_agents_message_is_told_signed() {
    let (world, agent) = desk(|_| ()).await;
    let sent = agent.says("wx_c1", "您好").unwrap();
    let key = sent.message.key.clone().unwrap();
    assert!(sent.await.delivered());
    let got = world.bridge.gets().await;
    assert_eq!(got.path, "/callback/desk");
    assert_eq!(
        (got.param("SdkAppid"), got.param("OptPlatform")),
        ("1400000001", "Web")
    );
    assert_eq!(got.param("CallbackCommand"), "C2C.CallbackAfterSendMsg");
    let token = &world.sandbox.tim().settings().callback_token;
    let digest = Sha256::digest(format!("{token}{}", got.param("RequestTime")).as_bytes());
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(got.param("Sign"), hex);
    let body = got.json();
    assert_eq!(
        (&body["From_Account"], &body["To_Account"]),
        (&json!("agent_lin"), &json!("wx_c1"))
    );
    assert_eq!(
        (&body["SendMsgResult"], &body["MsgKey"]),
        (&json!(0), &json!(key))
    );
    assert_eq!(body["MsgBody"][0]["MsgContent"]["Text"], "您好");
    assert_eq!(agent.messages("wx_c1")[0].status, Status::Delivered);
}

#[tokio::test]
async fn a_callback_is_never_repeated() {
    let (world, agent) = desk(|_| ()).await;
    world.bridge.will(Reaction::Hangs);
    let outcome = agent.says("wx_c1", "一").unwrap().await;
    assert_eq!((outcome.end, outcome.attempts), (End::Failed, 1));
    world.bridge.will_say(500, "");
    assert_eq!(agent.says("wx_c1", "二").unwrap().await.end, End::Failed);
    world.bridge.will_say(
        200,
        r#"{"ActionStatus":"FAIL","ErrorCode":1,"ErrorInfo":""}"#,
    );
    assert_eq!(agent.says("wx_c1", "三").unwrap().await.end, End::Failed);
    assert_eq!(world.bridge.got().len(), 3);
    // The message itself is where it should be all the same.
    assert_eq!(world.sandbox.tim().messages("wx_c1", "agent_lin").len(), 3);
    assert_eq!(agent.messages("wx_c1")[0].status, Status::Failed);
}

#[tokio::test]
async fn rest_sends_echo_unless_forbidden() {
    let (world, _) = desk(|_| ()).await;
    let mut quiet = text_message("wx_c1", "agent_lin", 1, 1, "悄悄");
    quiet["ForbidCallbackControl"] =
        json!(["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]);
    world.tim("openim/sendmsg", &quiet).await;
    world
        .tim(
            "openim/sendmsg",
            &text_message("wx_c1", "agent_lin", 2, 2, "回声"),
        )
        .await;
    let got = world.bridge.gets().await;
    assert_eq!(got.param("OptPlatform"), "RESTAPI");
    assert_eq!(got.json()["MsgBody"][0]["MsgContent"]["Text"], "回声");
}

#[tokio::test]
async fn presence_reading_and_recall_are_told() {
    let (world, agent) = desk(|_| ()).await;
    agent.logs_out().await.unwrap();
    let out = world.bridge.gets().await.json();
    assert_eq!(
        (&out["CallbackCommand"], &out["Info"]["Action"]),
        (&json!("State.StateChange"), &json!("Logout"))
    );
    assert!(agent.says("wx_c1", "x").is_err());
    agent.logs_in("iOS").await.unwrap();
    let back = world.bridge.gets().await;
    assert_eq!(
        (back.param("OptPlatform"), &back.json()["Info"]["Reason"]),
        ("iOS", &json!("Register"))
    );
    let mut message = text_message("wx_c1", "agent_lin", 1, 1, "在吗");
    message["ForbidCallbackControl"] = json!(["ForbidAfterSendMsgCallback"]);
    world.tim("openim/sendmsg", &message).await;
    agent.reads("wx_c1").await.unwrap();
    let read = world.bridge.gets().await.json();
    assert_eq!(
        (
            &read["Report_Account"],
            &read["LastReadTime"],
            &read["UnreadMsgNum"]
        ),
        (&json!("agent_lin"), &json!(world.seconds()), &json!(0))
    );
    let sent = agent.says("wx_c1", "说错了").unwrap();
    let key = sent.message.key.clone().unwrap();
    sent.await;
    world.bridge.gets().await;
    agent.recalls("wx_c1", &key).unwrap().await.unwrap();
    let recall = world.bridge.gets().await.json();
    assert_eq!(
        (&recall["CallbackCommand"], &recall["MsgKey"]),
        (&json!("C2C.CallbackAfterMsgWithDraw"), &json!(key))
    );
    assert_eq!(agent.recalls("wx_c1", &key).unwrap_err(), 20023);
    let late = agent
        .says("wx_c1", "太晚")
        .unwrap()
        .message
        .key
        .clone()
        .unwrap();
    world.hand.advance(Duration::from_secs(121));
    assert_eq!(agent.recalls("wx_c1", &late).unwrap_err(), 20016);
}

#[tokio::test]
async fn what_a_client_does_names_its_platform() {
    let (world, agent) = desk(|_| ()).await;
    agent.logs_in("iOS").await.unwrap();
    assert_eq!(agent.agent().platform, "iOS");
    agent.says("wx_c1", "在路上").unwrap().await;
    agent.logs_out().await.unwrap();
    for _ in 0..3 {
        assert_eq!(world.bridge.gets().await.param("OptPlatform"), "iOS");
    }
}

#[tokio::test]
async fn an_edit_is_seen_on_both_sides_and_told() {
    let (world, agent) = desk(|_| ()).await;
    let sent = agent.says("wx_c1", "明日发货").unwrap();
    let key = sent.message.key.clone().unwrap();
    sent.await;
    world.bridge.gets().await;
    let edited = agent.edits("wx_c1", &key, "更正：后日发货").unwrap();
    assert!(edited.await.unwrap().delivered());
    let got = world.bridge.gets().await;
    assert_eq!(got.param("CallbackCommand"), "C2C.CallbackAfterModifyMsg");
    let body = got.json();
    assert_eq!(
        (&body["Operator_Account"], &body["MsgKey"]),
        (&json!("agent_lin"), &json!(key))
    );
    assert_eq!(body["MsgBody"][0]["MsgContent"]["Text"], "更正：后日发货");
    assert_eq!(agent.messages("wx_c1")[0].text(), "更正：后日发货");
    assert_eq!(agent.edits("wx_c1", "1_2_3", "x").unwrap_err(), 20022);
}

#[tokio::test]
async fn a_stand_in_reads_what_the_agent_wrote() {
    let (world, agent) = desk(|_| ()).await;
    agent.says("wx_c1", "您好").unwrap().await;
    let read = json!({"Report_Account": "wx_c1", "Peer_Account": "agent_lin", "MsgReadTime": world.seconds().to_string()});
    assert_eq!(
        world.tim("openim/admin_set_msg_read", &read).await["ErrorCode"],
        0
    );
    assert_eq!(agent.messages("wx_c1")[0].status, Status::Read);
}

#[tokio::test]
async fn every_element_of_a_client_goes_out() {
    let (world, agent) = desk(|_| ()).await;
    let media = world.sandbox.keep("合同.pdf", &b"%PDF-1.7"[..]);
    let elements = [
        Element::Text("看附件".into()),
        Element::File(media),
        Element::Face {
            index: 14,
            data: "[smile]".into(),
        },
    ];
    assert!(agent.sends("wx_c1", &elements).unwrap().await.delivered());
    let body = world.bridge.gets().await.json();
    let file = &body["MsgBody"][1]["MsgContent"];
    assert_eq!(
        (&file["FileName"], &file["Download_Flag"]),
        (&json!("合同.pdf"), &json!(2))
    );
    let fetched = world
        .http
        .get(file["Url"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(&fetched.bytes().await.unwrap()[..], b"%PDF-1.7");
    assert_eq!(agent.messages("wx_c1").len(), 3);
}

#[tokio::test]
async fn the_bridge_may_be_asked_before_and_is_obeyed() {
    let (world, agent) = desk(|settings| settings.tim.before_send = true).await;
    let ok = r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0"#;
    world.bridge.will_say(
        200,
        &format!(
            r#"{ok},"MsgBody":[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"改过的"}}}}]}}"#
        ),
    );
    assert!(agent.says("wx_c1", "原来的").unwrap().await.delivered());
    let commands: Vec<String> = world
        .bridge
        .got()
        .iter()
        .map(|g| g.param("CallbackCommand").to_owned())
        .collect();
    assert_eq!(
        commands,
        ["C2C.CallbackBeforeSendMsg", "C2C.CallbackAfterSendMsg"]
    );
    assert_eq!(
        world.bridge.got()[1].json()["MsgBody"][0]["MsgContent"]["Text"],
        "改过的"
    );
    world
        .bridge
        .will_say(200, r#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":1}"#);
    agent.says("wx_c1", "不许说").unwrap().await;
    assert_eq!(agent.messages("wx_c1")[1].status, Status::Failed);
    assert_eq!(world.sandbox.tim().messages("wx_c1", "agent_lin").len(), 1);
}

#[tokio::test]
async fn without_a_token_nothing_is_signed() {
    let (world, agent) = desk(|settings| settings.tim.callback_token = String::new()).await;
    agent.says("wx_c1", "您好").unwrap().await;
    assert_eq!(world.bridge.gets().await.param("Sign"), "");
}
