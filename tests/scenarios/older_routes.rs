//! The routes of an older system: members' messages and commands from JSON, what a sidebar shows, and what strangers try.

use bridge_sandbox::{
    Pushed,
    wechat::NewCustomer,
    wecom::{Member, NewContact},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use crate::{
    configuration,
    stage::{Set, Stage},
};

const TOKEN: &str = "an-older-token-of-32-characters!";
const MESSAGE: &str = "/api/wechat/work-message";
const COMMAND: &str = "/api/wechat/work/command";
const SIDEBAR: &str = "/api/wechat/sidebar-data";

/// An agent in WeCom, one on Tencent IM who is a member, too, and a second WeCom inbox with keys that are known.
async fn stage(routes: &str) -> Stage {
    let mut set = Set {
        assistant: false,
        mall: "unionid = true".to_owned(),
        ..Set::default()
    };
    let corp = &mut set.settings.wecom;
    (corp.token_rate, corp.daily_share) = (0, 0);
    corp.apps[0].calls_contacts = true;
    let work = configuration::wecom(corp, "");
    set.more = [routes, &work, &configuration::agent_in_wecom(5)].concat();
    Stage::with(set).await
}

fn routes() -> String {
    format!(
        "[older_routes]\ntoken = \"{TOKEN}\"\ninbox = \"work\"\nemployees = {{ \"wu.shan\" = \"system\" }}"
    )
}

/// A call as the older system makes it.
async fn call(stage: &Stage, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = reqwest::Client::new()
        .request(method, format!("{}{path}", stage.bridge.url))
        .bearer_auth(TOKEN)
        .body(body.to_owned());
    answer(request).await
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let body = response.text().await.unwrap();
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

async fn post(stage: &Stage, path: &str, body: Value) -> (StatusCode, Value) {
    call(stage, Method::POST, path, &body.to_string()).await
}

fn member(stage: &Stage, id: &str) -> Member {
    stage.sandbox.wecom().member(id).unwrap()
}

/// The number on a card: `客户：小周（编号 3）`.
fn number(card: &str) -> i64 {
    let (_, rest) = card.split_once("编号 ").unwrap();
    rest.split('）').next().unwrap().parse().unwrap()
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_words_and_commands_do_what_the_typed_ones_do() {
    let stage = stage(&routes()).await;
    let (li, zhou) = (member(&stage, "agent.li"), member(&stage, "ZhouNing"));
    let system = stage.agent("system");

    // A member writes; the answer comes in the app's chat. Sent again it is the same message.
    let said = json!({ "userid": "agent.li", "text": "转人工", "name": "李工", "id": "m-1", "time": now() });
    let (status, first) = post(&stage, MESSAGE, said.clone()).await;
    assert_eq!((status, &first["accepted"]), (StatusCode::OK, &json!(true)));
    assert!(
        first["trace"].is_i64() && first["repeated"] == false,
        "{first}"
    );
    let card = system.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("李工"), "{}", card.text());
    let (_, again) = post(&stage, MESSAGE, said).await;
    assert_eq!(
        (&again["repeated"], &again["trace"]),
        (&json!(true), &Value::Null)
    );
    system.says(&card.peer, "您好，请讲").unwrap().await;
    li.hears_text("请讲").await.unwrap();

    // The agent on Tencent IM is a member: their command needs no chat.
    let command = json!({ "userid": "wu.shan", "command": "转接 -n lin -m 请跟进" });
    let (status, taken) = post(&stage, COMMAND, command).await;
    assert_eq!((status, &taken["accepted"]), (StatusCode::OK, &json!(true)));
    system.hears_text("已转接给 林小满").await.unwrap();
    let handed = stage.agent("lin").hears_text("新会话").await.unwrap();
    assert!(handed.text().contains("请跟进"), "{}", handed.text());

    // The agent in WeCom: by the contact who is open there, and by number.
    let phone = stage.phone("小周");
    assert!(phone.scans("agent:zhou").await.delivered());
    assert!(phone.says("人工").await.delivered());
    zhou.hears_card("新会话").await.unwrap();
    assert!(phone.says("订单 42 在哪").await.delivered());
    zhou.hears_text("订单 42").await.unwrap();
    let command = json!({ "userid": "zhouning", "command": "＃转接 system" });
    assert_eq!(post(&stage, COMMAND, command).await.0, StatusCode::OK);
    zhou.hears_text("已转接给").await.unwrap();
    let card = system.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("订单 42"), "{}", card.text());
    let command =
        json!({ "userid": "wu.shan", "command": "#quit", "conversation": number(card.text()) });
    assert_eq!(post(&stage, COMMAND, command).await.0, StatusCode::OK);
    phone.hears_text("本次服务已结束").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_and_leaves_nothing() {
    let stage = stage(&routes()).await;
    let system = stage.agent("system");
    for name in ["甲", "乙"] {
        let phone = stage.phone(name);
        assert!(phone.scans("agent:system").await.delivered());
        assert!(phone.says("人工").await.delivered());
        system.hears_text("新会话").await.unwrap();
    }
    stage.settled().await;

    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", stage.bridge.url);
    let fine = json!({ "userid": "agent.li", "text": "在吗", "command": "帮助" }).to_string();
    for path in [MESSAGE, COMMAND] {
        for request in [
            client.post(url(path)),
            client.post(url(path)).bearer_auth("another"),
            client.post(url(path)).bearer_auth(""),
            client.post(url(path)).basic_auth("x", Some(TOKEN)),
            client.post(url(path)).header("authorization", TOKEN),
        ] {
            let (status, problem) = answer(request.body(fine.clone())).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::UNAUTHORIZED, &json!("unauthorized"))
            );
        }
    }
    assert_eq!(
        answer(client.get(url(SIDEBAR))).await.0,
        StatusCode::UNAUTHORIZED
    );

    let long = "长".repeat(4_001);
    let huge = format!(r#"{{"userid":"agent.li","text":"{}"}}"#, "x".repeat(70_000));
    let stale = now() - 200_000;
    let bad = [
        (MESSAGE, "".to_owned(), 400, "malformed"),
        (MESSAGE, "<xml/>".to_owned(), 400, "malformed"),
        (MESSAGE, "[]".to_owned(), 400, "malformed"),
        (MESSAGE, "[".repeat(5_000), 400, "malformed"),
        (
            MESSAGE,
            r#"{"userid":"agent.li"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"agent.li","text":"  "}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"a b","text":"x"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":42,"text":"x"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            format!(r#"{{"userid":"{}","text":"x"}}"#, "u".repeat(65)),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            r#"{"userid":"agent.li","text":"x","id":"1"}"#.to_owned(),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            format!(r#"{{"userid":"agent.li","text":"x","id":"1","time":{stale}}}"#),
            400,
            "malformed",
        ),
        (
            MESSAGE,
            json!({ "userid": "agent.li", "text": long }).to_string(),
            413,
            "too_large",
        ),
        (MESSAGE, huge, 413, "too_large"),
        (
            COMMAND,
            r#"{"userid":"agent.li","command":"帮助"}"#.to_owned(),
            403,
            "not_an_agent",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":"帮助"}"#.to_owned(),
            409,
            "ambiguous",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":"帮助","conversation":999}"#.to_owned(),
            404,
            "not_found",
        ),
        (
            COMMAND,
            r#"{"userid":"wu.shan","command":""}"#.to_owned(),
            400,
            "malformed",
        ),
    ];
    for (path, body, status, code) in bad {
        let (got, problem) = call(&stage, Method::POST, path, &body).await;
        let shown: String = body.chars().take(80).collect();
        assert_eq!(
            (got.as_u16(), &problem["code"]),
            (status, &json!(code)),
            "{shown}"
        );
        if code == "ambiguous" {
            assert_eq!(problem["conversations"].as_array().unwrap().len(), 2);
        }
    }
    for (query, code) in [
        ("", "malformed"),
        ("?userid=a%20b", "malformed"),
        ("?userid=li&conversation=1", "malformed"),
        ("?conversation=x", "malformed"),
        ("?conversation=1&url=javascript:alert(1)", "malformed"),
    ] {
        let (_, problem) = call(&stage, Method::GET, &format!("{SIDEBAR}{query}"), "").await;
        assert_eq!(problem["code"], code, "{query}");
    }
    // What claims to be WeCom's own is checked as at the callback's address.
    let forged = format!("{MESSAGE}?msg_signature=0&timestamp=1&nonce=1");
    let (status, _) = call(
        &stage,
        Method::POST,
        &forged,
        "<xml><Encrypt>AAAA</Encrypt></xml>",
    )
    .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = call(&stage, Method::GET, &format!("{forged}&echostr=AAAA"), "").await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        stage.ready().await["depths"]["open"],
        2,
        "nothing was opened"
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_in_the_configuration_the_routes_are_not_there() {
    let stage = stage("").await;
    for path in [MESSAGE, COMMAND] {
        let (status, problem) = post(&stage, path, json!({ "userid": "a", "text": "x" })).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }
    assert_eq!(
        call(&stage, Method::GET, SIDEBAR, "").await.0,
        StatusCode::NOT_FOUND
    );
}

/// The URL check of WeCom's notes, at the older address: key bytes 00 to 1f.
#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_callbacks_are_taken_at_the_older_address() {
    let old = r#"
[older_routes]
token = "an-older-token-of-32-characters!"
inbox = "old"

[inboxes.old]
channel = "wecom"
corp_id = "wwkfbridge00000001"
agent_id = 1000002
secret = "none"
token = "KfBridgeTok2026"
encoding_aes_key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
api_base = "SANDBOX_URL/wecom"
"#;
    let stage = stage(old).await;
    let query = "msg_signature=914a631ffa06d1751bfd67ebbbcaf0b656b7a608&timestamp=1767225600&nonce=1650283947&echostr=n7gqdObxhWzqe7%2FPYcmDBc2YFq%2BSVd83NxKPdAjMUnXqf4SdDWflS8zxsOVKj8D1sxzBpmB1uuTo56RuyCBobA%3D%3D";
    let url = format!("{}{MESSAGE}?{query}", stage.bridge.url);
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.text().await.unwrap(), "7301948512266530417");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidebar_shows_the_customer_with_all_their_threads() {
    let stage = stage(&routes()).await;
    let wecom = stage.sandbox.wecom();
    let (external, pushed): (String, Pushed) = wecom.adds_contact(NewContact {
        member: "ZhouNing".into(),
        name: "小周".into(),
        union_id: "u-zhou".into(),
        tags: vec!["VIP".into(), "老客户".into()],
        ..NewContact::default()
    });
    assert!(pushed.await.delivered());
    let customer = NewCustomer {
        nickname: "小周".into(),
        following: true,
        unionid: Some("u-zhou".into()),
        ..NewCustomer::default()
    };
    let phone = stage.sandbox.wechat().add_customer(customer).unwrap();
    assert!(phone.scans("agent:system").await.delivered());
    assert!(phone.says("人工").await.delivered());
    let card = stage.agent("system").hears_text("新会话").await.unwrap();
    assert!(phone.says("订单 42 在哪").await.delivered());
    stage.agent("system").hears_text("订单 42").await.unwrap();

    let page = "https://kf.example.com/sidebar?a=1&b=2";
    let query = format!(
        "url=https%3A%2F%2Fkf.example.com%2Fsidebar%3Fa%3D1%26b%3D2%23%2Fc&external_userid={external}"
    );
    let path = format!("{SIDEBAR}?{query}");
    // The platform is asked for the unionid beside the conversation: each answer of the route is the wait for it.
    let mut shown = Value::Null;
    for _ in 0..200 {
        let (status, body) = call(&stage, Method::GET, &path, "").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        shown = body;
        if shown["conversation"]["inbox"] == "mall" {
            break;
        }
    }
    assert_eq!(shown["tags"], json!(["VIP", "老客户"]));
    assert_eq!(shown["contact"]["name"], "小周");
    assert_eq!(shown["contact"]["dedicated"], "默认客服");
    let conversation = &shown["conversation"];
    assert_eq!(
        (
            &conversation["number"],
            &conversation["inbox"],
            &conversation["phase"],
            &conversation["agent"]
        ),
        (
            &json!(number(card.text())),
            &json!("mall"),
            &json!("assigned"),
            &json!("默认客服")
        )
    );
    let messages = shown["messages"].as_array().unwrap();
    let said = |text: &str| {
        messages
            .iter()
            .any(|line| line["text"] == text && line["by"] == "contact")
    };
    assert!(said("人工") && said("订单 42 在哪"), "{messages:?}");

    // Signed as the client checks it: each with its own ticket, for the page without what follows `#`.
    for (name, kind) in [("config", "corp"), ("agentConfig", "agent_config")] {
        let pass = &shown["pass"][name];
        let ticket = wecom.jsapi_ticket("work", kind).unwrap();
        let signed = format!(
            "jsapi_ticket={ticket}&noncestr={}&timestamp={}&url={page}",
            pass["nonceStr"].as_str().unwrap(),
            pass["timestamp"]
        );
        let digest = Sha1::digest(signed);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(pass["signature"], hex, "{name}");
    }
    // The tickets are kept: they may be asked for a hundred times an hour.
    let wire = stage.sandbox.wire();
    let asked = wire
        .iter()
        .filter(|exchange| exchange.line.url.contains("ticket"))
        .count();
    assert_eq!(asked, 2);

    let (_, nobody) = call(
        &stage,
        Method::GET,
        &format!("{SIDEBAR}?conversation=999"),
        "",
    )
    .await;
    assert_eq!(
        (&nobody["contact"], &nobody["messages"]),
        (&Value::Null, &json!([]))
    );
    let (_, stranger) = call(
        &stage,
        Method::GET,
        &format!("{SIDEBAR}?external_userid=wmNobody"),
        "",
    )
    .await;
    assert_eq!(
        (&stranger["tags_known"], &stranger["conversation"]),
        (&json!(false), &Value::Null)
    );
    stage.settled().await;
}
