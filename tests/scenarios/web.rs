//! Visitors of a company's own site: the page's socket, cut and taken up again, and what strangers try at it.

use bridge_sandbox::dify::{Gate, Script};
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message, protocol::frame::coding::CloseCode};

use crate::{
    stage::{Backs, Bridge, Set, Stage, on_both_backs},
    visitor::{Visitor, knock},
};

on_both_backs!(
    a_visitor_talks_with_the_assistant_and_with_a_person,
    an_agents_typing_and_what_they_take_back_is_seen,
);

async fn site(more: &str) -> Stage {
    site_on(Backs::Embedded, more).await
}

async fn site_on(backs: Backs, more: &str) -> Stage {
    Stage::with(Set {
        backs,
        more: format!(
            "[inboxes.site]\nchannel = \"web\"\norigins = [\"https://www.example.com\"]\n{more}"
        ),
        ..Set::default()
    })
    .await
}

async fn a_visitor_talks_with_the_assistant_and_with_a_person(backs: Backs) {
    let stage = site_on(backs, "").await;
    stage
        .sandbox
        .dify()
        .script(Script::answer("**七天**无理由。").when("退货"));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let taken = visitor.says("怎么退货？").await;
    assert_eq!(taken["t"], "taken");
    let own = visitor.reads("怎么退货").await;
    assert_eq!(
        (&own["trace"], &own["by"]),
        (&taken["trace"], &json!("contact"))
    );
    let answer = visitor.reads("七天").await;
    assert_eq!(
        (&answer["by"], &answer["content"]["markdown"]),
        (&json!("bot"), &json!(true))
    );

    visitor.says("转人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("怎么退货"), "{}", card.text());
    agent.says(&card.peer, "您好，我来看看").unwrap().await;
    let line = visitor.reads("我来看看").await;
    assert_eq!(
        (&line["by"], &line["name"]),
        (&json!("agent"), &json!("默认客服"))
    );
    visitor.says("谢谢").await;
    agent.hears_text("谢谢").await.unwrap();

    agent.says(&card.peer, "#退出").unwrap().await;
    let menu = visitor.reads("请为本次服务打分").await;
    let best = &menu["content"]["items"][0];
    let id = visitor.id();
    let choice = json!({ "t": "say", "id": id, "kind": "choice", "choice": best["id"], "label": best["label"] });
    assert_eq!(visitor.answer(choice).await["t"], "taken");
    visitor.reads("感谢您的评价").await;
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_is_caught_up_with_and_nothing_comes_twice() {
    let stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    visitor.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    let last = visitor.last();
    let before = visitor.words();
    let token = visitor.is_cut().await;
    for number in 0..70 {
        agent
            .says(&card.peer, &format!("第 {number} 条"))
            .unwrap()
            .await;
    }
    stage.settled().await;

    let mut back = Visitor::back(&stage.bridge.url, Some(&token), Some(last)).await;
    back.reads("第 69 条").await;
    let expected: Vec<String> = (0..70).map(|number| format!("第 {number} 条")).collect();
    assert_eq!(back.words(), expected);
    agent.says(&card.peer, "还在吗").unwrap().await;
    back.reads("还在吗").await;

    // Another tab, or a page that was loaded again: the last screen, and more when it is asked for.
    let mut again = Visitor::back(&stage.bridge.url, Some(&back.token), None).await;
    again.reads("还在吗").await;
    assert_eq!(again.lines.len(), 30);
    let first = again.lines[0]["n"].clone();
    again.lines.clear();
    again
        .sends(json!({ "t": "earlier", "before": first }).to_string())
        .await;
    let earlier = again.hears("earlier").await;
    assert_eq!(
        (again.words()[29].as_str(), &earlier["more"]),
        ("第 40 条", &json!(true))
    );
    assert!(before.iter().any(|words| words.contains("为您服务")));
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_the_same_message_however_often_and_after_a_crash() {
    let mut stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let id = visitor.id();
    assert!(visitor.says_as(&id, "只说一次").await["trace"].is_i64());
    assert!(
        visitor.says_as(&id, "只说一次").await["trace"].is_null(),
        "a repeat has no number"
    );
    visitor.reads("只说一次").await;
    let token = visitor.is_cut().await;
    stage.kill_and_restart();
    let mut back = Visitor::back(&stage.bridge.url, Some(&token), Some(0)).await;
    assert!(back.says_as(&id, "只说一次").await["trace"].is_null());
    // Somebody else's id is another id.
    let mut other = Visitor::comes(&stage.bridge.url).await;
    assert!(other.says_as(&id, "别人说的").await["trace"].is_i64());
    back.says("到此为止").await;
    back.reads("到此为止").await;
    let said: Vec<_> = back
        .words()
        .into_iter()
        .filter(|words| words == "只说一次")
        .collect();
    assert_eq!(said.len(), 1, "{:?}", back.words());
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_show_the_same() {
    let stage = site("").await;
    let mut one = Visitor::comes(&stage.bridge.url).await;
    let mut two = Visitor::back(&stage.bridge.url, Some(&one.token), None).await;
    one.says("第一页说的").await;
    let (line, same) = (one.reads("第一页说的").await, two.reads("第一页说的").await);
    assert_eq!(line, same);
    two.says("第二页说的").await;
    one.reads("第二页说的").await;
    stage.settled().await;
}

/// The page shows that the agent types, and what was taken back as such, whoever reads it when; nobody else's typing is shown.
async fn an_agents_typing_and_what_they_take_back_is_seen(backs: Backs) {
    let stage = site_on(backs, "").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("转人工").await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let peer = system.hears_text("新会话").await.unwrap().peer;
    assert!(lin.types(&peer).await.unwrap().delivered());
    assert!(system.types(&peer).await.unwrap().delivered());
    visitor.hears("typing").await;

    let said = system.says(&peer, "说错了一句").unwrap();
    let key = said.message.key.clone().unwrap();
    assert!(said.await.delivered());
    let line = visitor.reads("说错了一句").await;
    system.recalls(&peer, &key).unwrap().await.unwrap();
    system.hears_text("访客页面上显示").await.unwrap();
    let gone = visitor.reads("recalled").await;
    assert_eq!(
        (&gone["content"]["trace"], &gone["by"]),
        (&line["trace"], &json!("agent"))
    );
    stage.settled().await;
    // Whoever comes back reads it, too.
    let mut back = Visitor::back(&stage.bridge.url, Some(&visitor.token), None).await;
    back.reads("recalled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_uploaded_and_one_comes_back() {
    let stage = site("").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    let agent = stage.agent("system");
    agent.hears_text("新会话").await.unwrap();
    let pixel = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let client = reqwest::Client::new();
    let upload = |token: &str, origin: &str, body: Vec<u8>| {
        client
            .post(format!("{}/web/site/upload", stage.bridge.url))
            .header("authorization", format!("Bearer {token}"))
            .header("origin", origin)
            .header("x-file-name", "%E5%9B%BE.gif")
            .body(body)
            .send()
    };
    let origin = stage.bridge.url.clone();
    let kept = upload(&visitor.token, &origin, pixel.to_vec())
        .await
        .unwrap();
    let kept: serde_json::Value = kept.json().await.unwrap();
    assert_eq!(
        (&kept["mime"], &kept["name"]),
        (&json!("image/gif"), &json!("图.gif"))
    );
    let say =
        |id: String| json!({ "t": "say", "id": id, "kind": "upload", "ticket": kept["ticket"] });
    let id = visitor.id();
    assert_eq!(visitor.answer(say(id)).await["t"], "taken");
    let is_image = |content: &bridge_sandbox::Content| {
        matches!(content, bridge_sandbox::Content::Image { .. })
    };
    agent
        .hears_which("a picture", move |heard| is_image(&heard.message.content))
        .await
        .unwrap();
    let line = visitor.reads("\"image\"").await;
    let source = line["content"]["src"].as_str().unwrap();
    let served = reqwest::get(format!("{}/{source}", stage.bridge.url))
        .await
        .unwrap();
    assert_eq!(served.bytes().await.unwrap(), pixel.as_slice());

    // Another visitor's ticket is nobody's.
    let mut other = Visitor::comes(&stage.bridge.url).await;
    let id = other.id();
    assert_eq!(other.answer(say(id)).await["why"], "ticket");
    for (what, token, from, body, status) in [
        (
            "a page",
            visitor.token.as_str(),
            origin.as_str(),
            b"<html><script>alert(1)</script></html>".to_vec(),
            415,
        ),
        (
            "a program",
            &visitor.token,
            &origin,
            b"MZ\x90\x00\x03\x00\x00\x00\x04\x00".to_vec(),
            415,
        ),
        (
            "a picture that is a page",
            &visitor.token,
            &origin,
            b"<svg onload=\"alert(1)\" xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            415,
        ),
        (
            "too much",
            &visitor.token,
            &origin,
            vec![b'a'; 10_000_001],
            413,
        ),
        ("nothing", &visitor.token, &origin, Vec::new(), 400),
        ("nobody's", "AAAA", &origin, pixel.to_vec(), 401),
        (
            "from elsewhere",
            &visitor.token,
            "https://evil.example",
            pixel.to_vec(),
            403,
        ),
    ] {
        assert_eq!(
            upload(token, from, body).await.unwrap().status(),
            status,
            "{what}"
        );
    }
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_origins_are_refused() {
    let stage = site("").await;
    let status = |error: Error| match error {
        Error::Http(response) => response.status().as_u16(),
        other => panic!("{other}"),
    };
    for origin in [
        None,
        Some("https://evil.example"),
        Some("https://www.example.com.evil.example"),
        Some("http://www.example.com"),
        Some("https://example.com"),
        Some("null"),
    ] {
        assert_eq!(
            status(knock(&stage.bridge.url, origin).await.unwrap_err()),
            403,
            "{origin:?}"
        );
    }
    assert!(
        knock(&stage.bridge.url, Some("https://www.example.com"))
            .await
            .is_ok()
    );
    // The callback's door is closed to everybody: only the socket has the seal.
    let forged = reqwest::Client::new()
        .post(format!("{}/callback/site", stage.bridge.url))
        .body("0123456789012345678901234567890123456789[]")
        .send()
        .await
        .unwrap();
    assert_eq!(forged.status(), 401);
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_expire_and_cannot_be_made() {
    let stage = site("token_lifetime = \"60s\"\n").await;
    let visitor = Visitor::comes(&stage.bridge.url).await;
    let token = visitor.token.clone();
    let mut forged = token.clone().into_bytes();
    let last = forged.len() - 3;
    forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
    for token in [
        String::from_utf8(forged).unwrap(),
        String::new(),
        "x".repeat(4000),
    ] {
        let hello = json!({ "t": "hello", "token": token }).to_string();
        assert_eq!(
            shown_out(&stage, Message::text(hello)).await,
            CloseCode::Library(4401),
            "{token}"
        );
    }
    // What was signed for another purpose, or is no hello at all.
    for noise in [
        "{}",
        "",
        "[]",
        "{\"t\":\"say\"}",
        "{\"t\":\"hello\",\"after\":\"x\"}",
        &"{".repeat(4000),
    ] {
        assert_eq!(
            shown_out(&stage, Message::text(noise)).await,
            CloseCode::Policy,
            "{noise}"
        );
    }
    assert_eq!(
        shown_out(&stage, Message::binary(vec![0; 10])).await,
        CloseCode::Policy
    );
    stage.settled().await;
}

/// What the server says to somebody who begins with this.
async fn shown_out(stage: &Stage, first: Message) -> CloseCode {
    use futures_util::{SinkExt as _, StreamExt as _};
    let mut socket = knock(&stage.bridge.url, Some(&stage.bridge.url))
        .await
        .unwrap();
    let _ = socket.send(first).await;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(Some(frame)) = message {
            return frame.code;
        }
    }
    CloseCode::Abnormal
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused() {
    let stage = site("messages_per_minute = 5\ntext_bytes = 100\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(visitor.says(&"长".repeat(40)).await["why"], "too_long");
    assert_eq!(visitor.says("  \n ").await["why"], "malformed");
    let old = format!("{}-scenario00000000", visitor.now - 90_000);
    assert_eq!(visitor.says_as(&old, "很久以前").await["why"], "stale");
    assert_eq!(visitor.says_as("1-2", "没有号码").await["why"], "malformed");
    let mut taken = 0;
    let refused = loop {
        let answer = visitor.says("快").await;
        match answer["t"] == "taken" {
            true => taken += 1,
            false => break answer,
        }
        assert!(taken <= 6, "nobody counts");
    };
    assert_eq!(refused["why"], "too_fast");
    assert!(refused["after"].as_i64().unwrap() > 0, "{refused}");
    assert!(taken >= 5, "{taken}");
    // A frame beyond all bounds, whole or in pieces of a megabyte that is never sent: the socket is closed.
    visitor.sends_raw(Message::text("x".repeat(1 << 20))).await;
    assert_eq!(visitor.is_shown_out().await, CloseCode::Size);
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sockets_are_bounded_and_those_inside_go_on() {
    let stage = site("sockets = 100\nsockets_per_address = 1000\nsockets_per_visitor = 2\nnew_visitors_per_minute = 1\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    let mut second = Visitor::back(&stage.bridge.url, Some(&visitor.token), None).await;
    let mut inside = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        match knock(&stage.bridge.url, Some(&stage.bridge.url)).await {
            Ok(socket) => inside.push(socket),
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 503);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((inside.len(), refused), (98, 902));
    visitor.says("里面的人照常").await;
    visitor.reads("里面的人照常").await;
    second.reads("里面的人照常").await;
    inside.clear();
    // A seat is free again once the server has seen them go; a third tab of one visitor finds none.
    let token = visitor.token.clone();
    let hello = json!({ "t": "hello", "token": token }).to_string();
    loop {
        match knock(&stage.bridge.url, Some(&stage.bridge.url)).await {
            Ok(socket) => {
                drop(socket);
                break;
            }
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert_eq!(
        shown_out(&stage, Message::text(hello)).await,
        CloseCode::Library(4429)
    );
    // There was a new visitor from here within this minute.
    let new = json!({ "t": "hello" }).to_string();
    assert_eq!(
        shown_out(&stage, Message::text(new)).await,
        CloseCode::Library(4429)
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_silent_are_shown_out_and_a_stop_asks_all_to_come_back() {
    let mut stage = site("idle_timeout = \"1s\"\n").await;
    let mut silent = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(silent.is_shown_out().await, CloseCode::Library(4000));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    assert_eq!(stage.bridge.terminate(), Some(0));
    assert!(matches!(
        visitor.is_shown_out().await,
        CloseCode::Away | CloseCode::Library(4000)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reaches_nothing_but_us() {
    let stage = site("title = \"<b>客服</b>\"\n").await;
    let base = format!("{}/web/site", stage.bridge.url);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let moved = client.get(&base).send().await.unwrap();
    assert_eq!(
        (
            moved.status().as_u16(),
            moved.headers()["location"].to_str().unwrap()
        ),
        (308, "site/")
    );
    let page = client.get(format!("{base}/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'self' https://www.example.com",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    let tag = page.headers()["etag"].clone();
    let html = page.text().await.unwrap();
    assert!(
        html.contains("&lt;b&gt;客服&lt;/b&gt;") && !html.contains("<b>"),
        "{html}"
    );
    let known = client
        .get(format!("{base}/"))
        .header("if-none-match", tag)
        .send()
        .await
        .unwrap();
    assert_eq!(known.status(), 304);
    for part in [
        "chat.js", "chat.css", "kefu.js", "wire.js", "view.js", "icon.svg",
    ] {
        let answer = client.get(format!("{base}/{part}")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{part}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    for missing in ["../callback/mall", "nothing.js", "page/chat.js"] {
        assert_eq!(
            client
                .get(format!("{base}/{missing}"))
                .send()
                .await
                .unwrap()
                .status(),
            404,
            "{missing}"
        );
    }
    assert_eq!(
        client
            .get(format!("{}/web/mall/", stage.bridge.url))
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_sees_who_answers_and_that_somebody_is_at_it() {
    let stage = Stage::with(Set {
        capacity: 1,
        more: "[inboxes.site]\nchannel = \"web\"\n".to_owned(),
        ..Set::default()
    })
    .await;
    let gate = Gate::closed();
    stage
        .sandbox
        .dify()
        .script(Script::new().when("运费").holds(&gate).says("商家出。"));
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("运费谁出").await;
    visitor.hears("typing").await;
    gate.open();
    visitor.reads("商家出").await;

    // Both agents have their one contact; the third waits.
    let mut others = Vec::new();
    for _ in 0..2 {
        let mut other = Visitor::comes(&stage.bridge.url).await;
        other.says("转人工").await;
        other.reads("为您服务").await;
        others.push(other);
    }
    visitor.says("转人工").await;
    visitor.reads("正在为您转接").await;
    let waits = visitor
        .hears_which("a place in the queue", |frame| frame["phase"] == "queued")
        .await;
    assert_eq!(
        (&waits["position"], &waits["agent"]),
        (&json!(1), &json!(null))
    );
    others[0].says("#退出").await;
    let served = visitor
        .hears_which("an agent", |frame| frame["phase"] == "assigned")
        .await;
    assert!(
        ["默认客服", "林小满"].contains(&served["agent"].as_str().unwrap()),
        "{served}"
    );
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_shown_out() {
    let stage = site("messages_per_minute = 1000\n").await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("人工").await;
    visitor.reads("为您服务").await;
    // More than may be on its way to anybody; nobody reads it, and so nobody answers the pings either.
    for _ in 0..20 {
        let id = visitor.id();
        let say = json!({ "t": "say", "id": id, "kind": "text", "text": "长".repeat(2000) });
        visitor.sends(say.to_string()).await;
    }
    let shown_out = "kefu_live_closed_total{why=\"slow\"} 1";
    let metrics = format!("{}/metrics", stage.bridge.url);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        if text.contains(shown_out) {
            break;
        }
        tick.tick().await;
    }
    // Nothing is lost: all of it is there for who comes back and reads.
    let mut back = Visitor::back(&stage.bridge.url, Some(&visitor.token), Some(0)).await;
    while back
        .words()
        .iter()
        .filter(|words| words.len() == 6000)
        .count()
        < 20
    {
        back.hears("lines").await;
    }
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_two_nodes_a_visitor_is_one_visitor() {
    let stage = Stage::with(Set {
        assistant: false,
        backs: Backs::Servers,
        more: "[inboxes.site]\nchannel = \"web\"\nmessages_per_minute = 4\n".to_owned(),
        ..Set::default()
    })
    .await;
    // The platforms call the first node; the visitor has a tab on each.
    let second = Bridge::start(&stage.config());
    let mut there = Visitor::comes(&second.url).await;
    there.says("人工").await;
    there.reads("为您服务").await;
    let mut here = Visitor::back(&stage.bridge.url, Some(&there.token), None).await;
    here.reads("为您服务").await;
    let agent = stage.agent("system");
    let card = agent.hears_text("新会话").await.unwrap();
    agent.says(&card.peer, "两个节点都看得到").unwrap().await;
    assert_eq!(
        here.reads("两个节点都看得到").await,
        there.reads("两个节点都看得到").await
    );
    // What was said on one node is a repeat on the other, and a minute is the same minute.
    let id = there.id();
    assert!(there.says_as(&id, "说一次").await["trace"].is_i64());
    assert!(here.says_as(&id, "说一次").await["trace"].is_null());
    let mut taken = 3;
    while here.says("快").await["t"] == "taken" && there.says("快").await["t"] == "taken" {
        taken += 2;
        assert!(taken < 8, "each node counts for itself");
    }
    stage.settled().await;
    drop(second);
}
