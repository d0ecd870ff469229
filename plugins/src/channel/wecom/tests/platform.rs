//! What goes out: bodies the platform takes, refusals acted on, paces kept.

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::{Channel, ChannelErrorKind, Dispatch, GroupNotice},
    clock::{Clock, SystemClock, Timestamp},
    error::Remedy,
    message::{
        ArrivalId, Content, ConversationId, DispatchId, Event, InboxName, MenuItem, PeerId, Welcome,
    },
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{
    Clock as PlatformClock, Content as Shown, Sandbox, Settings,
    wecom::{Member, NewContact},
};
use serde_json::{Value, json};

use super::super::{Wecom, config::Config};

struct Stage {
    sandbox: Sandbox,
    app: Wecom,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let sandbox = Sandbox::start(settings).unwrap();
        let app = app(&sandbox, |_| {});
        Self { sandbox, app }
    }

    fn usual() -> Self {
        Self::new(|_| {})
    }

    fn zhou(&self) -> Member {
        self.sandbox.wecom().member("ZhouNing").unwrap()
    }

    async fn says(&self, id: i64, words: &str) -> Result<(), bridge_core::channel::ChannelError> {
        let dispatch = dispatch("ZhouNing", id, Content::text(words));
        self.app.send(&dispatch).await.map(drop)
    }
}

fn app(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> Wecom {
    let corp = sandbox.wecom().settings();
    let platform = &corp.apps[0];
    let mut config = json!({
        "corp_id": corp.corp_id,
        "agent_id": platform.agent_id,
        "secret": platform.secret,
        "token": platform.token,
        "encoding_aes_key": platform.encoding_aes_key,
        "api_base": sandbox.wecom_base(),
        "robots": { "duty": corp.robots[0].key },
    });
    change(&mut config);
    let config: Config = serde_json::from_value(config).unwrap();
    Wecom::build(config, &tools()).unwrap()
}

fn tools() -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Tools {
        name: "work".into(),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        ..bridge_core::testkit::tools()
    }
}

fn dispatch(to: &str, id: i64, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("work"),
        to: PeerId::new(to),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_767_225_600_000),
    }
}

fn card() -> Content {
    let item = |id: &str, label: &str| MenuItem {
        id: id.to_owned(),
        label: label.to_owned(),
    };
    Content::Menu {
        head: "新会话：1 小周".to_owned(),
        items: vec![item("10", "回复TA"), item("13", "结束会话")],
        tail: "发送 @1".to_owned(),
    }
}

