//! What a sidebar shows.

use bridge_sandbox::{Pushed, wechat::NewCustomer, wecom::NewContact};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::{SIDEBAR, call, number, routes, stage};

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
