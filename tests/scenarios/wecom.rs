//! Agents who work in WeCom: all customers in one chat, kept apart; and staff who write to the app.

use bridge_sandbox::{Content, Message, kf::KfPhone, wecom::Member};

use crate::{
    configuration,
    stage::{Backs, Set, Stage, on_both_backs},
};

on_both_backs!(
    two_customers_of_one_agent_are_never_mixed_up,
    a_kf_customer_goes_back_and_forth_between_tencent_im_and_wecom,
    nothing_is_lost_or_doubled_on_the_way_through_an_agents_lane,
);

/// How long a busy machine may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

async fn stage(change: impl FnOnce(&mut Set)) -> Stage {
    let mut set = Set {
        assistant: false,
        ..Set::default()
    };
    let corp = &mut set.settings.wecom;
    (corp.token_rate, corp.daily_share) = (0, 0);
    change(&mut set);
    let corp = &set.settings.wecom;
    let robots = format!("robots = {{ duty = \"{}\" }}", corp.robots[0].key);
    let work = configuration::wecom(corp, &robots);
    set.more
        .push_str(&(work + &configuration::agent_in_wecom(5)));
    let stage = Stage::with(set).await;
    stage.sandbox.wecom().verify_callback("work").await.unwrap();
    stage
}

fn zhou(stage: &Stage) -> Member {
    stage.sandbox.wecom().member("ZhouNing").unwrap()
}

/// The number and name of a new contact, from the card's title.
fn line(card: &Message) -> (String, String) {
    let words = card.content.words();
    let title = words.lines().next().unwrap();
    let (_, line) = title.split_once('：').unwrap();
    let (number, name) = line.split_once(' ').unwrap();
    (number.to_owned(), name.to_owned())
}

fn press(member: &Member, card: &Message, label: &str) -> bridge_sandbox::Pushed {
    let Content::TemplateCard { card: shown } = &card.content else {
        panic!("no card: {card:?}")
    };
    let button = shown.buttons.iter().find(|button| button.text == label);
    member.presses(card, &button.unwrap().key).unwrap()
}

/// What the buttons of a card say that is over.
fn done(card: &Message) -> Option<String> {
    match &card.content {
        Content::TemplateCard { card } => card.done.clone(),
        _ => None,
    }
}

