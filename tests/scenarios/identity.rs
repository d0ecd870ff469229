//! One customer on several channels: recognised by what the platforms tell, merged and split by agents, and every
//! conversation on the thread it came by.

use bridge_sandbox::{
    Account, Mode, Settings, tim,
    wechat::{NewCustomer, Phone},
    wecom::NewContact,
};

use sha1::{Digest as _, Sha1};

use crate::{
    configuration,
    stage::{Backs, Set, Stage, on_both_backs},
    visitor::Visitor,
};

on_both_backs!(
    one_person_on_two_accounts_is_recognised_and_each_conversation_stays_where_it_is,
    an_agent_merges_and_splits_and_a_crash_forgets_nothing,
    a_kf_customer_who_adds_a_member_is_the_same_person_and_is_welcomed_once,
);

/// Two official accounts that are bound to one open-platform account, and a site.
async fn stage(backs: Backs) -> Stage {
    let shop = Account {
        inbox: "shop".into(),
        name: "门店".into(),
        app_id: "wx00000000000000ab".into(),
        original_id: "gh_00000000000ab".into(),
        ..Account::default()
    };
    let shop_section = configuration::official_account("shop", &shop, "unionid = true");
    let mut settings = Settings::default();
    settings.wechat.accounts.push(shop);
    Stage::with(Set {
        backs,
        more: shop_section + &configuration::site(""),
        mall: "unionid = true".to_owned(),
        settings,
        ..Set::default()
    })
    .await
}

fn follower(stage: &Stage, inbox: &str, unionid: Option<&str>) -> Phone {
    let customer = NewCustomer {
        nickname: "小周".into(),
        inbox: Some(inbox.into()),
        following: true,
        unionid: unionid.map(str::to_owned),
        ..NewCustomer::default()
    };
    stage.sandbox.wechat().add_customer(customer).unwrap()
}

/// The number on a card: `客户：小周（编号 3）`.
fn number(card: &str) -> &str {
    let (_, rest) = card.split_once("编号 ").unwrap();
    rest.split('）').next().unwrap()
}

/// Asks whom the contact is merged with until the platform has told: it is asked beside the conversation, and each answer
/// to the agent is the wait for it.
async fn recognised(agent: &tim::Client, peer: &str) -> String {
    for _ in 0..200 {
        agent.says(peer, "#合并").unwrap().await;
        let answers = |message: &tim::Heard| {
            let text = message.text();
            text.starts_with("该客户") && text.contains("编号")
        };
        let answer = agent
            .hears_which("whom they are merged with", answers)
            .await;
        let text = answer.unwrap().text().to_owned();
        if !text.contains("没有与其他渠道合并") {
            return text;
        }
    }
    panic!("nobody was recognised")
}

