//! WeChat KF: a customer is pulled, answered, handed to a person and back, whatever becomes of the callbacks.

use bridge_sandbox::kf::{KfPhone, KfServicer, Session};

use crate::{
    configuration,
    stage::{Backs, Set, Stage, on_both_backs},
};

on_both_backs!(
    kill_9_between_page_and_cursor_loses_and_doubles_nothing,
    a_customer_goes_from_tencent_im_to_a_servicer_in_wecom_and_back_to_the_assistant,
);

/// How long a busy machine may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

async fn stage(change: impl FnOnce(&mut Set)) -> Stage {
    with("", change).await
}

/// `more` begins in the section of the inbox.
async fn with(more: &str, change: impl FnOnce(&mut Set)) -> Stage {
    let mut set = Set::default();
    change(&mut set);
    let kf = configuration::kf(&set.settings.kf, more);
    set.more.push_str(&kf);
    Stage::with(set).await
}

fn texts(phone: &KfPhone, part: &str) -> usize {
    let chat = phone.chat();
    chat.iter().filter(|one| one.text().contains(part)).count()
}

/// Sixty numbered lines.
fn heard_once_and_in_order(agent: &bridge_sandbox::tim::Client, peer: &str) {
    let messages = agent.messages(peer);
    let heard: Vec<&str> = messages
        .iter()
        .map(|one| one.text())
        .filter(|text| text.starts_with('第') && text.chars().count() == 4)
        .collect();
    let said: Vec<String> = (0..60).map(|number| format!("第{number:02}句")).collect();
    assert_eq!(heard, said, "once and in order");
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
    heard_once_and_in_order(&system, &peer);
}

/// Between a page and its cursor there is no moment: both are stored in one step.
async fn kill_9_between_page_and_cursor_loses_and_doubles_nothing(backs: Backs) {
    let mut stage = stage(|set| {
        set.backs = backs;
        set.assistant = false;
        set.settings.kf.page = 2;
        set.settings.kf.allowance = 1000;
        set.settings.patience = PATIENCE;
    })
    .await;
    let (phone, system) = (stage.sandbox.kf().phone("小周"), stage.agent("system"));
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    for round in 0..6_u8 {
        let before = system.messages(&peer).len();
        for number in 0..10 {
            phone.says(&format!("第{round}{number}句")).await;
        }
        // Killed at another moment each time: when so many of these words have come through.
        let come = before + 2 * usize::from(round);
        let through = stage.sandbox.until(PATIENCE, || {
            (system.messages(&peer).len() >= come).then_some(())
        });
        through.await.unwrap();
        stage.kill_and_restart();
    }
    system.hears_text("第59句").await.unwrap();
    stage.settled().await;
    heard_once_and_in_order(&system, &peer);
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
    assert!(
        traces(&stage).contains("拒收"),
        "the books say what became of it"
    );
}

/// What the books say of every dispatch that failed.
fn traces(stage: &Stage) -> String {
    let one = |id: u32| {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
            .args(["trace", "-c"])
            .arg(stage.config())
            .arg(id.to_string())
            .output()
            .unwrap();
        String::from_utf8_lossy(&run.stdout).into_owned()
    };
    let all = (1..20).map(one).collect::<String>();
    let dead = all.lines().filter(|line| line.contains("dead"));
    dead.map(|line| format!("{line}\n")).collect()
}

const SERVICERS: &str = r#"
mode = "servicers"

[agents.li]
name = "李工"
inbox = "kf"
user_id = "staff.li"
capacity = 1

[agents.wu]
name = "吴工"
inbox = "kf"
user_id = "staff.wu"
capacity = 1

[agents.pool]
name = "企业微信客服"
inbox = "kf"
user_id = "*"
capacity = 100
"#;

/// The bridge in front of WeCom's own servicers.
async fn with_servicers(change: impl FnOnce(&mut Set)) -> Stage {
    with(SERVICERS, change).await
}

fn servicer(stage: &Stage, name: &str) -> KfServicer {
    let id = format!("staff.{name}");
    stage.sandbox.kf().servicer(&id).unwrap()
}

/// A customer whose dedicated agent this is.
async fn customer_of(stage: &Stage, name: &str, agent: &str) -> KfPhone {
    let phone = stage.sandbox.kf().phone(name);
    assert!(phone.enters(&format!("agent:{agent}")).await.delivered());
    phone.hears_text("描述您的问题").await.unwrap();
    phone
}

