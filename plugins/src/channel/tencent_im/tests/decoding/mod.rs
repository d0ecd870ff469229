//! What callbacks are read as.

mod refusing;

use bridge_convertors::tencent_im::sign::sign;
use bridge_core::channel::{Channel, Decoded, Delivery, Verb};
use bridge_core::clock::Timestamp;
use bridge_core::message::{Arrival, Author, Content, Event, PeerId, What};
use serde_json::{Value, json};

use super::kit::{Kit, STAND_IN, TOKEN, kit, kit_with};
use super::peer::{NOW, SDK_APP_ID};

fn query(command: &str, platform: &str) -> String {
    let time = NOW.to_string();
    let signed = sign(TOKEN, &time);
    format!(
        "SdkAppid={SDK_APP_ID}&CallbackCommand={command}&contenttype=json&ClientIP=203.0.113.9&OptPlatform={platform}\
         &RequestTime={time}&Sign={signed}"
    )
}

fn delivery(query: String, body: impl Into<Vec<u8>>) -> Delivery {
    Delivery {
        verb: Verb::Post,
        query,
        body: body.into().into(),
        received_at: Timestamp::from_secs(NOW as i64),
    }
}

/// A callback from a client, signed.
fn from_client(body: &Value) -> Delivery {
    let command = body["CallbackCommand"].as_str().unwrap();
    delivery(query(command, "Web"), body.to_string())
}

fn said(elements: Value) -> Value {
    json!({
        "CallbackCommand": "C2C.CallbackAfterSendMsg", "From_Account": "agent_1", "To_Account": STAND_IN,
        "MsgSeq": 4_100_000_007_u32, "MsgRandom": 2_216_677_889_u32, "MsgTime": NOW + 10,
        "MsgKey": format!("4100000007_2216677889_{}", NOW + 10), "OnlineOnlyFlag": 0, "SendMsgResult": 0,
        "ErrorInfo": "send msg succeed", "UnreadMsgNum": 1, "MsgBody": elements, "CloudCustomData": ""
    })
}

fn text(text: &str) -> Value {
    json!({"MsgType": "TIMTextElem", "MsgContent": {"Text": text}})
}

fn decoded(kit: &Kit, body: &Value) -> Decoded {
    let decoded = kit.channel.decode(&from_client(body)).unwrap();
    assert_eq!(
        decoded.ack.body,
        &br#"{"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0}"#[..]
    );
    assert!(decoded.ack.content_type.starts_with("application/json"));
    decoded
}

fn contents(arrivals: &[Arrival]) -> Vec<&Content> {
    arrivals.iter().filter_map(Arrival::content).collect()
}

#[tokio::test]
async fn an_agents_words() {
    let kit = kit().await;
    let arrivals = decoded(&kit, &said(json!([text("您好")]))).arrivals;
    let [arrival] = &arrivals[..] else {
        panic!("{arrivals:?}")
    };
    assert_eq!(
        arrival.external_id.as_str(),
        format!("1700000010:4100000007:2216677889:agent_1:{STAND_IN}")
    );
    assert_eq!(
        (arrival.inbox.as_str(), arrival.peer.as_str()),
        ("desk", STAND_IN)
    );
    assert_eq!(arrival.author, Author::Agent(PeerId::new("agent_1")));
    assert_eq!(arrival.what, What::Content(Content::text("您好")));
    assert_eq!(arrival.sent_at, Timestamp::from_secs(1_700_000_010));
    assert_eq!(arrival.trigger, None);
}

#[tokio::test]
async fn elements_become_arrivals_in_order_each_with_its_own_id() {
    let kit = kit().await;
    let location = json!({"MsgType": "TIMLocationElem", "MsgContent": {"Desc": "北门", "Latitude": 31.5, "Longitude": 121.0}});
    let body = said(json!([text("地址"), location, text("到了叫我")]));
    let arrivals = decoded(&kit, &body).arrivals;
    let place = Content::Location {
        latitude: 31.5,
        longitude: 121.0,
        label: "北门".into(),
    };
    assert_eq!(
        contents(&arrivals),
        [&Content::text("地址"), &place, &Content::text("到了叫我")]
    );
    let base = format!("1700000010:4100000007:2216677889:agent_1:{STAND_IN}");
    let ids: Vec<&str> = arrivals
        .iter()
        .map(|arrival| arrival.external_id.as_str())
        .collect();
    assert_eq!(
        ids,
        [base.clone(), format!("{base}#1"), format!("{base}#2")]
    );
    assert_eq!(
        decoded(&kit, &body).arrivals,
        arrivals,
        "a repeat has the same ids"
    );
}

