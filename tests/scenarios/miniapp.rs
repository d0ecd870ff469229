//! A mini program's customer: comes from a page that says what it is about, talks, goes away and is fetched back.

use bridge_sandbox::{
    Account, Content, Format, Mode, tim,
    wechat::{NewCustomer, Phone},
};

use crate::{
    configuration,
    stage::{Backs, Set, Stage, on_both_backs},
};

on_both_backs!(
    the_agent_sees_from_which_page_and_about_which_order,
    a_picture_goes_both_ways,
    kill_9_between_grant_and_nudge_costs_no_second_one,
);

/// The mini program's section, as its console has it.
fn section(account: &Account, more: &str) -> String {
    let page = format!("page = \"pages/kefu/index\"\n{more}");
    let nudge = format!(
        r#"
[inboxes.mini.nudge]
template = "{}"
fields = {{ thing1 = "{{sender}}", thing2 = "{{summary}}", time3 = "{{time}}" }}
pause = "0s"
"#,
        template()
    );
    configuration::mini_program(account, &page) + &nudge
}

fn template() -> String {
    let mini = Account::mini_program().mini.unwrap();
    mini.templates.first().unwrap().id.clone()
}

async fn stage(more: &str, change: impl FnOnce(&mut Set)) -> Stage {
    let mut set = Set {
        assistant: false,
        ..Set::default()
    };
    change(&mut set);
    let account = set.settings.wechat.accounts[1].clone();
    set.more.push_str(&section(&account, more));
    Stage::with(set).await
}

fn phone(stage: &Stage, nickname: &str) -> Phone {
    let customer = NewCustomer {
        nickname: nickname.to_owned(),
        inbox: Some("mini".to_owned()),
        ..NewCustomer::default()
    };
    stage.sandbox.wechat().add_customer(customer).unwrap()
}

