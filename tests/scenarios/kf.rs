//! WeChat KF: a customer is pulled, answered, handed to a person and back, whatever becomes of the callbacks.

use bridge_sandbox::kf::KfPhone;

use crate::stage::{Set, Stage};

async fn stage(change: impl FnOnce(&mut Set)) -> Stage {
    let mut set = Set::default();
    change(&mut set);
    let kf = set.settings.kf.clone();
    set.more.push_str(&format!(
        r#"
[inboxes.kf]
channel = "wechat-kf"
corp_id = "{}"
secret = "{}"
token = "{}"
encoding_aes_key = "{}"
accounts = ["{}"]
api_base = "KF_BASE"
pull_every = "1s"
"#,
        kf.corp_id, kf.secret, kf.token, kf.encoding_aes_key, kf.open_kfid
    ));
    Stage::with(set).await
}

fn texts(phone: &KfPhone, part: &str) -> usize {
    let chat = phone.chat();
    chat.iter().filter(|one| one.text().contains(part)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kf_customer_is_greeted_answered_and_handed_to_a_person() {
    let stage = stage(|_| {}).await;
    stage.sandbox.kf().verify_callback().await.unwrap();
    let phone = stage.sandbox.kf().phone("小周");
    assert!(phone.enters("agent:lin").await.delivered());
    phone.hears_text("描述您的问题").await.unwrap();
    stage.sandbox.dify().answers("保温杯保修一年。");
    assert!(phone.says("保温杯保修多久？").await.delivered());
    phone.hears_text("保修一年").await.unwrap();
    let lin = stage.agent("lin");
    assert!(phone.says("转人工").await.delivered());
    let heard = lin.hears_text("保修多久").await.unwrap();
    assert!(
        lin.messages(&heard.peer)
            .iter()
            .any(|one| one.text().contains("小周"))
    );
    assert!(
        lin.says(&heard.peer, "您好，请讲")
            .unwrap()
            .await
            .delivered()
    );
    phone.hears_text("请讲").await.unwrap();
    let system = stage.agent("system");
    lin.says(&heard.peer, "#转接 -n system -m 保修问题")
        .unwrap()
        .await;
    let peer = system.hears_text("保修问题").await.unwrap().peer;
    assert!(phone.says("还在吗").await.delivered());
    system.hears_text("还在吗").await.unwrap();
    system.says(&peer, "在的").unwrap().await;
    phone.hears_text("在的").await.unwrap();
    system.says(&peer, "#AI").unwrap().await;
    stage.sandbox.dify().answers("还可以问我。");
    phone.hears_text("智能").await.ok();
    assert!(phone.says("好的").await.delivered());
    phone.hears_text("还可以问我").await.unwrap();
    stage.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_doubled_and_late_callbacks_and_empty_pages_change_nothing() {
    let stage = stage(|set| {
        set.assistant = false;
        (set.settings.kf.page, set.settings.kf.empty_pages) = (3, true);
        set.settings.kf.allowance = 1000;
    })
    .await;
    let (phone, system) = (stage.sandbox.kf().phone("小周"), stage.agent("system"));
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    stage
        .sandbox
        .order("kf.callback=drop:0.3,kf.callback=duplicate:0.4,kf.callback=slow:40@0.3,kf.sync=http:502@0.2")
        .unwrap();
    for number in 0..60 {
        phone.says(&format!("第{number:02}句")).await;
    }
    stage.sandbox.fair_weather();
    system.hears_text("第59句").await.unwrap();
    stage.settled().await;
    let messages = system.messages(&peer);
    let heard: Vec<&str> = messages
        .iter()
        .map(|one| one.text())
        .filter(|text| text.starts_with('第') && text.chars().count() == 4)
        .collect();
    let said: Vec<String> = (0..60).map(|number| format!("第{number:02}句")).collect();
    assert_eq!(heard, said, "once and in order");
}

/// Between a page and its cursor there is no moment: both are stored in one step.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_between_page_and_cursor_loses_and_doubles_nothing() {
    let mut stage = stage(|set| {
        set.assistant = false;
        set.settings.kf.page = 2;
        set.settings.kf.allowance = 1000;
        set.settings.patience = std::time::Duration::from_secs(60);
    })
    .await;
    let (phone, system) = (stage.sandbox.kf().phone("小周"), stage.agent("system"));
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    for round in 0..6 {
        for number in 0..10 {
            phone.says(&format!("第{round}{number}句")).await;
        }
        // A random moment is the point of this test.
        tokio::time::sleep(std::time::Duration::from_millis(7 * round)).await;
        stage.kill_and_restart();
    }
    system.hears_text("第59句").await.unwrap();
    stage.settled().await;
    let messages = system.messages(&peer);
    let heard: Vec<&str> = messages
        .iter()
        .map(|one| one.text())
        .filter(|text| text.starts_with('第') && text.chars().count() == 4)
        .collect();
    let said: Vec<String> = (0..60).map(|number| format!("第{number:02}句")).collect();
    assert_eq!(heard, said, "once and in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_could_not_deliver_after_all_is_told_to_the_agent() {
    let stage = stage(|set| set.assistant = false).await;
    let (phone, system) = (stage.sandbox.kf().phone("小周"), stage.agent("system"));
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    system.says(&peer, "您好").unwrap().await;
    phone.hears_text("您好").await.unwrap();
    let sent = phone
        .chat()
        .into_iter()
        .find(|one| one.text() == "您好")
        .unwrap();
    stage
        .sandbox
        .kf()
        .fails_later(phone.id(), &sent.key.unwrap(), 10);
    system.hears_text("拒收").await.unwrap();
    assert_eq!(
        texts(&phone, "拒收"),
        0,
        "which is none of the customer's business"
    );
    stage.settled().await;
}