#[tokio::test]
async fn an_agent_who_types_is_told_of_and_who_stops_is_not() {
    let kit = kit().await;
    for (status, told) in [(1, 1), (0, 0)] {
        let data =
            json!({"businessID": "user_typing_status", "typingStatus": status, "version": 1});
        let custom =
            json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": data.to_string()}}]);
        let mut body = said(custom);
        body["OnlineOnlyFlag"] = 1.into();
        let arrivals = decoded(&kit, &body).arrivals;
        assert_eq!(arrivals.len(), told, "{arrivals:?}");
        if let Some(arrival) = arrivals.first() {
            assert_eq!(contents(&arrivals), [&Content::Event(Event::Typing)]);
            assert_eq!(arrival.peer.as_str(), STAND_IN);
        }
    }
}

#[tokio::test]
async fn what_is_not_an_agent_speaking_to_a_contact_is_acknowledged_and_left() {
    let kit = kit().await;
    let changed = |field: &str, value: Value| {
        let mut body = said(json!([text("您好")]));
        body[field] = value;
        body
    };
    let mut reversed = changed("To_Account", "agent_1".into());
    reversed["From_Account"] = STAND_IN.into();
    let custom = json!([{"MsgType": "TIMCustomElem", "MsgContent": {"Data": "{\"typing\":1}"}}]);
    let mut typing = changed("MsgBody", custom);
    typing["OnlineOnlyFlag"] = 1.into();
    for (why, body) in [
        ("not delivered", changed("SendMsgResult", 20006.into())),
        (
            "before it is sent",
            changed("CallbackCommand", "C2C.CallbackBeforeSendMsg".into()),
        ),
        (
            "also told as C2C",
            changed("CallbackCommand", "Bot.OnC2CMessage".into()),
        ),
        ("colleagues", changed("To_Account", "agent_2".into())),
        ("our own", reversed),
        (
            "stand-ins among themselves",
            changed("From_Account", "kefu_another".into()),
        ),
        ("typing", typing),
        ("empty", changed("MsgBody", json!([text("")]))),
        (
            "a group",
            json!({"CallbackCommand": "Group.CallbackAfterSendMsg", "GroupId": "g", "MsgBody": [text("x")]}),
        ),
        ("new", json!({"CallbackCommand": "Moon.Landing"})),
        (
            "a contact's state",
            json!({"CallbackCommand": "State.StateChange", "Info": {"To_Account": STAND_IN, "Action": "Login"}}),
        ),
        (
            "an unknown state",
            json!({"CallbackCommand": "State.StateChange", "Info": {"To_Account": "agent_1", "Action": "Nap"}}),
        ),
    ] {
        assert_eq!(decoded(&kit, &body).arrivals, [], "{why}");
    }
}

#[tokio::test]
async fn what_was_sent_through_the_api_is_an_echo_unless_another_backend_speaks_for_agents() {
    let body = said(json!([text("您好")])).to_string();
    let rest = |platform: &str| delivery(query("C2C.CallbackAfterSendMsg", platform), body.clone());
    let alone = kit().await;
    for platform in ["RESTAPI", "RestApi"] {
        assert_eq!(alone.channel.decode(&rest(platform)).unwrap().arrivals, []);
    }
    let shared = kit_with(json!({"other_backends": true})).await;
    assert_eq!(
        shared
            .channel
            .decode(&rest("RESTAPI"))
            .unwrap()
            .arrivals
            .len(),
        1
    );
    let ours = body
        .replace("agent_1", "x")
        .replace(STAND_IN, "agent_1")
        .replace("\"x\"", &format!("\"{STAND_IN}\""));
    let ours = delivery(query("C2C.CallbackAfterSendMsg", "RESTAPI"), ours);
    assert_eq!(
        shared.channel.decode(&ours).unwrap().arrivals,
        [],
        "ours are ours all the same"
    );
}