#[tokio::test]
async fn the_platform_takes_what_we_write() {
    let stage = Stage::usual();
    let link = |picture: Option<&str>| Content::Link {
        title: "售后政策".to_owned(),
        description: "七天无理由".to_owned(),
        url: "https://shop.example.com/p?a=1".to_owned(),
        picture_url: picture.map(str::to_owned),
    };
    let place = Content::Location {
        latitude: 31.25,
        longitude: 121.5,
        label: "人民广场".to_owned(),
    };
    let said = [
        Content::text("您好"),
        card(),
        link(None),
        link(Some("https://shop.example.com/i.png")),
        place,
    ];
    let zhou = stage.zhou();
    for (id, content) in said.into_iter().enumerate() {
        let id = i64::try_from(id).unwrap();
        let receipt = stage.app.send(&dispatch("zhouning", id, content)).await;
        assert!(receipt.unwrap().external_id.is_some());
    }
    let chat = zhou.chat();
    assert_eq!(chat.len(), 5);
    let Shown::TemplateCard { card } = &chat[1].content else {
        panic!("{chat:?}")
    };
    assert_eq!(card.buttons.len(), 2);
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_of_with_words() {
    let stage = Stage::usual();
    let nobody = dispatch("nobody", 1, Content::text("x"));
    let error = stage.app.send(&nobody).await.unwrap_err();
    assert_eq!(error.remedy, Remedy::Never);
    assert!(error.advice.is_some(), "{error:?}");
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_renewed_once() {
    let stage = Stage::usual();
    stage.says(1, "一").await.unwrap();
    stage.sandbox.wecom().revoke_tokens();
    stage.says(2, "二").await.unwrap();
    assert_eq!(stage.sandbox.wecom().tokens_issued("work"), 2);
    assert_eq!(stage.zhou().chat().len(), 2);
}

#[tokio::test]
async fn a_card_is_shown_once_however_often_it_is_tried() {
    let stage = Stage::usual();
    stage.sandbox.order("wecom.send=cut-afterx1").unwrap();
    let mut handover = dispatch("ZhouNing", 7, card());
    let lost = stage.app.send(&handover).await.unwrap_err();
    assert!(matches!(lost.remedy, Remedy::Retry { .. }), "{lost:?}");
    handover.attempt = 2;
    stage.app.send(&handover).await.unwrap();
    assert_eq!(stage.zhou().chat().len(), 1);
    // Words have no such id: whether to say them again is the operator's to decide.
    stage.sandbox.order("wecom.send=cut-afterx1").unwrap();
    assert_eq!(
        stage.says(8, "x").await.unwrap_err().remedy,
        Remedy::Unknown
    );
}

#[tokio::test]
async fn nobody_gets_more_than_the_platform_delivers() {
    let stage = Stage::new(|settings| settings.wecom.member_rate = (30, 1000));
    let mut taken = 0;
    let busy = loop {
        match stage.says(taken, "x").await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        // A turn is to be waited for from here on; the pace itself is the cache's.
        if taken == 14 {
            let key = "wecom-member:x";
            let pace = bridge_core::cache::Pace {
                every: std::time::Duration::from_secs(60),
                ahead: std::time::Duration::ZERO,
                patience: std::time::Duration::ZERO,
            };
            super::super::send::turn(&stage.app, key, &pace)
                .await
                .unwrap();
            break super::super::send::turn(&stage.app, key, &pace)
                .await
                .unwrap_err();
        }
    };
    assert_eq!(taken, 14, "half of what is allowed at once");
    assert_eq!(busy.kind, ChannelErrorKind::Busy);
    assert_eq!(stage.sandbox.wecom().dropped(), 0);
}

#[tokio::test]
async fn a_group_is_told_by_its_robot_and_no_key_is_told_to_anybody() {
    let stage = Stage::usual();
    let notify = stage.app.notify().unwrap();
    assert_eq!(notify.groups(), ["duty"]);
    let notice = GroupNotice {
        words: "排队超过 5 人".to_owned(),
        mentioned: vec!["ZhouNing".to_owned()],
        ..GroupNotice::default()
    };
    notify.notify("duty", &notice).await.unwrap();
    let group = stage.sandbox.wecom().group("客服值班群").unwrap();
    let chat = group.chat();
    assert_eq!(chat[0].content.words(), "排队超过 5 人");
    assert_eq!(chat[0].note.as_deref(), Some("@ZhouNing"));
    let unknown = notify.notify("other", &notice).await.unwrap_err();
    assert_eq!(unknown.kind, ChannelErrorKind::Configuration);
    let wrong = app(&stage.sandbox, |config| {
        config["robots"] = json!({ "duty": "00000000-secret-key" })
    });
    let error = wrong.notify().unwrap().notify("duty", &notice).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, ChannelErrorKind::Configuration, "{error:?}");
    stage.sandbox.order("wecom.robot=cutx1").unwrap();
    let cut = wrong.notify().unwrap().notify("duty", &notice).await;
    for error in [error, cut.unwrap_err()] {
        assert!(!format!("{error:?}").contains("secret-key"), "{error:?}");
    }
}

#[tokio::test]
async fn the_check_finds_what_is_wrong() {
    let stage = Stage::usual();
    let findings = stage.app.check().unwrap().check().await;
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    for (key, value, told) in [
        ("secret", json!("not-the-secret"), "secret"),
        ("corp_id", json!("wwother0000000001"), "corp_id"),
        ("agent_id", json!(1_000_099), "agent_id"),
    ] {
        let wrong = app(&stage.sandbox, |config| config[key] = value);
        let findings = wrong.check().unwrap().check().await;
        let fault = findings.iter().find(|one| !one.ok);
        let fault = fault.unwrap_or_else(|| panic!("{key}: {findings:?}"));
        assert_eq!(fault.key, told);
        assert!(!fault.mend.zh.is_empty(), "{fault:?}");
    }
    stage.sandbox.order("wecom.agent=60020").unwrap();
    let findings = stage.app.check().unwrap().check().await;
    assert!(
        findings
            .iter()
            .any(|one| one.mend.zh.contains("企业可信 IP")),
        "{findings:?}"
    );
}

fn over(card: &str) -> Content {
    Content::Event(Event::CardOver {
        shown_by: ArrivalId(1),
        card: card.to_owned(),
        words: "已不由您接待".to_owned(),
    })
}

fn said_on(card: &Shown) -> Option<&str> {
    match card {
        Shown::TemplateCard { card } => card.done.as_deref(),
        other => panic!("no card: {other:?}"),
    }
}

#[tokio::test]
async fn a_card_that_is_over_says_so_once() {
    let stage = Stage::usual();
    let receipt = stage.app.send(&dispatch("ZhouNing", 1, card())).await;
    let shown = receipt.unwrap().external_id.unwrap();
    let (id, code) = shown.split_once(' ').unwrap();
    assert!(!id.is_empty() && !code.is_empty());
    // Tried again where only the answer was lost: the code is good once, and the second try is harmless.
    stage.sandbox.order("wecom.update=cut-afterx1").unwrap();
    let mut last = dispatch("ZhouNing", 2, over(&shown));
    let lost = stage.app.send(&last).await.unwrap_err();
    assert!(matches!(lost.remedy, Remedy::Retry { .. }), "{lost:?}");
    last.attempt = 2;
    stage.app.send(&last).await.unwrap();
    assert_eq!(
        said_on(&stage.zhou().chat()[0].content),
        Some("已不由您接待")
    );
    // What is no card of ours, or no card any more, costs nothing.
    for other in ["", "only-an-id", "id spent-code"] {
        stage
            .app
            .send(&dispatch("ZhouNing", 3, over(other)))
            .await
            .unwrap();
    }
    let recall = stage.app.recall().unwrap();
    recall
        .recall(&PeerId::new("ZhouNing"), None, &shown)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_card_older_than_its_code_stays_as_it_is() {
    let (clock, hand) = PlatformClock::by_hand();
    let stage = Stage::new(|settings| settings.clock = clock);
    let receipt = stage.app.send(&dispatch("ZhouNing", 1, card())).await;
    let shown = receipt.unwrap().external_id.unwrap();
    hand.advance(std::time::Duration::from_secs(72 * 3600 + 1));
    let late = stage.app.send(&dispatch("ZhouNing", 2, over(&shown))).await;
    assert!(late.is_ok(), "{late:?}");
    assert_eq!(said_on(&stage.zhou().chat()[0].content), None);
}

fn added(stage: &Stage) -> (String, Welcome) {
    let wecom = stage.sandbox.wecom();
    let (id, pushed) = wecom.adds_contact(NewContact {
        member: "ZhouNing".to_owned(),
        name: "小周".to_owned(),
        union_id: "oUnion1".to_owned(),
        ..NewContact::default()
    });
    drop(pushed);
    let code = wecom.contact_of(&id).unwrap().welcome_code;
    let until = SystemClock.now() + std::time::Duration::from_secs(20);
    let words = "您好，我是周宁".to_owned();
    (id, Welcome { code, words, until })
}

fn welcoming(to: &str, welcome: &Welcome) -> Dispatch {
    dispatch(to, 5, Content::Event(Event::Welcome(welcome.clone())))
}

#[tokio::test]
async fn who_adds_a_member_is_welcomed_once_and_in_time() {
    let stage = Stage::usual();
    let (id, welcome) = added(&stage);
    stage.sandbox.order("wecom.welcome=cut-afterx1").unwrap();
    let mut first = welcoming(&id, &welcome);
    let lost = stage.app.send(&first).await.unwrap_err();
    assert!(matches!(lost.remedy, Remedy::Retry { .. }), "{lost:?}");
    first.attempt = 2;
    stage.app.send(&first).await.unwrap();
    let contact = stage.sandbox.wecom().contact_of(&id).unwrap();
    assert_eq!(contact.welcomed, ["您好，我是周宁"]);
    // Somebody else was first.
    first.attempt = 1;
    let second = stage.app.send(&first).await.unwrap_err();
    assert_eq!((second.code, second.remedy), (Some(41051), Remedy::Never));
    assert!(second.advice.unwrap().zh.contains("其他应用"));
    // Too late is not even asked.
    let (id, mut welcome) = added(&stage);
    welcome.until = SystemClock.now();
    let late = stage.app.send(&welcoming(&id, &welcome)).await.unwrap_err();
    assert_eq!(late.remedy, Remedy::Never);
    assert!(late.advice.unwrap().zh.contains("20 秒"));
    let contact = stage.sandbox.wecom().contact_of(&id).unwrap();
    assert!(contact.welcomed.is_empty());
}

#[tokio::test]
async fn the_platforms_own_twenty_seconds_are_believed() {
    let (clock, hand) = PlatformClock::by_hand();
    let stage = Stage::new(|settings| settings.clock = clock);
    let (id, welcome) = added(&stage);
    hand.advance(std::time::Duration::from_secs(21));
    let late = stage.app.send(&welcoming(&id, &welcome)).await.unwrap_err();
    assert_eq!(late.remedy, Remedy::Never);
    assert!(late.advice.unwrap().zh.contains("20 秒"));
    let stage = Stage::new(|settings| settings.wecom.apps[0].calls_contacts = false);
    let (id, welcome) = added(&stage);
    let refused = stage.app.send(&welcoming(&id, &welcome)).await.unwrap_err();
    assert_eq!(refused.code, Some(48002));
    assert_eq!(refused.kind, ChannelErrorKind::Configuration);
}

#[tokio::test]
async fn customers_and_members_have_names() {
    let stage = Stage::usual();
    let (id, _) = added(&stage);
    let people = stage.app.people().unwrap();
    let customer = people.person(&PeerId::new(id.as_str())).await.unwrap();
    assert_eq!(customer.name.as_deref(), Some("小周"));
    let handles: Vec<&str> = customer.handles.iter().map(|one| one.as_str()).collect();
    assert!(handles.contains(&"unionid:oUnion1"), "{handles:?}");
    assert!(handles.iter().any(|one| one.starts_with("external:")));
    let member = people.person(&PeerId::new("ZhouNing")).await.unwrap();
    assert_eq!(member.name.as_deref(), Some("周宁"));
    assert!(people.person(&PeerId::new("wm-nobody")).await.is_err());
}