async fn one_person_on_two_accounts_is_recognised_and_each_conversation_stays_where_it_is(
    backs: Backs,
) {
    let stage = stage(backs).await;
    let (mall, shop) = (
        follower(&stage, "mall", Some("u-zhou")),
        follower(&stage, "shop", Some("u-zhou")),
    );
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    for phone in [&mall, &shop] {
        assert!(phone.scans("agent:lin").await.delivered());
    }
    assert!(mall.says("转人工").await.delivered());
    let first = lin.hears_text("新会话").await.unwrap();
    assert!(mall.says("订单 42 还没到").await.delivered());
    lin.hears_text("订单 42").await.unwrap();
    assert!(shop.says("转人工").await.delivered());
    let second = lin.hears_text("新会话").await.unwrap();
    assert_ne!(first.peer, second.peer, "two conversations, two chats");
    let threads = recognised(&lin, &second.peer).await;
    assert!(
        threads.contains("，mall）") && threads.contains("，shop）"),
        "{threads}"
    );

    assert!(shop.says("门店几点关门").await.delivered());
    lin.hears_text("几点关门").await.unwrap();
    lin.says(&second.peer, "晚上九点").unwrap().await;
    lin.says(&first.peer, "订单今天送到").unwrap().await;
    shop.hears_text("晚上九点").await.unwrap();
    mall.hears_text("今天送到").await.unwrap();
    let heard = |phone: &Phone, words: &str| {
        let chat = phone.chat();
        chat.iter().any(|message| message.text().contains(words))
    };
    assert!(!heard(&mall, "九点") && !heard(&shop, "今天送到"));

    // The next agent sees what was said on both, in order, each with where it was said.
    lin.says(&second.peer, "#转接 system").unwrap().await;
    let card = system.hears_text("新会话").await.unwrap();
    let text = card.text();
    assert!(
        text.contains("同一客户的其他渠道：") && text.contains("，mall）"),
        "{text}"
    );
    let order = [
        "[mall] 小周",
        "[shop] 小周",
        "[shop] 林小满：晚上九点",
        "[mall] 林小满：订单今天送到",
    ];
    let places = order.map(|line| {
        // Names are not told by the platform: the digest has the last letters of the openid.
        let line = line.replace(" 小周", " 访客");
        text.find(&line)
            .unwrap_or_else(|| panic!("{line} is not in: {text}"))
    });
    assert!(places.is_sorted(), "{text}");

    // Split, it is what it was; and no message of theirs merges it again.
    system.says(&card.peer, "#拆分").unwrap().await;
    system.hears_text("已拆分").await.unwrap();
    assert!(shop.says("还有一件事").await.delivered());
    system.hears_text("还有一件事").await.unwrap();
    system.says(&card.peer, "#转接 lin").unwrap().await;
    let card = lin.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("晚上九点"), "{}", card.text());
    assert!(!card.text().contains("mall"), "{}", card.text());
    stage.settled().await;
}

async fn an_agent_merges_and_splits_and_a_crash_forgets_nothing(backs: Backs) {
    let mut stage = stage(backs).await;
    let (system, lin) = (stage.agent("system"), stage.agent("lin"));
    let phone = follower(&stage, "mall", None);
    assert!(phone.scans("agent:lin").await.delivered());
    assert!(phone.says("我在公众号上问过").await.delivered());
    stage.settled().await;
    let mut visitor = Visitor::comes(&stage.bridge.url).await;
    visitor.says("转人工").await;
    let card = system.hears_text("新会话").await.unwrap();
    assert!(phone.says("转人工").await.delivered());
    let other = lin.hears_text("新会话").await.unwrap();

    // What an agent may get wrong.
    system.says(&card.peer, "#合并").unwrap().await;
    system.hears_text("没有与其他渠道合并").await.unwrap();
    for nobody in ["999999", "o-nobody", "13900000000"] {
        system
            .says(&card.peer, &format!("#合并 -c {nobody}"))
            .unwrap()
            .await;
        system
            .hears_text(&format!("没有找到客户“{nobody}”"))
            .await
            .unwrap();
    }
    system.says(&card.peer, "#拆分 -c 1").unwrap().await;
    system.hears_text("没有与其他渠道合并").await.unwrap();
    system.says(&card.peer, "#合并 -p 12345").unwrap().await;
    system.hears_text("不是有效的手机号").await.unwrap();
    system.says(&other.peer, "#合并 -c 1").unwrap().await;
    system.hears_text("不由您接待").await.unwrap();

    // By the platform's own id of the contact; the answer shows what was said there.
    let merge = format!("#merge --contact={}", phone.openid());
    system.says(&card.peer, &merge).unwrap().await;
    let merged = system.hears_text("已合并为同一客户").await.unwrap();
    assert!(merged.text().contains("[mall]"), "{}", merged.text());
    assert!(
        merged.text().contains("我在公众号上问过"),
        "{}",
        merged.text()
    );
    system
        .says(&card.peer, &format!("#合并 {}", number(other.text())))
        .unwrap()
        .await;
    system.hears_text("已经是同一客户").await.unwrap();
    stage.settled().await;
    stage.kill_and_restart();

    // Whoever comes first for one thread comes first for the other, though somebody else has more room.
    let mut visitor = Visitor::back(&stage.bridge.url, Some(&visitor.token), None).await;
    system.says(&card.peer, "#退出").unwrap().await;
    visitor.reads("本次服务已结束").await;
    visitor.says("转人工").await;
    let card = lin.hears_text("新会话").await.unwrap();
    assert!(
        card.text().contains("同一客户的其他渠道"),
        "{}",
        card.text()
    );
    assert!(card.text().contains("[mall]"), "{}", card.text());

    lin.says(&card.peer, &format!("#拆分 -c {}", number(other.text())))
        .unwrap()
        .await;
    lin.hears_text("已拆分").await.unwrap();
    lin.says(&card.peer, "#合并").unwrap().await;
    lin.hears_text("没有与其他渠道合并").await.unwrap();

    // A phone number merges by itself whom nobody has set apart; these two were: it takes an agent's word.
    for peer in [&card.peer, &other.peer] {
        lin.says(peer, "#合并 -p 138-0013-8000").unwrap().await;
        lin.hears_text("已记下手机号").await.unwrap();
    }
    lin.says(&other.peer, "#合并 -c 13800138000").unwrap().await;
    lin.hears_text("已合并为同一客户").await.unwrap();
    stage.settled().await;
}