#[tokio::test]
async fn recalls_name_the_message_as_it_was_told() {
    let kit = kit().await;
    let message = decoded(&kit, &said(json!([text("错了")])))
        .arrivals
        .remove(0);
    let body = json!({
        "CallbackCommand": "C2C.CallbackAfterMsgWithDraw", "From_Account": "agent_1", "To_Account": STAND_IN,
        "MsgKey": format!("4100000007_2216677889_{}", NOW + 10), "UnreadMsgNum": 0
    });
    let recall = decoded(&kit, &body).arrivals.remove(0);
    let external_id = message.external_id.as_str().to_owned();
    assert_eq!(
        recall.what,
        What::Content(Content::Recalled { external_id })
    );
    assert_eq!((recall.peer, recall.author), (message.peer, message.author));
    assert_ne!(recall.external_id, message.external_id);
}

#[tokio::test]
async fn reading_and_changing_are_recorded() {
    let kit = kit().await;
    let read = json!({"CallbackCommand": "C2C.CallbackAfterMsgReport", "Report_Account": "agent_1",
        "Peer_Account": STAND_IN, "LastReadTime": NOW + 31, "UnreadMsgNum": 0});
    let read = decoded(&kit, &read).arrivals.remove(0);
    assert_eq!(
        read.what,
        What::Content(Content::Event(Event::Read {
            up_to: NOW as i64 + 31
        }))
    );
    assert_eq!(
        read.external_id.as_str(),
        format!("1700000031:read:agent_1:{STAND_IN}")
    );

    let mut changed = said(json!([text("明日发货")]));
    changed["CallbackCommand"] = "C2C.CallbackAfterModifyMsg".into();
    changed["EventTime"] = "1700000050000".into();
    let changed = decoded(&kit, &changed).arrivals.remove(0);
    let What::Content(Content::Event(Event::Other { detail, .. })) = &changed.what else {
        panic!("{changed:?}")
    };
    assert_eq!(detail["words"], "明日发货");
    assert!(
        changed
            .external_id
            .as_str()
            .starts_with("1700000010:4100000007:")
    );
}

#[tokio::test]
async fn agents_come_and_go() {
    let kit = kit().await;
    let state = |action: &str, time: u64| {
        json!({"CallbackCommand": "State.StateChange", "EventTime": time,
            "Info": {"Action": action, "To_Account": "agent_1", "Reason": "Register"}})
    };
    for (action, online) in [("Login", true), ("Logout", false), ("Disconnect", false)] {
        let told = decoded(&kit, &state(action, 1_700_000_002_123))
            .arrivals
            .remove(0);
        assert_eq!(
            told.what,
            What::Content(Content::Event(Event::Presence { online }))
        );
        assert_eq!(told.author, Author::Agent(PeerId::new("agent_1")));
        assert_eq!(told.sent_at, Timestamp(1_700_000_002_123));
        assert!(told.external_id.as_str().starts_with("1700000002:"));
    }
}

#[tokio::test]
async fn a_profile_that_changed() {
    let kit = kit().await;
    let body = json!({"CallbackCommand": "Profile.CallbackPortraitSet", "From_Account": "agent_1", "EventTime": 1_700_000_003_001_u64,
        "ProfileItem": [{"Tag": "Tag_Profile_IM_Nick", "Value": "小王"}, {"Tag": "Tag_Profile_IM_BirthDay", "Value": 19990131}]});
    let told = decoded(&kit, &body).arrivals.remove(0);
    assert_eq!(
        told.what,
        What::Content(Content::Event(Event::ProfileChanged))
    );
    let profile = told.profile.unwrap();
    assert_eq!(
        (profile.name.as_deref(), profile.avatar_url),
        (Some("小王"), None)
    );
}
