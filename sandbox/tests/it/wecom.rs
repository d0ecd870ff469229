//! What the simulated WeCom takes and refuses: tokens, receivers, every message type, cards, media, robots.

use std::time::Duration;

use bridge_sandbox::{Content, Media, Status};
use serde_json::{Value, json};

use crate::kit::Box;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x06\0\0\0";

/// A world with a token of its app.
struct Office {
    world: Box,
    token: String,
}

impl Office {
    async fn open() -> Self {
        Self::with(Box::new()).await
    }

    async fn with(world: Box) -> Self {
        let token = token(&world).await;
        Self { world, token }
    }

    async fn calls(&self, api: &str, body: &Value) -> Value {
        let path = format!("/wecom/cgi-bin/{api}?access_token={}", self.token);
        self.world.post(&path, body).await.1
    }

    /// `message/send` to 周宁.
    async fn sends(&self, kind: &str, inner: Value) -> Value {
        let body =
            json!({"touser": "ZhouNing", "agentid": 1_000_017, "msgtype": kind, kind: inner});
        self.calls("message/send", &body).await
    }

    async fn code(&self, kind: &str, inner: Value) -> i64 {
        self.sends(kind, inner).await["errcode"].as_i64().unwrap()
    }

    async fn uploads(&self, kind: &str, name: &str, bytes: &[u8]) -> Value {
        let url = format!(
            "{}/cgi-bin/media/upload?type={kind}&access_token={}",
            self.world.sandbox.wecom_base(),
            self.token
        );
        let (form, boundary) = form(name, bytes);
        let request = self.world.http.post(url).header(
            "content-type",
            format!("multipart/form-data; boundary={boundary}"),
        );
        request
            .body(form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }
}

fn form(name: &str, bytes: &[u8]) -> (Vec<u8>, &'static str) {
    let head = format!(
        "--Xx\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    ([head.as_bytes(), bytes, b"\r\n--Xx--\r\n"].concat(), "Xx")
}

async fn token(world: &Box) -> String {
    let answer = asks_token(world, None).await;
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn asks_token(world: &Box, secret: Option<&str>) -> Value {
    let settings = world.sandbox.wecom().settings();
    let secret = secret.unwrap_or(&settings.apps[0].secret);
    let corp = &settings.corp_id;
    world
        .get(&format!(
            "/wecom/cgi-bin/gettoken?corpid={corp}&corpsecret={secret}"
        ))
        .await
}

#[tokio::test]
async fn one_token_per_secret_until_it_expires_or_is_revoked() {
    let world = Box::new();
    let first = asks_token(&world, None).await;
    assert_eq!(
        (&first["errcode"], &first["expires_in"]),
        (&json!(0), &json!(7200))
    );
    let office = Office::with(world).await;
    assert_eq!(
        first["access_token"], office.token,
        "asking again gives the same"
    );
    assert_eq!(office.world.sandbox.wecom().tokens_issued("work"), 1);
    assert_eq!(office.code("text", json!({"content": "a"})).await, 0);
    office.world.hand.advance(Duration::from_secs(7200));
    assert_eq!(office.code("text", json!({"content": "a"})).await, 42001);
    let office = Office::with(office.world).await;
    assert_ne!(first["access_token"], office.token);
    office.world.sandbox.wecom().revoke_tokens();
    assert_eq!(office.code("text", json!({"content": "a"})).await, 40014);
    let office = Office::with(office.world).await;
    assert_eq!(office.code("text", json!({"content": "a"})).await, 0);
    assert_eq!(office.world.sandbox.wecom().tokens_issued("work"), 3);
}

#[tokio::test]
async fn wrong_credentials_have_their_codes() {
    let world = Box::new();
    let code = |answer: Value| answer["errcode"].as_i64().unwrap();
    assert_eq!(code(asks_token(&world, Some("wrong")).await), 40001);
    for (query, expected) in [
        ("corpid=&corpsecret=x", 41002),
        ("corpid=wwother&corpsecret=x", 40013),
        ("corpid=wwsandbox00000001", 41004),
    ] {
        let path = format!("/wecom/cgi-bin/gettoken?{query}");
        assert_eq!(code(world.get(&path).await), expected);
    }
    let send = "/wecom/cgi-bin/message/send";
    assert_eq!(code(world.post(send, &json!({})).await.1), 41001);
    assert_eq!(code(world.get(send).await), 43002);
    let forged = format!("{send}?access_token=forged");
    assert_eq!(code(world.post(&forged, &json!({})).await.1), 40014);
}

#[tokio::test]
async fn receivers_are_sorted_into_known_and_unknown() {
    let office = Office::open().await;
    let send = async |to: Value| {
        let mut body = json!({"agentid": 1_000_017, "msgtype": "text", "text": {"content": "hi"}});
        for (key, value) in to.as_object().unwrap() {
            body[key] = value.clone();
        }
        office.calls("message/send", &body).await
    };
    let some = send(json!({"touser": "zhouning|Nobody|wu.shan", "toparty": "9"})).await;
    assert_eq!(some["errcode"], 0);
    assert_eq!(
        (&some["invaliduser"], &some["invalidparty"]),
        (&json!("nobody"), &json!("9"))
    );
    assert_eq!(send(json!({"touser": "nobody"})).await["errcode"], 81013);
    assert_eq!(send(json!({})).await["errcode"], 82001);
    assert_eq!(send(json!({"touser": "@all"})).await["errcode"], 0);
    let wecom = office.world.sandbox.wecom();
    let heard = |id: &str| wecom.member(id).unwrap().chat().len();
    assert_eq!(
        [heard("ZhouNing"), heard("wu.shan"), heard("agent.li")],
        [2, 2, 1]
    );
    let body = json!({"touser": "@all", "agentid": 7, "msgtype": "text", "text": {"content": "x"}});
    assert_eq!(office.calls("message/send", &body).await["errcode"], 40056);
}

#[tokio::test]
async fn every_message_type_shows_or_is_refused() {
    let office = Office::open().await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    let image = office.uploads("image", "a.png", PNG).await["media_id"].clone();
    let file = office.uploads("file", "a.pdf", b"%PDF-1.7").await["media_id"].clone();
    let video = office
        .uploads("video", "a.mp4", b"\0\0\0\x18ftypmp42")
        .await["media_id"]
        .clone();
    let voice = office.uploads("voice", "a.amr", b"#!AMR\n123").await["media_id"].clone();
    let article = json!({"title": "t", "url": "https://shop.example/"});
    let long = "好".repeat(683);
    for (kind, inner, expected) in [
        ("text", json!({"content": "你好"}), 0),
        ("text", json!({"content": long}), 0),
        ("text", json!({"content": ""}), 44004),
        ("markdown", json!({"content": "**x**"}), 0),
        ("markdown", json!({"content": long}), 45002),
        ("image", json!({"media_id": image}), 0),
        ("image", json!({"media_id": file}), 40007),
        ("voice", json!({"media_id": voice}), 0),
        ("file", json!({"media_id": file}), 0),
        ("video", json!({"media_id": video, "title": "片"}), 0),
        (
            "video",
            json!({"media_id": video, "title": "x".repeat(129)}),
            40058,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "https://a.example"}),
            0,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "a.example"}),
            40058,
        ),
        (
            "textcard",
            json!({"title": "t", "description": "d", "url": "https://a", "btntxt": "五个字太长"}),
            40058,
        ),
        ("news", json!({"articles": [article]}), 0),
        ("news", json!({"articles": []}), 40058),
        ("news", json!({"articles": vec![article.clone(); 9]}), 40058),
        (
            "mpnews",
            json!({"articles": [{"title": "t", "thumb_media_id": image, "content": "<p>"}]}),
            0,
        ),
        (
            "mpnews",
            json!({"articles": [{"title": "t", "thumb_media_id": file, "content": "<p>"}]}),
            40007,
        ),
        (
            "miniprogram_notice",
            json!({"appid": "wx1", "title": "单", "content_item": [{"key": "a", "value": "b"}]}),
            0,
        ),
        ("miniprogram_notice", json!({"title": "单"}), 40058),
        ("hologram", json!({}), 40008),
    ] {
        assert_eq!(
            office.code(kind, inner.clone()).await,
            expected,
            "{kind} {inner}"
        );
    }
    let chat = member.chat();
    assert_eq!(chat.len(), 11);
    assert_eq!(
        chat[1].text().len(),
        2046,
        "a long text is cut on a character"
    );
    assert!(matches!(
        &chat[3].content,
        Content::Image { width: Some(3), .. }
    ));
}

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
    let world = Box::with(|settings| settings.wecom.apps[0].receives = false);
    let office = Office::with(world).await;
    assert_eq!(office.code("template_card", buttons("t")).await, 43012);
}

