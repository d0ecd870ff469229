//! What the bridge calls on Tencent IM.

use std::time::Duration;

use bridge_sandbox::{Content, Status};
use serde_json::{Value, json};

use crate::kit::{ADMIN, World, text_message, usersig};

const SEND: &str = "openim/sendmsg";

#[tokio::test]
async fn the_request_line_is_checked() {
    let world = World::new();
    let settings = world.sandbox.tim().settings();
    let (key, app, now) = (&settings.secret_key, settings.sdk_app_id, world.seconds());
    let sig = usersig(key, app, ADMIN, now, 86_400);
    let code = async |query: &str, body: &str| {
        let answer = world
            .tim_raw("openim/query_online_status", query, body)
            .await;
        assert!(answer["ActionStatus"] == "OK" || answer["ErrorInfo"].is_string());
        answer["ErrorCode"].as_i64().unwrap()
    };
    let good =
        format!("sdkappid={app}&identifier={ADMIN}&usersig={sig}&random=99&contenttype=json");
    let body = r#"{"To_Account":["agent_lin"]}"#;
    assert_eq!(code(&good, body).await, 0);
    assert_eq!(code(&good.replace('*', "%2A"), body).await, 0);
    assert_eq!(
        code(&good.replace("sdkappid", "SdkAppid"), body).await,
        60012
    );
    assert_eq!(
        code(&good.replace("sdkappid=14", "sdkappid=15"), body).await,
        60006
    );
    assert_eq!(code(&good.replace(&sig, ""), body).await, 70002);
    assert_eq!(
        code(&good.replace("random=99", "random=4294967296"), body).await,
        60002
    );
    assert_eq!(
        code(&good.replace("contenttype=json", "contenttype=JSON"), body).await,
        60002
    );
    assert_eq!(code(&good, "").await, 60003);
    assert_eq!(code(&good, "{").await, 90001);
    let signed = |key: &str, who: &str, at: i64| {
        let sig = usersig(key, app, who, at, 86_400);
        format!("sdkappid={app}&identifier={who}&usersig={sig}&random=99&contenttype=json")
    };
    assert_eq!(code(&signed("another key", ADMIN, now), body).await, 70009);
    assert_eq!(code(&signed(key, "agent_lin", now), body).await, 60010);
    assert_eq!(code(&signed(key, ADMIN, now - 86_401), body).await, 70001);
    assert_eq!(
        world.tim("openim/no_such", &json!({})).await["ErrorCode"],
        60009
    );
}

#[tokio::test]
async fn both_ends_must_be_imported_before_a_send() {
    let world = World::new();
    let message = text_message("wx_c1", "agent_lin", 1, 2, "你好");
    assert_eq!(world.tim(SEND, &message).await["ErrorCode"], 20003);
    world.imports("wx_c1", "小周").await;
    let unknown = text_message("wx_c1", "agent_nobody", 1, 2, "你好");
    assert_eq!(world.tim(SEND, &unknown).await["ErrorCode"], 90012);
    let answer = world.tim(SEND, &message).await;
    assert_eq!(answer["ErrorCode"], 0);
    assert_eq!(answer["MsgKey"], format!("1_2_{}", world.seconds()));
    let agent = world.sandbox.tim().client("agent_lin").unwrap();
    let heard = agent.hears_text("你好").await.unwrap();
    assert_eq!(heard.peer, "wx_c1");
    let chat = agent.chat("wx_c1").unwrap();
    assert_eq!((chat.nick.as_str(), chat.unread), ("小周", 1));
    assert_eq!(
        world
            .tim(
                "im_open_login_svc/account_import",
                &json!({"UserID": "x".repeat(33)})
            )
            .await["ErrorCode"],
        70402
    );
}

#[tokio::test]
async fn the_same_seq_and_random_within_the_window_is_one_message() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let message = text_message("wx_c1", "agent_lin", 4_100_000_007, 3_899_123_456, "你好");
    let first = world.tim(SEND, &message).await;
    world.hand.advance(Duration::from_secs(119));
    assert_eq!(world.tim(SEND, &message).await, first);
    assert_eq!(world.sandbox.tim().messages("wx_c1", "agent_lin").len(), 1);
    world.hand.advance(Duration::from_secs(2));
    assert_ne!(world.tim(SEND, &message).await["MsgKey"], first["MsgKey"]);
    assert_eq!(world.sandbox.tim().sent_count(), 2);
    let other = text_message("wx_c1", "agent_lin", 4_100_000_008, 3_899_123_456, "你好");
    assert_ne!(world.tim(SEND, &other).await["MsgKey"], first["MsgKey"]);
}

