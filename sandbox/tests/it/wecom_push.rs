//! What the simulated WeCom pushes to the bridge: sealed and signed, tried three times, and what it makes of the answers.

use std::time::Duration;

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bridge_sandbox::wecom::{Act, Event, NewContact};
use bridge_sandbox::{Content, End, Status};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use crate::kit::{Box, Got, Reaction};

const CORP: &str = "wwsandbox00000001";

fn signature(parts: &[&str]) -> String {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    let digest = Sha1::digest(sorted.concat().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(world: &Box) -> [u8; 32] {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let codec = GeneralPurpose::new(&alphabet::STANDARD, config);
    let encoded = &world.sandbox.wecom().settings().apps[0].encoding_aes_key;
    codec.decode(encoded).unwrap().try_into().unwrap()
}

fn token(world: &Box) -> String {
    world.sandbox.wecom().settings().apps[0].token.clone()
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> &'a str {
    let tail = text
        .split_once(open)
        .unwrap_or_else(|| panic!("no {open} in {text}"))
        .1;
    tail.split_once(close).unwrap().0
}

fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    between(xml, &format!("<{name}><![CDATA["), "]]>")
}

/// Opens a callback with a decoder of its own: the vectors bind the sandbox's, this binds the whole request.
fn opened(world: &Box, got: &Got) -> String {
    let encrypted = element(&got.body, "Encrypt");
    let parts = [
        &token(world),
        got.param("timestamp"),
        got.param("nonce"),
        encrypted,
    ];
    assert_eq!(signature(&parts), got.param("msg_signature"));
    let key = key(world);
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let text = cbc::Decryptor::<aes::Aes256>::new(&key.into(), &iv.into())
        .decrypt_padded_vec::<NoPadding>(&STANDARD.decode(encrypted).unwrap())
        .unwrap();
    let length = u32::from_be_bytes(text[16..20].try_into().unwrap()) as usize;
    let (message, rest) = text[20..].split_at(length);
    assert!(rest.starts_with(CORP.as_bytes()));
    let pad = *rest.last().unwrap();
    assert!((1..=32).contains(&pad) && rest.len() == CORP.len() + usize::from(pad));
    String::from_utf8(message.to_vec()).unwrap()
}

/// An encrypted passive reply, as the bridge would write one.
fn sealed(world: &Box, message: &str) -> String {
    let key = key(world);
    let iv: [u8; 16] = key[..16].try_into().unwrap();
    let length = (message.len() as u32).to_be_bytes();
    let mut text = [
        b"0123456789abcdef",
        &length[..],
        message.as_bytes(),
        CORP.as_bytes(),
    ]
    .concat();
    let pad = 32 - text.len() % 32;
    text.resize(text.len() + pad, pad as u8);
    let encryptor = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
    let encrypted = STANDARD.encode(encryptor.encrypt_padded_vec::<NoPadding>(&text));
    let signature = signature(&[&token(world), "1767225607", "nonce-8", &encrypted]);
    format!(
        "<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature><TimeStamp>1767225607</TimeStamp><Nonce><![CDATA[nonce-8]]></Nonce></xml>"
    )
}

fn quick() -> Box {
    Box::with(|settings| settings.wecom.push_timeout = Duration::from_millis(300))
}

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
    let world = Box::new();
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

async fn card(world: &Box, card: Value) -> Value {
    let settings = world.sandbox.wecom().settings();
    let path = format!(
        "/wecom/cgi-bin/gettoken?corpid={CORP}&corpsecret={}",
        settings.apps[0].secret
    );
    let token = world.get(&path).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({"touser": "zhouning", "agentid": 1_000_017, "msgtype": "template_card", "template_card": card});
    let sent = world
        .post(
            &format!("/wecom/cgi-bin/message/send?access_token={token}"),
            &body,
        )
        .await
        .1;
    assert_eq!(sent["errcode"], 0, "{sent}");
    json!(token)
}

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