/// A bridge that reads a session's state before it moves it asks for no move that is not allowed.
async fn ends_well(stage: &Stage) {
    stage.settled().await;
    assert_eq!(stage.sandbox.kf().refused_moves(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servicer_in_wecom_gets_the_customer_answers_past_us_and_ends() {
    let stage = with_servicers(|_| {}).await;
    let li = servicer(&stage, "li");
    let phone = customer_of(&stage, "小周", "li").await;
    stage.sandbox.dify().answers("保温杯保修一年。");
    phone.says("保修多久？").await;
    phone.hears_text("保修一年").await.unwrap();
    phone.says("转人工").await;
    phone.hears_text("李工").await.unwrap();
    li.gets(&phone).await.unwrap();
    assert!(
        li.reads(&phone)
            .iter()
            .any(|one| one.text().contains("保修多久"))
    );
    phone.says("杯子漏水").await;
    li.says(&phone, "请发照片").unwrap().await;
    phone.says("稍等").await;
    stage.settled().await;
    let before = phone.chat().len();
    assert!(li.ends(&phone));
    let choices = phone.hears_menu().await.unwrap();
    phone.taps(&choices[0].id, &choices[0].text).await;
    phone.hears_text("感谢").await.unwrap();
    assert_eq!(
        phone.chat().len(),
        before + 3,
        "while a person serves and after, the bridge says nothing more than that"
    );
    stage.sandbox.dify().answers("请用温水清洗。");
    phone.says("怎么洗？").await;
    phone.hears_text("温水").await.unwrap();
    ends_well(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_servicers_do_in_wecom_frees_and_takes_seats_here() {
    let stage = with_servicers(|_| {}).await;
    let (li, wu) = (servicer(&stage, "li"), servicer(&stage, "wu"));
    let first = customer_of(&stage, "小周", "li").await;
    first.says("转人工").await;
    li.gets(&first).await.unwrap();
    // Both have one seat.
    let second = customer_of(&stage, "小林", "li").await;
    assert!(li.passes(&first, &wu));
    stage.settled().await;
    second.says("转人工").await;
    li.gets(&second).await.unwrap();
    assert!(wu.has(&first), "nobody took it away again");
    // Back to an ended session, by writing in it.
    assert!(wu.ends(&first));
    first.hears_menu().await.unwrap();
    assert!(wu.re_enters(&first, "还有一句"));
    stage.settled().await;
    first.says("谢谢").await;
    stage.settled().await;
    assert!(wu.has(&first));
    ends_well(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_customer_from_the_pool_has_them() {
    let stage = with_servicers(|_| {}).await;
    let li = servicer(&stage, "li");
    let phone = customer_of(&stage, "小周", "pool").await;
    phone.says("转人工").await;
    li.sees_in_pool(&phone).await.unwrap();
    assert!(li.takes(&phone));
    li.says(&phone, "您好，我是李工").unwrap().await;
    phone.hears_text("我是李工").await.unwrap();
    stage.settled().await;
    assert!(li.ends(&phone));
    phone.hears_menu().await.unwrap();
    ends_well(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servicer_who_does_not_serve_is_passed_over() {
    let stage = with_servicers(|set| set.assistant = false).await;
    let system = stage.agent("system");
    let first = customer_of(&stage, "小周", "li").await;
    stage.sandbox.order("kf.trans=95019x1").unwrap();
    first.says("转人工").await;
    system.hears_text("小周").await.unwrap();
    // Who says so beforehand is not tried.
    let wu = servicer(&stage, "wu");
    wu.serves(false);
    stage.settled().await;
    let second = customer_of(&stage, "小林", "wu").await;
    second.says("转人工").await;
    let other = stage.agent("lin");
    let heard = tokio::select! {
        heard = system.hears_text("小林") => heard,
        heard = other.hears_text("小林") => heard,
    };
    heard.unwrap();
    assert!(!wu.has(&second));
    ends_well(&stage).await;
}

async fn a_customer_goes_from_tencent_im_to_a_servicer_in_wecom_and_back_to_the_assistant(
    backs: Backs,
) {
    let stage = with_servicers(|set| set.backs = backs).await;
    let (system, li) = (stage.agent("system"), servicer(&stage, "li"));
    let phone = stage.sandbox.kf().phone("小周");
    phone.says("转人工").await;
    let peer = system.hears_text("小周").await.unwrap().peer;
    system.says(&peer, "您好").unwrap().await;
    phone.hears_text("您好").await.unwrap();
    system.says(&peer, "#转接 -n li").unwrap().await;
    system.hears_text("李工").await.unwrap();
    phone.hears_text("李工").await.unwrap();
    li.gets(&phone).await.unwrap();
    phone.says("#退出").await;
    phone.hears_text("本次服务已结束").await.unwrap();
    assert!(!li.has(&phone), "the customer's end is the platform's end");
    stage.sandbox.dify().answers("我在。");
    phone.says("在吗").await;
    phone.hears_text("我在").await.unwrap();
    ends_well(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_our_own_desk_a_servicer_who_steps_in_is_told_of_at_once() {
    let stage = stage(|set| set.assistant = false).await;
    let (phone, system) = (stage.sandbox.kf().phone("小周"), stage.agent("system"));
    phone.says("人工").await;
    let peer = system.hears_text("新会话").await.unwrap().peer;
    phone.moved(Session::Servicer);
    let li = servicer(&stage, "li");
    li.says(&phone, "我来处理").unwrap().await;
    system.hears_text("我来处理").await.unwrap();
    system.says(&peer, "您好").unwrap().await;
    system.hears_text("正在接待").await.unwrap();
    assert_eq!(texts(&phone, "您好"), 0);
    ends_well(&stage).await;
}