fn buttons(task: &str) -> Value {
    json!({"card_type": "button_interaction", "task_id": task, "main_title": {"title": "新会话"},
        "button_list": [{"text": "接入", "key": "take"}]})
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

#[tokio::test]
async fn a_flood_to_one_member_vanishes_with_success() {
    let office = Office::open().await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    for number in 0..35 {
        assert_eq!(
            office
                .code("text", json!({"content": number.to_string()}))
                .await,
            0
        );
    }
    assert_eq!(
        (member.chat().len(), office.world.sandbox.wecom().dropped()),
        (30, 5)
    );
    office.world.hand.advance(Duration::from_secs(60));
    assert_eq!(office.code("text", json!({"content": "later"})).await, 0);
    assert_eq!(member.chat().len(), 31);
}

#[tokio::test]
async fn the_days_share_of_an_app_ends() {
    let world = Box::with(|settings| settings.wecom.daily_share = 1);
    let office = Office::with(world).await;
    for expected in [0, 0, 0, 45009] {
        assert_eq!(office.code("text", json!({"content": "x"})).await, expected);
    }
    office.world.hand.advance(Duration::from_secs(86_400));
    let office = Office::with(office.world).await;
    assert_eq!(office.code("text", json!({"content": "x"})).await, 0);
}

#[tokio::test]
async fn the_duplicate_check_drops_what_is_the_same_within_its_interval() {
    let office = Office::open().await;
    let send = async |text: &str| {
        let body = json!({"touser": "zhouning", "agentid": 1_000_017, "msgtype": "text", "text": {"content": text},
            "enable_duplicate_check": 1, "duplicate_check_interval": 60});
        assert_eq!(office.calls("message/send", &body).await["errcode"], 0);
    };
    send("a").await;
    send("a").await;
    send("b").await;
    office.world.hand.advance(Duration::from_secs(60));
    send("a").await;
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    let heard: Vec<String> = member.chat().iter().map(|m| m.text().to_owned()).collect();
    assert_eq!(heard, ["a", "b", "a"]);
}

#[tokio::test]
async fn media_goes_up_and_down_for_three_days() {
    let office = Office::open().await;
    for (kind, name, bytes, expected) in [
        ("image", "a.png", PNG, 0),
        ("image", "a.gif", &b"GIF89a123"[..], 40004),
        ("image", "a.png", &b"no picture"[..], 40004),
        ("voice", "a.mp3", &b"ID3xxxxx"[..], 40004),
        ("file", "a.txt", &b"12345"[..], 40006),
        ("file", "a.txt", &b""[..], 44001),
        ("poster", "a.txt", &b"123456"[..], 40005),
    ] {
        let answer = office.uploads(kind, name, bytes).await;
        assert_eq!(answer["errcode"], expected, "{kind} {name}: {answer}");
    }
    let id = office.uploads("image", "a.png", PNG).await["media_id"].clone();
    let id = id.as_str().unwrap();
    let get = async |token: &str, range: Option<&str>| {
        let url = format!(
            "{}/cgi-bin/media/get?access_token={token}&media_id={id}",
            office.world.sandbox.wecom_base()
        );
        let mut request = office.world.http.get(url);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        request.send().await.unwrap()
    };
    let whole = get(&office.token, None).await;
    assert!(
        whole.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .contains("a.png")
    );
    assert_eq!(&whole.bytes().await.unwrap()[..], PNG);
    let part = get(&office.token, Some("bytes=1-3")).await;
    assert_eq!(
        (part.status().as_u16(), &part.bytes().await.unwrap()[..]),
        (206, &b"PNG"[..])
    );
    office.world.hand.advance(Duration::from_secs(3 * 86_400));
    let fresh = token(&office.world).await;
    let gone: Value = get(&fresh, None).await.json().await.unwrap();
    assert_eq!(gone["errcode"], 40007);
}

#[tokio::test]
async fn people_apps_and_tickets_can_be_asked_for() {
    let office = Office::open().await;
    let get = async |path: &str| {
        let path = format!("/wecom/cgi-bin/{path}&access_token={}", office.token);
        office.world.get(&path).await
    };
    assert_eq!(get("user/get?userid=ZHOUNING").await["name"], "周宁");
    assert_eq!(get("user/get?userid=who").await["errcode"], 60111);
    assert_eq!(
        get("user/simplelist?department_id=1").await["userlist"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(get("agent/get?agentid=1000017").await["name"], "客服台");
    assert_eq!(get("agent/get?agentid=1").await["errcode"], 40056);
    let ticket = get("ticket/get?type=agent_config").await["ticket"].clone();
    assert_ne!(get("get_jsapi_ticket?x=1").await["ticket"], ticket);
    assert_eq!(get("ticket/get?type=agent_config").await["ticket"], ticket);
    let told = office
        .world
        .sandbox
        .wecom()
        .jsapi_ticket("work", "agent_config");
    assert_eq!(ticket, json!(told));
    assert_eq!(
        get("getcallbackip?x=1").await["ip_list"],
        json!(["127.0.0.1"])
    );
}

#[tokio::test]
async fn a_robot_says_what_its_key_allows() {
    let world = Box::new();
    let group = world.sandbox.wecom().group("客服值班群").unwrap();
    let send = async |key: &str, body: Value| {
        let path = format!("/wecom/cgi-bin/webhook/send?key={key}");
        world.post(&path, &body).await.1["errcode"]
            .as_i64()
            .unwrap()
    };
    let key = group.key();
    let text = |text: &str| json!({"msgtype": "text", "text": {"content": text, "mentioned_list": ["@all"]}});
    assert_eq!(send("wrong", text("x")).await, 93000);
    assert_eq!(send(&key, text("队列超过 20 人")).await, 0);
    assert_eq!(
        group.hears_text("20 人").await.unwrap().note.as_deref(),
        Some("@@all")
    );
    assert_eq!(send(&key, text(&"x".repeat(2049))).await, 40058);
    let card = json!({"msgtype": "template_card", "template_card": buttons("x")});
    assert_eq!(send(&key, card).await, 42031);
    assert_eq!(
        send(
            &key,
            json!({"msgtype": "markdown", "markdown": {"content": "x".repeat(4096)}})
        )
        .await,
        0
    );
    for _ in 2..20 {
        assert_eq!(send(&key, text("x")).await, 0);
    }
    assert_eq!(send(&key, text("x")).await, 45009);
    let wire = world.sandbox.wire();
    assert!(
        wire.iter()
            .all(|exchange| !exchange.line.url.contains(&key)),
        "the key is a secret"
    );
}

#[tokio::test]
async fn ordered_faults_strike_where_they_aim() {
    let office = Office::open().await;
    office
        .world
        .sandbox
        .order("wecom.send(zhouning)=45009x1,wecom.send=-1x1,wecom.send=expirex1")
        .unwrap();
    let send = async || office.code("text", json!({"content": "x"})).await;
    // The name is as the bridge wrote it.
    assert_eq!(send().await, -1);
    assert_eq!(send().await, 42001);
    assert_eq!(send().await, 42001, "the token has expired for good");
}

#[tokio::test]
async fn a_file_of_a_member_can_be_fetched() {
    let office = Office::open().await;
    let picture: Media = office.world.sandbox.keep("photo.png", PNG.to_vec());
    let member = office.world.sandbox.wecom().member("zhouning").unwrap();
    assert!(member.sends_image(picture).await.delivered());
    let plain = office
        .world
        .sandbox
        .wire()
        .last()
        .unwrap()
        .request
        .plain
        .clone()
        .unwrap();
    let id = plain
        .split_once("<MediaId><![CDATA[")
        .unwrap()
        .1
        .split_once("]]>")
        .unwrap()
        .0;
    let url = format!(
        "{}/cgi-bin/media/get?access_token={}&media_id={id}",
        office.world.sandbox.wecom_base(),
        office.token
    );
    let got = office.world.http.get(url).send().await.unwrap();
    assert_eq!(&got.bytes().await.unwrap()[..], PNG);
}