fn heard(chat: &[Message], part: &str) -> usize {
    let words = chat.iter().map(|one| one.content.words());
    words.filter(|words| words.contains(part)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_in_wecom_gets_a_card_answers_and_ends_by_a_button() {
    let stage = stage(|_| {}).await;
    let (phone, zhou) = (stage.phone("小周"), zhou(&stage));
    assert!(phone.scans("agent:zhou").await.delivered());
    assert!(phone.says("人工").await.delivered());
    let card = zhou.hears_card("新会话").await.unwrap();
    let (number, name) = line(&card);
    assert_eq!(number, "1");
    assert!(phone.says("订单 42 在哪").await.delivered());
    let asked = zhou.hears_text("订单 42 在哪").await.unwrap();
    assert!(
        asked.content.words().starts_with(&format!("【1 {name}】")),
        "{asked:?}"
    );
    assert!(zhou.says("您好，已在派送").await.delivered());
    phone.hears_text("已在派送").await.unwrap();
    // Commands work, and what is for the agent is the agent's only.
    assert!(zhou.says("#帮助").await.delivered());
    zhou.hears_text("可用命令").await.unwrap();
    assert!(press(&zhou, &card, "结束会话").await.delivered());
    phone.hears_text("本次服务已结束").await.unwrap();
    zhou.hears_text("会话已结束").await.unwrap();
    let grey = zhou.sees(&card, |card| done(card).is_some()).await;
    assert_eq!(done(&grey.unwrap()), Some("已不由您接待".to_owned()));
    assert!(zhou.says("还在吗").await.delivered());
    zhou.hears_text("没有接待中的客户").await.unwrap();
    stage.settled().await;
    assert_eq!(stage.ready().await["depths"]["assigned"], 0);
    let chat = phone.chat();
    assert!(chat.iter().all(|message| !message.text().contains('#')));
    assert_eq!(
        heard(&zhou.chat(), "新会话"),
        2,
        "the card and its history, once"
    );
}

/// Whatever ends it for this agent greys the card: a hand-over, a question that is answered. A card that the platform will
/// not change is as old as it looks, and pressing it is answered in words.
#[tokio::test(flavor = "multi_thread")]
async fn cards_that_are_over_are_grey_and_pressing_one_that_is_not_is_told_kindly() {
    let mut stage = stage(|_| {}).await;
    let (first, second, zhou) = (stage.phone("小周"), stage.phone("老王"), zhou(&stage));
    let mut cards = Vec::new();
    for phone in [&first, &second] {
        assert!(phone.scans("agent:zhou").await.delivered());
        assert!(phone.says("人工").await.delivered());
        cards.push(zhou.hears_card("新会话").await.unwrap());
    }
    second.says("发票能补吗").await;
    zhou.hears_text("发票能补吗").await.unwrap();
    zhou.says("#1").await;
    second.says("在吗").await;
    zhou.hears_text("在吗").await.unwrap();
    zhou.says("稍等").await;
    let question = zhou.hears_card("发给哪位客户").await.unwrap();
    // What is to be greyed is known after a power cut, too: by what the platform called the card, once that is written down.
    stage.settled().await;
    stage.kill_and_restart();
    zhou.says("2").await;
    second.hears_text("稍等").await.unwrap();
    let answered = zhou.sees(&question, |card| done(card).is_some()).await;
    assert_eq!(done(&answered.unwrap()), Some("已选择".to_owned()));
    zhou.says("@2 #转接 -n system").await;
    zhou.hears_text("已转接给").await.unwrap();
    let over = zhou.sees(&cards[1], |card| done(card).is_some()).await;
    assert_eq!(done(&over.unwrap()), Some("已不由您接待".to_owned()));
    assert_eq!(done(&zhou.now(&cards[0]).unwrap()), None, "still theirs");

    stage.sandbox.order("wecom.update=40058").unwrap();
    assert!(press(&zhou, &cards[0], "结束会话").await.delivered());
    zhou.hears_text("会话已结束").await.unwrap();
    stage.settled().await;
    assert_eq!(done(&zhou.now(&cards[0]).unwrap()), None);
    assert!(press(&zhou, &cards[0], "转接").await.delivered());
    zhou.hears_text("已不由您接待").await.unwrap();
    stage.settled().await;
}

async fn two_customers_of_one_agent_are_never_mixed_up(backs: Backs) {
    let mut stage = stage(|set| set.backs = backs).await;
    let (first, second, zhou) = (stage.phone("小周"), stage.phone("老王"), zhou(&stage));
    for phone in [&first, &second] {
        assert!(phone.scans("agent:zhou").await.delivered());
        assert!(phone.says("人工").await.delivered());
        zhou.hears_card("新会话").await.unwrap();
    }
    first.says("我的快递呢").await;
    zhou.hears_text("我的快递呢").await.unwrap();
    second.says("发票能补吗").await;
    zhou.hears_text("发票能补吗").await.unwrap();
    // Nobody is named, and the other spoke last: asked, not guessed.
    zhou.says("明天送到").await;
    let question = zhou.hears_card("发给哪位客户").await.unwrap();
    // Whatever happens to the bridge meanwhile.
    stage.kill_and_restart();
    let Content::TemplateCard { card } = &question.content else {
        unreachable!()
    };
    let label = card.buttons[0].text.clone();
    assert!(label.starts_with("1 "), "{label}");
    press(&zhou, &question, &label).await;
    first.hears_text("明天送到").await.unwrap();
    zhou.hears_text("已发给").await.unwrap();
    zhou.says("@2 可以补").await;
    second.hears_text("可以补").await.unwrap();
    zhou.says("开给谁").await;
    second.hears_text("开给谁").await.unwrap();
    zhou.says("#1").await;
    zhou.hears_text("现在与").await.unwrap();
    zhou.says("还有别的事吗").await;
    first.hears_text("还有别的事吗").await.unwrap();
    zhou.says("@9 谁").await;
    zhou.hears_text("没有 9 号客户").await.unwrap();
    // One of them goes to a colleague on Tencent IM; the other stays.
    let system = stage.agent("system");
    zhou.says("@2 #转接 -n system -m 开票").await;
    let peer = system.hears_text("开票").await.unwrap().peer;
    zhou.hears_text("已转接给").await.unwrap();
    system.says(&peer, "由我来开").unwrap().await;
    second.hears_text("由我来开").await.unwrap();
    zhou.says("再见").await;
    first.hears_text("再见").await.unwrap();
    stage.settled().await;
    for (phone, theirs, others) in [
        (
            &first,
            ["明天送到", "还有别的事吗", "再见"],
            ["可以补", "开给谁", "由我来开"],
        ),
        (
            &second,
            ["可以补", "开给谁", "由我来开"],
            ["明天送到", "还有别的事吗", "再见"],
        ),
    ] {
        let chat = phone.chat();
        for words in theirs {
            assert_eq!(heard(&chat, words), 1, "{words}");
        }
        for words in others {
            assert_eq!(heard(&chat, words), 0, "{words}");
        }
    }
}

fn with_kf(set: &mut Set) {
    let kf = configuration::kf(&set.settings.kf, "");
    set.more.push_str(&kf);
}

async fn a_kf_customer_goes_back_and_forth_between_tencent_im_and_wecom(backs: Backs) {
    let stage = stage(|set| {
        set.backs = backs;
        with_kf(set);
    })
    .await;
    let phone: KfPhone = stage.sandbox.kf().phone("小周");
    let (system, zhou) = (stage.agent("system"), zhou(&stage));
    assert!(phone.enters("agent:system").await.delivered());
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    for round in 0..3 {
        system
            .says(&peer, &format!("我是一线{round}"))
            .unwrap()
            .await;
        phone.hears_text(&format!("一线{round}")).await.unwrap();
        system.says(&peer, "#转接 -n zhou -m 复杂").unwrap().await;
        let card = zhou.hears_card("小周").await.unwrap();
        assert_eq!(line(&card).1, "小周");
        zhou.hears_text(&format!("一线{round}")).await.unwrap();
        phone.says(&format!("还没好{round}")).await;
        zhou.hears_text(&format!("还没好{round}")).await.unwrap();
        zhou.says(&format!("我是二线{round}")).await;
        phone.hears_text(&format!("二线{round}")).await.unwrap();
        zhou.says("#转接 -n system -m 回访").await;
        zhou.hears_text("已转接给").await.unwrap();
        system.hears_text("回访").await.unwrap();
    }
    stage.settled().await;
}

async fn nothing_is_lost_or_doubled_on_the_way_through_an_agents_lane(backs: Backs) {
    let mut stage = stage(|set| {
        set.backs = backs;
        set.settings.patience = PATIENCE;
        set.settings.wecom.member_rate = (0, 0);
    })
    .await;
    let (phone, zhou) = (stage.phone("小周"), zhou(&stage));
    phone.scans("agent:zhou").await;
    phone.says("人工").await;
    zhou.hears_card("新会话").await.unwrap();
    stage
        .sandbox
        .order(
            "wecom.callback=duplicate:0.5,wecom.callback=slow:30@0.3,wechat.callback=duplicate:0.5",
        )
        .unwrap();
    for round in 0..4 {
        let before = phone.chat().len();
        for number in 0..3 {
            zhou.says(&format!("答{round}{number}")).await;
            phone.says(&format!("问{round}{number}")).await;
        }
        // Killed at another moment each time: when so many of these words have come through.
        let through = stage.sandbox.until(PATIENCE, || {
            (phone.chat().len() >= before + round).then_some(())
        });
        through.await.unwrap();
        stage.kill_and_restart();
    }
    stage.sandbox.fair_weather();
    zhou.hears_text("问32").await.unwrap();
    // On shared servers a killed node's work waits; what is over the customer's allowance by then waits for the customer.
    let began = std::time::Instant::now();
    loop {
        stage.settled_or_held().await;
        if heard(&phone.chat(), "答32") > 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "the last answer never came");
        assert!(phone.says("在吗").await.delivered());
    }
    stage.settled().await;
    let expected = |what: &str| -> Vec<String> {
        (0..4)
            .flat_map(|round| (0..3).map(move |number| (round, number)))
            .map(|(round, number)| format!("{what}{round}{number}"))
            .collect()
    };
    let chat: Vec<String> = zhou.chat().iter().map(|one| one.content.words()).collect();
    let questions: Vec<String> = chat
        .iter()
        .filter_map(|words| words.split_once('】').map(|(_, said)| said.to_owned()))
        .filter(|said| said.starts_with('问') && said.chars().count() == 3)
        .collect();
    assert_eq!(in_order(questions), expected("问"));
    let answers = phone.chat();
    // What waited while a killed node's claim ran out is said in one message where the allowance is short.
    let answers: Vec<String> = answers
        .iter()
        .flat_map(|one| one.text().split("\n\n"))
        .filter(|said| said.starts_with('答') && said.chars().count() == 3)
        .map(str::to_owned)
        .collect();
    assert_eq!(in_order(answers), expected("答"));
}

/// A send that was cut by the kill may be made again: neighbours that are the same count once. Anything else out of order
/// stays so.
fn in_order(said: Vec<String>) -> Vec<String> {
    let mut said = said;
    said.dedup();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_who_are_no_agents_are_customers_of_the_app() {
    let stage = stage(|_| {}).await;
    let (shan, zhou) = (
        stage.sandbox.wecom().member("wu.shan").unwrap(),
        zhou(&stage),
    );
    assert!(shan.says("人工").await.delivered());
    let system = stage.agent("system");
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "您好，IT 服务台").unwrap().await;
    shan.hears_text("IT 服务台").await.unwrap();
    system.says(&peer, "#转接 -n zhou").unwrap().await;
    let card = zhou.hears_card("新会话").await.unwrap();
    shan.says("电脑开不了机").await;
    zhou.hears_text("电脑开不了机").await.unwrap();
    press(&zhou, &card, "结束会话").await;
    // The rating is a card here, and a press of it is the rating.
    let rating = shan.hears_card("打分").await.unwrap();
    press(&shan, &rating, "非常满意").await;
    shan.hears_text("感谢您的评价").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_go_both_ways_and_say_whose_they_are() {
    let stage = stage(|_| {}).await;
    let (first, second, zhou) = (stage.phone("小周"), stage.phone("老王"), zhou(&stage));
    for phone in [&first, &second] {
        assert!(phone.scans("agent:zhou").await.delivered());
        assert!(phone.says("人工").await.delivered());
        zhou.hears_card("新会话").await.unwrap();
    }
    zhou.hears_text("人工").await.unwrap();
    let picture = stage.sandbox.keep("a.png", PIXEL.to_vec());
    assert!(first.sends_image(picture.clone()).await.delivered());
    let word = zhou.hears_text("[图片]").await.unwrap();
    assert!(word.content.words().starts_with("【1 "), "{word:?}");
    let is_picture = |message: &Message| matches!(message.content, Content::Image { .. });
    zhou.hears_which("the picture", is_picture).await.unwrap();
    zhou.says("#1").await;
    zhou.hears_text("现在与").await.unwrap();
    assert!(zhou.sends_image(picture).await.delivered());
    first.hears_which("the picture", is_picture).await.unwrap();
    stage.settled().await;
    assert!(!second.chat().iter().any(is_picture));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_told_by_whoever_has_the_token() {
    let stage = stage(|set| {
        set.more
            .push_str("[older_routes]\ntoken = \"0123456789abcdef0123\"\ninbox = \"work\"\n");
    })
    .await;
    let group = stage.sandbox.wecom().group("客服值班群").unwrap();
    let url = format!("{}/api/wechat/group-bot-notify", stage.bridge.url);
    let notify = |token: &str, body: serde_json::Value| {
        let client = reqwest::Client::new();
        let call = client.post(&url).bearer_auth(token).json(&body);
        async move { call.send().await.unwrap().status().as_u16() }
    };
    let token = "0123456789abcdef0123";
    let notice = serde_json::json!({ "content": "排队超过 5 人", "mentioned_list": ["@all"] });
    assert_eq!(notify("another-token-0123", notice.clone()).await, 401);
    assert_eq!(notify(token, notice).await, 200);
    let own = serde_json::json!({ "robot": "duty", "msgtype": "markdown", "markdown": { "content": "**好了**" } });
    assert_eq!(notify(token, own).await, 200);
    for (body, refusal) in [
        (serde_json::json!({ "robot": "other", "content": "x" }), 404),
        (serde_json::json!({ "content": "" }), 400),
        (
            serde_json::json!({ "content": "x", "msgtype": "image" }),
            400,
        ),
        (
            serde_json::json!({ "content": "x", "mentioned_list": ["a b"] }),
            400,
        ),
        (serde_json::json!({ "content": "长".repeat(5000) }), 413),
        (serde_json::json!([]), 400),
    ] {
        assert_eq!(notify(token, body.clone()).await, refusal, "{body}");
    }
    let chat = group.chat();
    let words: Vec<String> = chat.iter().map(|one| one.content.words()).collect();
    assert_eq!(words, ["排队超过 5 人", "**好了**"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_from_json_goes_to_the_customer_who_is_open() {
    let stage = stage(|set| {
        set.more
            .push_str("[older_routes]\ntoken = \"0123456789abcdef0123\"\ninbox = \"work\"\n");
    })
    .await;
    let (phone, zhou) = (stage.phone("小周"), zhou(&stage));
    phone.scans("agent:zhou").await;
    phone.says("人工").await;
    zhou.hears_card("新会话").await.unwrap();
    let url = format!("{}/api/wechat/work/command", stage.bridge.url);
    let command = serde_json::json!({ "userid": "zhouning", "command": "#退出" });
    let call = reqwest::Client::new()
        .post(&url)
        .bearer_auth("0123456789abcdef0123");
    assert_eq!(call.json(&command).send().await.unwrap().status(), 200);
    zhou.hears_text("会话已结束").await.unwrap();
    phone.hears_text("本次服务已结束").await.unwrap();
    stage.settled().await;
}

/// A PNG of one pixel.
const PIXEL: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0x64, 0x60, 0xf8, 0x5f, 0x0f, 0, 2, 0x87, 1, 0x80, 0xeb, 0x47, 0xba, 0x92, 0,
    0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