#[tokio::test]
async fn a_wrong_send_has_its_code() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let code = async |change: Value| {
        let mut message = text_message("wx_c1", "agent_lin", 1, 2, "你好");
        for (name, value) in change.as_object().unwrap() {
            message[name] = value.clone();
        }
        world.tim(SEND, &message).await["ErrorCode"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(code(json!({"To_Account": ["agent_lin"]})).await, 90003);
    assert_eq!(code(json!({"To_Account": 5})).await, 90003);
    assert_eq!(code(json!({"MsgRandom": null})).await, 90005);
    assert_eq!(code(json!({"MsgRandom": -1})).await, 90005);
    assert_eq!(code(json!({"MsgBody": null})).await, 90002);
    assert_eq!(
        code(json!({"MsgBody": {"MsgType": "TIMTextElem"}})).await,
        90007
    );
    assert_eq!(code(json!({"SyncOtherMachine": "1"})).await, 90031);
    assert_eq!(code(json!({"MsgLifeTime": 604801})).await, 90026);
    assert_eq!(code(json!({"MsgLifeTime": "1"})).await, 90044);
    let long = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "好".repeat(4096)}}]);
    assert_eq!(code(json!({"MsgBody": long})).await, 93000);
    assert_eq!(world.sandbox.tim().sent_count(), 0);
}

#[tokio::test]
async fn several_elements_are_several_bubbles_of_one_message() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let mut message = text_message("wx_c1", "agent_lin", 1, 2, "看图");
    let picture = json!({"MsgType": "TIMImageElem", "MsgContent": {"UUID": "u", "ImageFormat": 3, "ImageInfoArray": [
        {"Type": 1, "Size": 10, "Width": 3, "Height": 2, "URL": "http://127.0.0.1/a.png"}]}});
    message["MsgBody"].as_array_mut().unwrap().push(picture);
    world.tim(SEND, &message).await;
    let agent = world.sandbox.tim().client("agent_lin").unwrap();
    let (first, second) = (agent.hears().await.unwrap(), agent.hears().await.unwrap());
    assert_eq!(first.message.key, second.message.key);
    assert!(matches!(second.message.content, Content::Image { .. }));
    assert_eq!(agent.chat("wx_c1").unwrap().unread, 1);
}

#[tokio::test]
async fn history_is_the_operators_view_and_comes_in_pages() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    for n in 0..5 {
        world
            .tim(
                SEND,
                &text_message("wx_c1", "agent_lin", n, n, &format!("第{n}句")),
            )
            .await;
        world.hand.advance(Duration::from_secs(1));
    }
    let mut unsynced = text_message("wx_c1", "agent_lin", 9, 9, "只给客服");
    unsynced["SyncOtherMachine"] = 2.into();
    world.tim(SEND, &unsynced).await;
    let page = async |operator: &str, peer: &str, to: i64, last: &str| {
        let body = json!({"Operator_Account": operator, "Peer_Account": peer, "MaxCnt": 2, "MinTime": 0, "MaxTime": to, "LastMsgKey": last});
        world.tim("openim/admin_getroammsg", &body).await
    };
    let texts = |page: &Value| -> Vec<String> {
        let list = page["MsgList"].as_array().unwrap().iter();
        list.map(|m| {
            m["MsgBody"][0]["MsgContent"]["Text"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
    };
    let first = page("wx_c1", "agent_lin", world.seconds(), "").await;
    assert_eq!(
        (texts(&first), first["Complete"].as_i64()),
        (vec!["第3句".into(), "第4句".into()], Some(0))
    );
    let second = page(
        "wx_c1",
        "agent_lin",
        first["LastMsgTime"].as_i64().unwrap(),
        first["LastMsgKey"].as_str().unwrap(),
    )
    .await;
    assert_eq!(texts(&second), ["第1句", "第2句"]);
    let third = page(
        "wx_c1",
        "agent_lin",
        second["LastMsgTime"].as_i64().unwrap(),
        second["LastMsgKey"].as_str().unwrap(),
    )
    .await;
    assert_eq!(
        (texts(&third), third["Complete"].as_i64()),
        (vec!["第0句".into()], Some(1))
    );
    let agents = page("agent_lin", "wx_c1", world.seconds(), "").await;
    assert_eq!(texts(&agents), ["第4句", "只给客服"]);
    world.hand.advance(Duration::from_secs(7 * 86_400 + 1));
    assert_eq!(
        page("agent_lin", "wx_c1", world.seconds(), "").await["MsgCnt"],
        0
    );
}

#[tokio::test]
async fn a_message_is_recalled_once_and_edited_in_place() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let agent = world.sandbox.tim().client("agent_lin").unwrap();
    let sent = world
        .tim(SEND, &text_message("wx_c1", "agent_lin", 1, 2, "写错了"))
        .await;
    let about =
        |key: &Value| json!({"From_Account": "wx_c1", "To_Account": "agent_lin", "MsgKey": key});
    let mut edit = about(&sent["MsgKey"]);
    edit["MsgBody"] = json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "写对了"}}]);
    assert_eq!(
        world.tim("openim/modify_c2c_msg", &edit).await["ErrorCode"],
        0
    );
    assert_eq!(agent.hears().await.unwrap().text(), "写对了");
    let withdraw = async |key: &Value| {
        world.tim("openim/admin_msgwithdraw", &about(key)).await["ErrorCode"].clone()
    };
    assert_eq!(withdraw(&json!("nonsense")).await, 90054);
    assert_eq!(withdraw(&json!("1_2_3")).await, 20022);
    assert_eq!(withdraw(&sent["MsgKey"]).await, 0);
    assert_eq!(withdraw(&sent["MsgKey"]).await, 20023);
    assert_eq!(agent.messages("wx_c1")[0].status, Status::Recalled);
}