async fn the_agent_sees_from_which_page_and_about_which_order(backs: Backs) {
    let stage = stage("", |set| set.backs = backs).await;
    stage
        .sandbox
        .wechat()
        .verify_callback("mini")
        .await
        .unwrap();
    let (phone, lin) = (phone(&stage, "小周"), stage.agent("lin"));
    let from = "agent=lin&page=pages/order/index&order=20250101-42";
    assert!(phone.enters(from).await.delivered());
    assert!(phone.says("人工").await.delivered());
    let card = lin.hears_text("新会话").await.unwrap();
    for part in ["pages/order/index", "20250101-42"] {
        assert!(card.text().contains(part), "{}", card.text());
    }
    lin.says(&card.peer, "您好，请讲").unwrap().await;
    phone.hears_text("请讲").await.unwrap();
    assert!(
        phone
            .enters("page=pages/item/index&sku=7")
            .await
            .delivered()
    );
    let again = lin.hears_text("pages/item/index").await.unwrap();
    assert!(again.text().contains("商品 7"), "{}", again.text());
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_are_read_in_every_mode_and_format() {
    for (mode, format) in [
        (Mode::Plain, Format::Xml),
        (Mode::Compatible, Format::Json),
        (Mode::Safe, Format::Xml),
    ] {
        let words = "service_tool = \"words\"\nservice_tool_words = [\"转微信客服\"]";
        let stage = stage(words, |set| {
            let account = &mut set.settings.wechat.accounts[1];
            (account.mode, account.format) = (mode, format);
        })
        .await;
        let (phone, system) = (phone(&stage, "小周"), stage.agent("system"));
        assert!(phone.says("人工").await.delivered());
        let peer = system.hears_text("新会话").await.unwrap().peer;
        system.says(&peer, "您好").unwrap().await;
        phone.hears_text("您好").await.unwrap();
        // The platform's own tool takes it: answered in the format and mode of the push, or the phone shows a fault.
        assert!(phone.says("转微信客服").await.delivered());
        let notice = phone.hears_which(
            "a notice",
            |one| matches!(&one.content, Content::Notice { text } if text.contains("微信客服")),
        );
        notice.await.unwrap();
        assert!(phone.says("还在吗").await.delivered());
        system.hears_text("还在吗").await.unwrap();
        let told = system.messages(&peer);
        assert!(
            told.iter().all(|one| one.text() != "转微信客服"),
            "it is nobody's here: {told:?}"
        );
        stage.settled().await;
    }
}

/// The picture's bytes are with us, for the agent to see; the agent's own is uploaded and sent as a customer message.
async fn a_picture_goes_both_ways(backs: Backs) {
    let stage = stage("", |set| set.backs = backs).await;
    let (phone, system) = (phone(&stage, "小周"), stage.agent("system"));
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    let theirs = stage.sandbox.keep("warranty.png", PIXEL.to_vec());
    assert!(phone.sends_image(theirs).await.delivered());
    let shown = system.hears_which("the customer's picture", |heard| {
        matches!(heard.message.content, Content::Image { .. })
    });
    let shown = shown.await.unwrap();
    assert_eq!(shown.peer, peer);
    let Content::Image { url, .. } = shown.message.content else {
        unreachable!()
    };
    let (_, path) = url.split_once("/media/").unwrap();
    let served = reqwest::get(format!("{}/media/{path}", stage.bridge.url)).await;
    assert_eq!(&served.unwrap().bytes().await.unwrap()[..], PIXEL);

    let ours = stage.sandbox.keep("answer.gif", GIF.to_vec());
    let pushed = system.sends(&peer, &[tim::Element::Image(ours)]).unwrap();
    assert!(pushed.await.delivered());
    let seen = phone.hears_which("the agent's picture", |one| {
        matches!(one.content, Content::Image { .. })
    });
    let Content::Image { url, .. } = seen.await.unwrap().content else {
        unreachable!()
    };
    let shown = reqwest::get(url).await.unwrap();
    assert_eq!(&shown.bytes().await.unwrap()[..], GIF);
    stage.settled().await;
    let wire = stage.sandbox.wire();
    let uploads = wire
        .iter()
        .filter(|one| one.line.operation == "wechat.upload");
    assert_eq!(uploads.count(), 1);
}

/// A PNG and a GIF of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0x64, 0x60, 0xf8, 0x5f, 0x0f, 0, 2, 0x87, 1, 0x80, 0xeb, 0x47, 0xba, 0x92, 0,
    0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";

/// What an agent says until it has to wait.
async fn talk_until_held(stage: &Stage, phone: &Phone, peer: &str) {
    let system = stage.agent("system");
    for number in 1..=6 {
        let words = format!("第{number}句");
        system.says(peer, &words).unwrap().await;
        // One by one: where the allowance is short, what is said at once goes out as one message. The greeting was the first
        // of five.
        match number {
            1..5 => drop(phone.hears_text(&words).await.unwrap()),
            _ => drop(system.hears_text("额度已用完").await.unwrap()),
        }
    }
}

fn nudges(phone: &Phone) -> usize {
    let chat = phone.chat();
    let nudge = |one: &&bridge_sandbox::Message| one.note.as_deref() == Some("服务通知");
    chat.iter().filter(nudge).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_nudged_once_for_each_grant_and_comes_back() {
    let stage = stage("", |_| {}).await;
    let (phone, system) = (phone(&stage, "小周"), stage.agent("system"));
    assert!(phone.answers(&template(), true).await.delivered());
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    talk_until_held(&stage, &phone, &peer).await;
    let (said, page) = phone.is_nudged().await.unwrap();
    assert!(said.contains("默认客服") && said.contains("第"), "{said}");
    system.hears_text("已用订阅消息提醒").await.unwrap();
    system.says(&peer, "还有一句").unwrap().await;
    system.hears_text("还有一句").await.unwrap();
    stage.settled().await;
    assert_eq!(nudges(&phone), 1, "one grant, one message");
    // The page that it opens hands on what it was told.
    let (_, query) = page.split_once('?').unwrap();
    assert!(phone.enters(query).await.delivered());
    system.hears_text("点开了订阅消息").await.unwrap();
    assert!(phone.says("我来了").await.delivered());
    phone.hears_text("还有一句").await.unwrap();
    system.hears_text("我来了").await.unwrap();
    stage.settled().await;
    let said: Vec<String> = phone
        .chat()
        .iter()
        .map(|one| one.text().to_owned())
        .filter(|text| text.starts_with('第') || text == "还有一句")
        .collect();
    assert_eq!(said.len(), 7, "everything comes, in order: {said:?}");
    assert!(said.is_sorted_by_key(|text| if text == "还有一句" {
        "第9句".to_owned()
    } else {
        text.clone()
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_a_moment_is_tried_again_and_a_refusal_is_not() {
    let stage = stage("", |_| {}).await;
    let (phone, system) = (phone(&stage, "小周"), stage.agent("system"));
    assert!(phone.answers(&template(), true).await.delivered());
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    stage.sandbox.order("wechat.subscribe=-1x2").unwrap();
    talk_until_held(&stage, &phone, &peer).await;
    phone.is_nudged().await.unwrap();
    stage.settled().await;
    // Two yeses of one second would be one; the tries have taken longer.
    assert!(phone.answers(&template(), true).await.delivered());
    // Somebody else spent what was left: the platform refuses, and nobody asks it again.
    phone.forgets_grants();
    system.says(&peer, "再说一句").unwrap().await;
    system.hears_text("未送达").await.unwrap();
    system.says(&peer, "又说一句").unwrap().await;
    system.hears_text("又说一句").await.unwrap();
    stage.settled().await;
    assert_eq!(nudges(&phone), 1);
    let refused = stage
        .sandbox
        .wire()
        .iter()
        .filter(|one| one.line.operation == "wechat.subscribe")
        .count();
    assert_eq!(
        refused, 4,
        "two that failed, one that went, one that was refused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_could_not_deliver_after_all_is_told() {
    let stage = stage("", |_| {}).await;
    let (phone, system) = (phone(&stage, "小周"), stage.agent("system"));
    phone.loses_nudges(true);
    assert!(phone.answers(&template(), true).await.delivered());
    assert!(phone.says("人工").await.delivered());
    let peer = system.hears_text("新会话").await.unwrap().peer;
    talk_until_held(&stage, &phone, &peer).await;
    system.hears_text("提醒未送达").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_channels_at_once_are_kept_apart() {
    let stage = stage("", |set| {
        let kf = configuration::kf(&set.settings.kf, "");
        set.capacity = 10;
        set.more.push_str(&kf);
    })
    .await;
    let system = stage.agent("system");
    assert!(stage.agent("lin").logs_out().await.unwrap().delivered());
    let (follower, visitor, guest) = (
        stage.phone("公众号客户"),
        phone(&stage, "小程序客户"),
        stage.sandbox.kf().phone("客服客户"),
    );
    assert!(follower.says("人工").await.delivered());
    let first = system.hears_text("新会话").await.unwrap().peer;
    assert!(visitor.says("人工").await.delivered());
    let second = system.hears_text("新会话").await.unwrap().peer;
    assert!(guest.says("人工").await.delivered());
    let third = system.hears_text("新会话").await.unwrap().peer;
    // Everybody talks at once; each hears their own answer and nobody else's.
    let said = tokio::join!(
        follower.says("我在公众号"),
        visitor.says("我在小程序"),
        guest.says("我在微信客服")
    );
    assert!(said.0.delivered() && said.1.delivered() && said.2.delivered());
    for (peer, words) in [
        (&first, "答公众号"),
        (&second, "答小程序"),
        (&third, "答微信客服"),
    ] {
        system.says(peer, words).unwrap().await;
    }
    follower.hears_text("答公众号").await.unwrap();
    visitor.hears_text("答小程序").await.unwrap();
    guest.hears_text("答微信客服").await.unwrap();
    stage.settled().await;
    let everywhere = ["我在公众号", "我在小程序", "我在微信客服"];
    for (peer, own) in [&first, &second, &third].into_iter().zip(everywhere) {
        let heard = system.messages(peer);
        let heard = heard.iter().map(|one| one.text());
        let said: Vec<&str> = heard.filter(|text| everywhere.contains(text)).collect();
        assert_eq!(said, [own]);
    }
    for (chat, own) in [
        (follower.chat(), "答公众号"),
        (visitor.chat(), "答小程序"),
        (guest.chat(), "答微信客服"),
    ] {
        let answers: Vec<&str> = chat
            .iter()
            .map(|one| one.text())
            .filter(|text| text.starts_with('答'))
            .collect();
        assert_eq!(answers, [own]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_for_an_agent_is_made_on_the_command_line() {
    let stage = stage("", |_| {}).await;
    let picture = stage.folder.path().join("lin.png");
    let run = |agent: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
            .args(["code", "mini", "--agent", agent, "-c"])
            .arg(stage.config())
            .arg("-o")
            .arg(&picture)
            .output()
            .unwrap()
    };
    let made = run("lin");
    assert!(made.status.success(), "{made:?}");
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    let codes = stage.sandbox.wechat().mini_codes();
    let (scene, page) = codes.last().unwrap();
    assert_eq!(
        (scene.as_str(), page.as_str()),
        ("agent:lin", "pages/kefu/index")
    );
    // Who scans it and opens the chat there has that agent from now on.
    let phone = phone(&stage, "小周");
    assert!(phone.enters(scene).await.delivered());
    assert!(phone.says("人工").await.delivered());
    stage.agent("lin").hears_text("新会话").await.unwrap();
    let nobody = run("nobody");
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
    stage.settled().await;
}

/// The grant is spent where the nudge is decided: a killed process neither forgets the one nor repeats the other.
async fn kill_9_between_grant_and_nudge_costs_no_second_one(backs: Backs) {
    let mut stage = stage("", |set| {
        (set.lease, set.backs) = ("1s", backs);
    })
    .await;
    let phone = phone(&stage, "小周");
    assert!(phone.answers(&template(), true).await.delivered());
    assert!(phone.says("人工").await.delivered());
    let peer = stage
        .agent("system")
        .hears_text("新会话")
        .await
        .unwrap()
        .peer;
    stage.sandbox.order("wechat.subscribe=slow:200").unwrap();
    talk_until_held(&stage, &phone, &peer).await;
    stage.kill_and_restart();
    phone.is_nudged().await.unwrap();
    stage.kill_and_restart();
    stage.settled().await;
    assert_eq!(nudges(&phone), 1);
}
