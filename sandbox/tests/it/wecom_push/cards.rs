//! Presses of buttons, and passive replies.

use bridge_sandbox::Content;
use serde_json::json;

use super::{CORP, card, element, opened, quick, sealed};

#[tokio::test]
async fn a_press_carries_a_code_that_changes_the_card() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    let token = card(&world, json!({
        "card_type": "button_interaction", "task_id": "task-991", "main_title": {"title": "新会话"},
        "action_menu": {"action_list": [{"text": "静音", "key": "mute"}]},
        "button_selection": {"question_key": "q1", "option_list": [{"id": "opt_a", "text": "A"}]},
        "button_list": [{"text": "接入", "key": "take:conv-991"}]
    })).await;
    let shown = member.hears_card("新会话").await.unwrap();
    assert!(member.presses(&shown, "other").is_err());
    let pressed = member
        .submits(&shown, "take:conv-991", &[("q1", &["opt_a"])])
        .unwrap();
    assert!(pressed.await.delivered());
    let plain = opened(&world, &world.bridge.gets().await);
    for expected in [
        "<Event><![CDATA[template_card_event]]></Event><EventKey><![CDATA[take:conv-991]]></EventKey><TaskId><![CDATA[task-991]]></TaskId><CardType><![CDATA[button_interaction]]></CardType>",
        "<SelectedItems><SelectedItem><QuestionKey><![CDATA[q1]]></QuestionKey><OptionIds><OptionId><![CDATA[opt_a]]></OptionId></OptionIds></SelectedItem></SelectedItems>",
    ] {
        assert!(plain.contains(expected), "{plain}");
    }
    let code = element(&plain, "ResponseCode");
    let update = json!({"userids": ["ZhouNing"], "agentid": 1_000_017, "response_code": code,
        "template_card": {"card_type": "text_notice", "main_title": {"title": "已接入"}, "replace_text": "处理中",
            "card_action": {"type": 1, "url": "https://desk.example"}}});
    let path = format!(
        "/wecom/cgi-bin/message/update_template_card?access_token={}",
        token.as_str().unwrap()
    );
    assert_eq!(world.post(&path, &update).await.1["errcode"], 0);
    let now = member
        .sees(&shown, |m| m.content.words().contains("已接入"))
        .await
        .unwrap();
    assert!(now.content.words().contains("处理中"));
}

#[tokio::test]
async fn passive_replies_show_and_grey_buttons_where_they_are_sealed() {
    let world = quick();
    let member = world.sandbox.wecom().member("zhouning").unwrap();
    let head = format!(
        "<ToUserName><![CDATA[ZhouNing]]></ToUserName><FromUserName><![CDATA[{CORP}]]></FromUserName><CreateTime>1</CreateTime>"
    );
    let text = format!(
        "<xml>{head}<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[收到]]></Content></xml>"
    );
    world.bridge.will_say(200, &text);
    member.says("明文回复").await;
    assert!(member.unheard().is_empty(), "an open reply is ignored");
    world.bridge.will_say(200, &sealed(&world, &text));
    member.says("密文回复").await;
    assert_eq!(
        member.hears_text("收到").await.unwrap().note.as_deref(),
        Some("被动回复")
    );
    card(
        &world,
        json!({"card_type": "button_interaction", "task_id": "t", "main_title": {"title": "会话"},
        "button_list": [{"text": "接入", "key": "take"}]}),
    )
    .await;
    let shown = member.hears_card("会话").await.unwrap();
    let grey = format!(
        "<xml>{head}<MsgType><![CDATA[update_button]]></MsgType><Button><ReplaceName><![CDATA[已接入]]></ReplaceName></Button></xml>"
    );
    world.bridge.will_say(200, &sealed(&world, &grey));
    member.presses(&shown, "take").unwrap().await;
    let now = member
        .sees(
            &shown,
            |m| matches!(&m.content, Content::TemplateCard { card } if card.done.is_some()),
        )
        .await;
    assert!(now.unwrap().content.words().contains("已接入"));
}
