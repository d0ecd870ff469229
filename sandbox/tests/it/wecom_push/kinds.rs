//! Every kind of message and event.

use bridge_sandbox::wecom::{Act, Event, NewContact};
use serde_json::json;

use super::{CORP, card, element, opened, quick};

#[tokio::test]
async fn every_kind_of_message_and_event_has_its_fields() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    let voice = world.sandbox.keep("a.amr", &b"#!AMR\n1"[..]);
    let place = |from_wecom| Act::Location {
        latitude: 31.230_391,
        longitude: 121.473_701,
        scale: 16,
        label: "上海".into(),
        from_wecom,
    };
    let event = Act::Event;
    let raw = json!({"Foo": "bar", "Info": {"Count": 2}});
    for (act, expected) in [
        (
            Act::Voice(voice.clone()),
            "<Format><![CDATA[amr]]></Format>",
        ),
        (
            Act::Video {
                media: voice,
                thumb: None,
            },
            "<ThumbMediaId><![CDATA[]]></ThumbMediaId>",
        ),
        (
            place(true),
            "<Location_X>31.230391</Location_X><Location_Y>121.473701</Location_Y><Scale>16</Scale><Label><![CDATA[上海]]></Label><AppType><![CDATA[wxwork]]></AppType>",
        ),
        (place(false), "<Label><![CDATA[上海]]></Label><MsgId>"),
        (
            Act::Link {
                title: "政策".into(),
                description: "七天".into(),
                url: "https://a?b=1&c".into(),
            },
            "<Url><![CDATA[https://a?b=1&c]]></Url>",
        ),
        (
            event(Event::Subscribe),
            "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[]]></EventKey>",
        ),
        (
            event(Event::Enter),
            "<Event><![CDATA[enter_agent]]></Event>",
        ),
        (
            event(Event::Click { key: "MINE".into() }),
            "<EventKey><![CDATA[MINE]]></EventKey>",
        ),
        (
            event(Event::View {
                url: "https://d".into(),
            }),
            "<EventKey><![CDATA[https://d]]></EventKey>",
        ),
        (
            event(Event::Location {
                latitude: 31.2304,
                longitude: 121.4737,
                precision: 65.0,
            }),
            "<Latitude>31.2304</Latitude><Longitude>121.4737</Longitude><Precision>65.0</Precision>",
        ),
        (
            event(Event::Raw {
                name: "brand_new_event_2027".into(),
                fields: raw.as_object().unwrap().clone(),
            }),
            "<Foo><![CDATA[bar]]></Foo><Info><Count>2</Count></Info><AgentID>1000017</AgentID>",
        ),
    ] {
        let is_event = matches!(act, Act::Event(_));
        assert!(member.does(act).await.delivered());
        let plain = opened(&world, &world.bridge.gets().await);
        assert!(plain.contains(expected), "{plain}");
        assert_eq!(plain.contains("<MsgId>"), !is_event);
    }
}

#[tokio::test]
async fn a_menu_line_is_an_event_of_its_own() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    card(&world, json!({
        "card_type": "text_notice", "task_id": "t", "main_title": {"title": "会话"},
        "action_menu": {"action_list": [{"text": "静音", "key": "mute"}]}, "card_action": {"type": 1, "url": "https://a"}
    })).await;
    let shown = member.hears_card("会话").await.unwrap();
    member.presses(&shown, "mute").unwrap().await;
    let plain = opened(&world, &world.bridge.gets().await);
    assert!(plain.contains("[template_card_menu_event]") && !plain.contains("SelectedItems"));
}

#[tokio::test]
async fn a_customer_who_adds_a_member_is_told_and_greeted_once() {
    let world = quick();
    let wecom = world.sandbox.wecom();
    let new = NewContact {
        member: "ZhouNing".into(),
        name: "小周".into(),
        union_id: "oUnion1".into(),
        state: "shop_7".into(),
        tags: vec!["VIP".into()],
        ..NewContact::default()
    };
    let (id, pushed) = wecom.adds_contact(new);
    assert!(pushed.await.delivered());
    let got = world.bridge.gets().await;
    assert!(got.body.contains("<AgentID><![CDATA[]]></AgentID>"));
    let plain = opened(&world, &got);
    assert!(
        plain.contains("<FromUserName><![CDATA[sys]]>")
            && plain.contains("[add_external_contact]")
            && plain.contains("[shop_7]")
    );
    let settings = wecom.settings();
    let path = format!(
        "/wecom/cgi-bin/gettoken?corpid={CORP}&corpsecret={}",
        settings.apps[0].secret
    );
    let token = world.get(&path).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let known = world
        .get(&format!(
            "/wecom/cgi-bin/externalcontact/get?access_token={token}&external_userid={id}"
        ))
        .await;
    assert_eq!(known["external_contact"]["unionid"], "oUnion1");
    let welcome = async |code: &str| {
        let body = json!({"welcome_code": code, "text": {"content": "欢迎"}});
        let path = format!("/wecom/cgi-bin/externalcontact/send_welcome_msg?access_token={token}");
        world.post(&path, &body).await.1["errcode"]
            .as_i64()
            .unwrap()
    };
    let code = element(&plain, "WelcomeCode");
    assert_eq!(
        [
            welcome("wrong").await,
            welcome(code).await,
            welcome(code).await
        ],
        [41050, 0, 41051]
    );
    assert_eq!(wecom.contact_of(&id).unwrap().welcomed, ["欢迎"]);
}