/// The mini program's platform says that a customer changed their profile, and who they are beyond it.
async fn tells_unionid(stage: &Stage, account: &Account, openid: &str, unionid: &str) {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        .to_string();
    let mut signed = [account.token.as_str(), now.as_str(), "11"];
    signed.sort_unstable();
    let digest = Sha1::digest(signed.concat());
    let signature: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let url = format!(
        "{}/callback/mini?signature={signature}&timestamp={now}&nonce=11",
        stage.bridge.url
    );
    let event = format!(
        "<xml><ToUserName>{}</ToUserName><FromUserName>oSystem</FromUserName><CreateTime>{now}</CreateTime>\
         <MsgType>event</MsgType><Event>user_info_modified</Event><OpenID>{openid}</OpenID>\
         <UnionID>{unionid}</UnionID><AppID>{}</AppID><RevokeInfo>6</RevokeInfo></xml>",
        account.original_id, account.app_id
    );
    let answer = reqwest::Client::new()
        .post(url)
        .body(event)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mini_programs_customer_is_recognised_on_the_official_account() {
    let mut settings = Settings::default();
    settings.wechat.accounts[1].mode = Mode::Plain;
    let account = settings.wechat.accounts[1].clone();
    let more = configuration::mini_program(&account, "");
    let stage = Stage::with(Set {
        assistant: false,
        mall: "unionid = true".to_owned(),
        more,
        settings,
        ..Set::default()
    })
    .await;
    let lin = stage.agent("lin");
    let mini = follower(&stage, "mini", None);
    assert!(mini.enters("agent:lin").await.delivered());
    assert!(mini.says("小程序里下的单").await.delivered());
    lin.hears_text("新会话").await.unwrap();
    tells_unionid(&stage, &account, mini.openid(), "u-zhou").await;
    stage.settled().await;

    let mall = follower(&stage, "mall", Some("u-zhou"));
    assert!(mall.scans("agent:lin").await.delivered());
    assert!(mall.says("人工").await.delivered());
    let card = lin.hears_text("新会话").await.unwrap();
    let threads = recognised(&lin, &card.peer).await;
    assert!(threads.contains("，mini）"), "{threads}");
    lin.says(&card.peer, "#转接 system").unwrap().await;
    let card = stage.agent("system").hears_text("新会话").await.unwrap();
    assert!(card.text().contains("小程序里下的单"), "{}", card.text());
    stage
        .agent("system")
        .says(&card.peer, "公众号这边回您")
        .unwrap()
        .await;
    mall.hears_text("公众号这边回您").await.unwrap();
    let heard = mini
        .chat()
        .iter()
        .any(|one| one.text().contains("公众号这边"));
    assert!(!heard, "it stays on the thread it came by");
    stage.settled().await;
}

/// WeChat KF and an app of the same corp, beside the official account.
async fn corp(backs: Backs) -> Stage {
    let mut settings = Settings::default();
    (settings.wecom.token_rate, settings.wecom.daily_share) = (0, 0);
    let welcome = "welcome = \"您好，很高兴为您服务\"";
    let kf = configuration::kf(&settings.kf, "");
    let work = configuration::wecom(&settings.wecom, welcome);
    Stage::with(Set {
        backs,
        assistant: false,
        mall: "unionid = true".to_owned(),
        more: kf + &work,
        settings,
        ..Set::default()
    })
    .await
}

/// The customer who writes by WeChat KF adds a member of the corp: WeCom tells it of the same external_userid, and its
/// contact has a unionid, by which the official account knows them, too.
async fn a_kf_customer_who_adds_a_member_is_the_same_person_and_is_welcomed_once(backs: Backs) {
    let mut stage = corp(backs).await;
    let lin = stage.agent("lin");
    let mall = follower(&stage, "mall", Some("u-zhou"));
    assert!(mall.scans("agent:lin").await.delivered());
    assert!(mall.says("人工").await.delivered());
    lin.hears_text("新会话").await.unwrap();
    assert!(mall.says("公众号上问过一次").await.delivered());
    lin.hears_text("公众号上问过一次").await.unwrap();

    let kf = stage.sandbox.kf().phone("小周");
    assert!(kf.enters("agent:lin").await.delivered());
    assert!(kf.says("人工").await.delivered());
    let card = lin.hears_text("新会话").await.unwrap();
    assert!(!card.text().contains("同一客户"), "{}", card.text());

    // The platform repeats its callback; the second answer must welcome nobody.
    stage.sandbox.order("wecom.callback=duplicate:1.0").unwrap();
    let (external, pushed) = stage.sandbox.wecom().adds_contact(NewContact {
        external_userid: kf.id().to_owned(),
        member: "ZhouNing".to_owned(),
        name: "小周".to_owned(),
        union_id: "u-zhou".to_owned(),
        state: "agent:lin".to_owned(),
        ..NewContact::default()
    });
    assert!(pushed.await.delivered());
    let mut threads = String::new();
    for _ in 0..200 {
        threads = recognised(&lin, &card.peer).await;
        if threads.contains("，mall）") {
            break;
        }
    }
    for inbox in ["，mall）", "，kf）", "，work）"] {
        assert!(threads.contains(inbox), "{threads}");
    }
    stage.settled().await;
    let welcomed = || {
        let contact = stage.sandbox.wecom().contact_of(&external);
        contact.unwrap().welcomed
    };
    assert_eq!(welcomed(), ["您好，很高兴为您服务"]);

    // The next agent sees all of it; the answer goes where the question came from.
    lin.says(&card.peer, "#转接 system").unwrap().await;
    let system = stage.agent("system");
    let card = system.hears_text("新会话").await.unwrap();
    assert!(card.text().contains("公众号上问过一次"), "{}", card.text());
    system.says(&card.peer, "这边回您").unwrap().await;
    kf.hears_text("这边回您").await.unwrap();
    assert!(
        mall.chat()
            .iter()
            .all(|one| !one.text().contains("这边回您"))
    );

    // Deleting the member is a fact of the same person's; it says nothing to anybody, and a crash loses none of this.
    let wecom = stage.sandbox.wecom().clone();
    let gone = wecom.contact_changes("ZhouNing", &external, "del_follow_user");
    assert!(gone.await.delivered());
    stage.kill_and_restart();
    system.says(&card.peer, "#合并").unwrap().await;
    let told = system.hears_text("编号").await.unwrap();
    assert!(told.text().contains("，work）"), "{}", told.text());
    stage.settled().await;
    let contact = stage.sandbox.wecom().contact_of(&external).unwrap();
    assert_eq!(contact.welcomed.len(), 1);
}
