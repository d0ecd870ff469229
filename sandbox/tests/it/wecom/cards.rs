//! Template cards: checked block by block, changed once.

use std::time::Duration;

use bridge_sandbox::{Content, Status};
use serde_json::{Value, json};

use super::{Office, buttons};
use crate::kit::World;

#[tokio::test]
async fn cards_are_checked_block_by_block() {
    let office = Office::open().await;
    let card = |change: &dyn Fn(&mut Value)| {
        let mut card = json!({
            "card_type": "button_interaction", "task_id": "conv-1@2",
            "source": {"desc": "客服桥"}, "main_title": {"title": "新会话：小周", "desc": "公众号"},
            "horizontal_content_list": [{"keyname": "来源", "value": "云杉商城"}],
            "action_menu": {"desc": "更多", "action_list": [{"text": "转接", "key": "transfer"}]},
            "button_selection": {"question_key": "why", "title": "原因", "option_list": [{"id": "1", "text": "忙"}]},
            "button_list": [{"text": "接入", "key": "take:1", "style": 1}, {"text": "看", "type": 1, "url": "https://a"}]
        });
        change(&mut card);
        card
    };
    type Change<'a> = (&'a dyn Fn(&mut Value), i64);
    let cases: &[Change<'_>] = &[
        (&|c| c["card_type"] = "poster".into(), 42031),
        (&|c| c["task_id"] = "".into(), 42014),
        (&|c| c["task_id"] = "a b".into(), 42014),
        (&|c| c["main_title"] = json!({}), 42033),
        (
            &|c| c["horizontal_content_list"][0]["keyname"] = "".into(),
            42027,
        ),
        (
            &|c| c["horizontal_content_list"] = json!(vec![json!({"keyname": "a"}); 7]),
            42035,
        ),
        (
            &|c| c["horizontal_content_list"][0] = json!({"type": 1, "keyname": "a"}),
            42028,
        ),
        (
            &|c| {
                c["horizontal_content_list"][0] =
                    json!({"type": 3, "keyname": "a", "userid": "who"})
            },
            42050,
        ),
        (&|c| c["button_list"][0]["text"] = "".into(), 42038),
        (&|c| c["button_list"][0]["key"] = "".into(), 42039),
        (&|c| c["button_list"][1]["url"] = "".into(), 42028),
        (
            &|c| c["button_list"] = json!(vec![json!({"text": "a", "key": "a"}); 7]),
            40058,
        ),
        (
            &|c| c["button_selection"]["question_key"] = "".into(),
            42043,
        ),
        (&|c| c["button_selection"]["option_list"] = json!([]), 42037),
        (
            &|c| c["button_selection"]["option_list"][0]["id"] = "".into(),
            42040,
        ),
        (
            &|c| c["button_selection"]["option_list"][0]["text"] = "".into(),
            42041,
        ),
        (
            &|c| c["action_menu"]["action_list"] = json!(vec![json!({"text": "a", "key": "a"}); 2]),
            42051,
        ),
        (
            &|c| *c = json!({"card_type": "text_notice", "main_title": {"title": "t"}}),
            42045,
        ),
        (
            &|c| *c = json!({"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": {"type": 1}}),
            42028,
        ),
        (
            &|c| *c = json!({"card_type": "news_notice", "main_title": {"title": "t"}, "card_action": {"type": 2, "appid": "wx1"}}),
            42044,
        ),
        (
            &|c| {
                *c = json!({"card_type": "vote_interaction", "task_id": "v", "main_title": {"title": "t"},
            "checkbox": {"question_key": "q", "option_list": [{"id": "1", "text": "a"}]}})
            },
            42049,
        ),
        (
            &|c| *c = json!({"card_type": "multiple_interaction", "task_id": "m", "main_title": {"title": "t"}, "select_list": []}),
            42047,
        ),
        (&|_| (), 0),
        (&|_| (), 42014),
    ];
    for (change, expected) in cases {
        let card = card(*change);
        assert_eq!(
            office.code("template_card", card.clone()).await,
            *expected,
            "{card}"
        );
    }
    let notice = json!({"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": {"type": 1, "url": "https://a"}});
    let answer = office.sends("template_card", notice).await;
    assert_eq!(
        (&answer["errcode"], &answer["response_code"]),
        (&json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn interactive_cards_need_a_receive_url() {
    let world = World::with(|settings| settings.wecom.apps[0].receives = false);
    let office = Office::with(world).await;
    assert_eq!(office.code("template_card", buttons("t")).await, 43012);
}

#[tokio::test]
async fn a_card_is_changed_once_per_response_code() {
    let office = Office::open().await;
    let wecom = office.world.sandbox.wecom();
    let (zhou, wu) = (
        wecom.member("zhouning").unwrap(),
        wecom.member("wu.shan").unwrap(),
    );
    let body = json!({"touser": "zhouning|wu.shan", "agentid": 1_000_017, "msgtype": "template_card", "template_card": buttons("t1")});
    let sent = office.calls("message/send", &body).await;
    let update = |users: Value, change: Value| {
        let mut body =
            json!({"userids": users, "agentid": 1_000_017, "response_code": sent["response_code"]});
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        body
    };
    let grey = json!({"button": {"replace_name": "周宁已接入"}});
    let update_api = "message/update_template_card";
    let refused = office
        .calls(update_api, &update(json!(["zhouning"]), json!({})))
        .await;
    assert_eq!(refused["errcode"], 40058);
    let done = office
        .calls(
            update_api,
            &update(json!(["ZhouNing", "agent.li"]), grey.clone()),
        )
        .await;
    assert_eq!(
        (&done["errcode"], &done["invaliduser"]),
        (&json!(0), &json!(["agent.li"]))
    );
    let card = |member: &bridge_sandbox::wecom::Member| match &member.chat()[0].content {
        Content::TemplateCard { card } => card.done.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (card(&zhou).as_deref(), card(&wu)),
        (Some("周宁已接入"), None)
    );
    let again = office
        .calls(update_api, &update(json!(["wu.shan"]), grey))
        .await;
    assert_eq!(again["errcode"], 40058, "a code works once");
    assert!(
        zhou.presses(&zhou.chat()[0], "take").is_err(),
        "grey buttons cannot be pressed"
    );
    let recalled = office
        .calls("message/recall", &json!({"msgid": sent["msgid"]}))
        .await;
    assert_eq!(
        (&recalled["errcode"], wu.chat()[0].status),
        (&json!(0), Status::Recalled)
    );
    office
        .world
        .hand
        .advance(Duration::from_secs(24 * 3600 + 1));
    let office = Office::with(office.world).await;
    let late = office
        .calls("message/recall", &json!({"msgid": sent["msgid"]}))
        .await;
    assert_eq!(late["errcode"], 42052);
}