#[tokio::test]
async fn presence_profiles_and_checks() {
    let world = World::new();
    world.imports("wx_c1", "小周").await;
    let check = json!({"CheckItem": [{"UserID": "wx_c1"}, {"UserID": "wx_c2"}]});
    let checked = world.tim("im_open_login_svc/account_check", &check).await;
    assert_eq!(checked["ResultItem"][1]["AccountStatus"], "NotImported");
    let many = json!({"Accounts": ["wx_c2", "wx_c3"]});
    assert_eq!(
        world
            .tim("im_open_login_svc/multiaccount_import", &many)
            .await["FailAccounts"],
        json!([])
    );
    assert!(world.sandbox.tim().is_imported("wx_c3"));
    let lin = world.sandbox.tim().client("agent_lin").unwrap();
    lin.disconnects(true).await.unwrap();
    let ask =
        json!({"To_Account": ["agent_system", "agent_lin", "wx_c1", "nobody"], "IsNeedDetail": 1});
    let online = world.tim("openim/query_online_status", &ask).await;
    let states: Vec<&str> = online["QueryResult"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["Status"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["Online", "PushOnline", "Offline"]);
    assert_eq!(online["ErrorList"][0]["ErrorCode"], 70107);
    let item = json!({"Tag": "Tag_Profile_IM_Nick", "Value": "周先生"});
    world
        .tim(
            "profile/portrait_set",
            &json!({"From_Account": "wx_c1", "ProfileItem": [item]}),
        )
        .await;
    let get = json!({"To_Account": ["wx_c1"], "TagList": ["Tag_Profile_IM_Nick"]});
    let got = world.tim("profile/portrait_get", &get).await;
    assert_eq!(
        got["UserProfileItem"][0]["ProfileItem"][0]["Value"],
        "周先生"
    );
    world.hand.advance(Duration::from_secs(5));
    assert_eq!(
        world
            .tim("im_open_login_svc/kick", &json!({"UserID": "agent_system"}))
            .await["ErrorCode"],
        0
    );
    assert_eq!(
        world
            .tim(
                "im_open_login_svc/account_delete",
                &json!({"DeleteItem": []})
            )
            .await["ErrorCode"],
        71000
    );
}

#[tokio::test]
async fn too_many_calls_in_a_second_are_refused() {
    let world = World::with(|settings| settings.tim.rate_limit = 3);
    let ask = json!({"To_Account": ["agent_lin"]});
    for _ in 0..3 {
        assert_eq!(
            world.tim("openim/query_online_status", &ask).await["ErrorCode"],
            0
        );
    }
    assert_eq!(
        world.tim("openim/query_online_status", &ask).await["ErrorCode"],
        60007
    );
    world.hand.advance(Duration::from_secs(1));
    assert_eq!(
        world.tim("openim/query_online_status", &ask).await["ErrorCode"],
        0
    );
}
