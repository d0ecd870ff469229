//! The channel against the simulated platform, which is written from the notes and shares no code with it.

use std::sync::Arc;

use bridge_core::{
    cache::MemoryCache,
    channel::{Channel, ChannelErrorKind, Delivery, Dispatch, Verb},
    clock::{Clock, SystemClock, Timestamp},
    error::Remedy,
    message::{
        ArrivalId, Author, Content, ConversationId, DispatchId, Event, InboxName, PeerId, Trigger,
        What,
    },
    plugin::{Plugin, Tools},
};
use bridge_sandbox::{Sandbox, Settings, kf::Session};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Kf, config::Config};

fn stage(change: impl FnOnce(&mut Settings)) -> (Sandbox, Kf) {
    let mut settings = Settings::default();
    change(&mut settings);
    let sandbox = Sandbox::start(settings).unwrap();
    let kf = channel(&sandbox, |_| {});
    (sandbox, kf)
}

fn section(sandbox: &Sandbox) -> Value {
    let platform = sandbox.kf().settings();
    json!({
        "corp_id": platform.corp_id,
        "secret": platform.secret,
        "token": platform.token,
        "encoding_aes_key": platform.encoding_aes_key,
        "accounts": [platform.open_kfid],
        "api_base": sandbox.kf_base(),
    })
}

fn channel(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) -> Kf {
    let mut config = section(sandbox);
    change(&mut config);
    let config: Config = serde_json::from_value(config).unwrap();
    Kf::build(config, &tools()).unwrap()
}

fn tools() -> Tools {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Tools {
        name: Arc::from("kf"),
        cache: Arc::new(MemoryCache::new(clock.clone())),
        clock,
        ..bridge_core::testkit::tools()
    }
}

async fn everything(kf: &Kf, cursor: &mut Option<String>) -> Vec<bridge_core::message::Arrival> {
    let account = kf.accounts.first().unwrap().clone();
    let pull = kf.pull().unwrap();
    let mut all = Vec::new();
    loop {
        let page = pull.pull(&account, None, cursor.as_deref()).await.unwrap();
        all.extend(page.arrivals);
        *cursor = page.cursor.or(cursor.take());
        if !page.more {
            return all;
        }
    }
}

fn dispatch(to: &PeerId, id: i64, content: Content) -> Dispatch {
    Dispatch {
        id: DispatchId(id),
        trace: ArrivalId(1),
        conversation: ConversationId(1),
        inbox: InboxName::new("kf"),
        to: to.clone(),
        sender: None,
        content,
        attempt: 1,
        created_at: Timestamp(1_767_225_600_000),
    }
}

#[tokio::test]
async fn pages_are_followed_to_the_end_and_empty_ones_end_nothing() {
    let (sandbox, kf) = stage(|settings| (settings.kf.page, settings.kf.empty_pages) = (2, true));
    let phone = sandbox.kf().phone("小周");
    for number in 0..5 {
        phone.says(&format!("{number}")).await;
    }
    let mut cursor = None;
    let arrivals = everything(&kf, &mut cursor).await;
    let said: Vec<_> = arrivals
        .iter()
        .filter_map(|one| one.content()?.words().map(str::to_owned))
        .collect();
    assert_eq!(said, ["0", "1", "2", "3", "4"]);
    let first = &arrivals[0];
    assert_eq!(first.author, Author::Contact);
    assert_eq!(first.trigger, Some(Trigger::Message));
    assert_eq!(
        first.profile.as_ref().and_then(|who| who.name.as_deref()),
        Some("小周")
    );
    assert!(
        first
            .peer
            .as_str()
            .ends_with(&format!("@{}", sandbox.kf().settings().open_kfid))
    );
    assert!(
        everything(&kf, &mut cursor).await.is_empty(),
        "the cursor holds"
    );
    phone.says("5").await;
    assert_eq!(everything(&kf, &mut cursor).await.len(), 1);
}

#[tokio::test]
async fn the_first_pull_passes_over_what_is_old_and_a_restart_forgets_nothing_of_it() {
    let (clock, hand) = bridge_sandbox::Clock::by_hand();
    let (sandbox, kf) = stage(|settings| {
        settings.kf.page = 1;
        settings.clock = clock;
    });
    let phone = sandbox.kf().phone("小周");
    phone.says("旧").await;
    phone.says("也旧").await;
    let account = kf.accounts.first().unwrap().clone();
    // Everything before its start is old to this one.
    let late = Kf {
        started: SystemClock.now() + std::time::Duration::from_secs(5),
        ..channel(&sandbox, |config| config["first_look_back"] = json!("0s"))
    };
    hand.advance(std::time::Duration::from_secs(10));
    let page = late
        .pull()
        .unwrap()
        .pull(&account, None, None)
        .await
        .unwrap();
    assert!(page.arrivals.is_empty() && page.more);
    let cursor = page.cursor.unwrap();
    assert!(cursor.starts_with("first:"), "{cursor}");
    // Another life goes on in the middle of it.
    phone.says("新").await;
    let mut cursor = Some(cursor);
    let arrivals = everything(&kf, &mut cursor).await;
    let said: Vec<_> = arrivals
        .iter()
        .filter_map(|one| one.content()?.words())
        .collect();
    assert_eq!(said, ["新"]);
    assert!(!cursor.unwrap().starts_with("first:"));
}

#[tokio::test]
async fn who_enters_is_greeted_once_and_in_time() {
    let (sandbox, kf) = stage(|_| {});
    let phone = sandbox.kf().phone("小周");
    phone.enters("agent:lin").await;
    let arrivals = everything(&kf, &mut None).await;
    let entered = &arrivals[0];
    assert_eq!(entered.trigger, Some(Trigger::Enter));
    assert!(matches!(
        entered.content(),
        Some(Content::Event(Event::Entered { from, greet: true })) if from == "agent:lin"
    ));
    kf.send(&dispatch(&entered.peer, 1, Content::text("您好")))
        .await
        .unwrap();
    phone.hears_text("您好").await.unwrap();
    let again = kf
        .send(&dispatch(&entered.peer, 2, Content::text("再说")))
        .await;
    assert_eq!(
        again.unwrap_err().remedy,
        Remedy::Hold,
        "who has not written may be greeted once"
    );
}

#[tokio::test]
async fn a_send_is_made_once_whatever_is_repeated() {
    let (sandbox, kf) = stage(|_| {});
    let phone = sandbox.kf().phone("小周");
    phone.says("在吗").await;
    let peer = everything(&kf, &mut None).await[0].peer.clone();
    sandbox.order("kf.send=cut-afterx1").unwrap();
    let mut one = dispatch(&peer, 7, Content::text("在的"));
    let lost = kf.send(&one).await.unwrap_err();
    assert!(matches!(lost.remedy, Remedy::Retry { .. }), "{lost:?}");
    one.attempt = 2;
    let receipt = kf.send(&one).await.unwrap();
    assert!(receipt.external_id.is_some_and(|id| id.len() <= 32));
    let heard = phone
        .chat()
        .iter()
        .filter(|one| one.text() == "在的")
        .count();
    assert_eq!(heard, 1);
}

#[tokio::test]
async fn counts_states_and_tokens_are_minded() {
    let (sandbox, kf) = stage(|_| {});
    let phone = sandbox.kf().phone("小周");
    phone.says("在吗").await;
    let peer = everything(&kf, &mut None).await[0].peer.clone();
    for number in 0..5 {
        kf.send(&dispatch(&peer, number, Content::text("答")))
            .await
            .unwrap();
    }
    let over = kf
        .send(&dispatch(&peer, 5, Content::text("第六条")))
        .await
        .unwrap_err();
    assert_eq!((over.code, over.remedy), (Some(95001), Remedy::Hold));
    phone.says("再问").await;
    sandbox.kf().displace_tokens();
    kf.send(&dispatch(&peer, 6, Content::text("换了令牌")))
        .await
        .unwrap();
    phone.moved(Session::Servicer);
    let theirs = kf
        .send(&dispatch(&peer, 7, Content::text("打断")))
        .await
        .unwrap_err();
    assert_eq!((theirs.code, theirs.remedy), (Some(95018), Remedy::Never));
    assert!(theirs.advice.unwrap().zh.contains("staff.li"));
    phone.moved(Session::Ended);
    let over = kf.send(&dispatch(&peer, 8, Content::text("再见"))).await;
    assert_eq!(over.unwrap_err().remedy, Remedy::Hold);
    let nobody = dispatch(&PeerId::new("nobody"), 9, Content::text("x"));
    assert_eq!(kf.send(&nobody).await.unwrap_err().remedy, Remedy::Never);
}

#[tokio::test]
async fn facts_are_never_taken_for_speech() {
    let (sandbox, kf) = stage(|_| {});
    let phone = sandbox.kf().phone("小周");
    phone.says("在吗").await;
    sandbox.kf().fails_later(phone.id(), "kb-1-1", 10);
    let arrivals = everything(&kf, &mut None).await;
    let report = &arrivals[1];
    assert_eq!(
        (report.author.clone(), report.trigger),
        (Author::System, None)
    );
    assert!(matches!(
        &report.what,
        What::Content(Content::Event(Event::DeliveryReport { delivered: false, reason, .. })) if reason.contains("拒收")
    ));
}

fn with_servicers(change: impl FnOnce(&mut Settings)) -> (Sandbox, Kf) {
    let (sandbox, _) = stage(change);
    let kf = channel(&sandbox, |config| config["mode"] = json!("servicers"));
    (sandbox, kf)
}

fn handed(to: &PeerId, id: i64, agent: &str) -> Dispatch {
    let agent = PeerId::new(agent);
    dispatch(to, id, Content::Event(Event::Handed { agent }))
}

fn released(to: &PeerId, id: i64) -> Dispatch {
    dispatch(to, id, Content::Event(Event::Released))
}

#[test]
fn no_move_is_asked_for_that_the_platform_does_not_allow() {
    use super::session::{State, Target, Way};
    let li = || State::Servicer("staff.li".to_owned());
    let states = [State::Ours, State::Pool, li(), State::Ended];
    let targets = [
        Target::Servicer("staff.LI"),
        Target::Servicer("staff.wu"),
        Target::Pool,
        Target::Nobody,
    ];
    // WeCom: 3.7, the documented ones.
    let legal = |from: &State, to: i64| match from {
        State::Ours => matches!(to, 2 | 3),
        State::Pool => to == 3,
        State::Servicer(_) => matches!(to, 3 | 4),
        State::Ended => false,
    };
    for state in &states {
        for target in targets {
            match state.way(target) {
                Way::To(to) => assert!(legal(state, to), "{state:?} to {to}"),
                Way::ThroughServicer => {
                    assert!(legal(state, 3) && legal(&li(), 4));
                }
                Way::There | Way::Closed => {}
            }
        }
    }
    assert_eq!(li().way(Target::Servicer("staff.LI")), Way::There);
    assert_eq!(State::Ended.way(Target::Servicer("x")), Way::Closed);
}

#[tokio::test]
async fn a_session_is_given_to_a_servicer_passed_on_and_taken_back_with_one_last_word() {
    let (sandbox, kf) = with_servicers(|_| {});
    let phone = sandbox.kf().phone("小周");
    let [li, wu] = ["staff.li", "staff.wu"].map(|id| sandbox.kf().servicer(id).unwrap());
    phone.says("在吗").await;
    let peer = everything(&kf, &mut None).await[0].peer.clone();
    for again in 0..2 {
        kf.send(&handed(&peer, again, "staff.li")).await.unwrap();
        assert!(li.has(&phone), "however often it is said");
    }
    kf.send(&handed(&peer, 3, "staff.wu")).await.unwrap();
    assert!(wu.has(&phone));
    // A word by the code of the handing, a text and once.
    let word = |id| dispatch(&peer, id, Content::text("已转接"));
    kf.send(&word(4)).await.unwrap();
    phone.hears_text("已转接").await.unwrap();
    assert_eq!(kf.send(&word(5)).await.unwrap_err().remedy, Remedy::Never);
    kf.send(&released(&peer, 6)).await.unwrap();
    assert_eq!(phone.session(), Session::Ended);
    let menu = Content::Menu {
        head: "请评价".to_owned(),
        items: vec![bridge_core::message::MenuItem {
            id: "15".to_owned(),
            label: "满意".to_owned(),
        }],
        tail: String::new(),
    };
    kf.send(&dispatch(&peer, 7, menu)).await.unwrap();
    assert_eq!(phone.hears_menu().await.unwrap()[0].id, "15");
    // Ended is ended, until the customer writes.
    kf.send(&released(&peer, 8)).await.unwrap();
    let closed = kf.send(&handed(&peer, 9, "staff.li")).await.unwrap_err();
    assert_eq!((closed.code, closed.remedy), (Some(95013), Remedy::Hold));
    phone.says("还有一事").await;
    kf.send(&handed(&peer, 9, "staff.li")).await.unwrap();
    assert!(li.has(&phone));
    assert_eq!(sandbox.kf().refused_moves(), 0);
}

#[tokio::test]
async fn who_is_refused_counts_as_away_for_a_while_and_the_pool_is_left_by_a_servicer() {
    let (sandbox, kf) = with_servicers(|_| {});
    let phone = sandbox.kf().phone("小周");
    let li = sandbox.kf().servicer("staff.li").unwrap();
    phone.says("在吗").await;
    let peer = everything(&kf, &mut None).await[0].peer.clone();
    let asked = ["staff.li", "staff.wu", "stranger", "*"].map(PeerId::new);
    let there = |known: Vec<(PeerId, bool)>| {
        let known = known.into_iter().filter(|(_, there)| *there);
        let known: Vec<String> = known.map(|(id, _)| id.to_string()).collect();
        known.join(" ")
    };
    let presence = kf.presence().unwrap();
    assert_eq!(
        there(presence.online(&asked).await.unwrap()),
        "staff.li staff.wu"
    );
    sandbox.order("kf.trans=95014x1").unwrap();
    let refused = kf.send(&handed(&peer, 1, "staff.wu")).await.unwrap_err();
    assert_eq!((refused.code, refused.remedy), (Some(95014), Remedy::Never));
    assert_eq!(there(presence.online(&asked).await.unwrap()), "staff.li");
    kf.send(&handed(&peer, 2, "*")).await.unwrap();
    assert_eq!(phone.session(), Session::Pool);
    kf.send(&released(&peer, 3)).await.unwrap();
    assert_eq!(phone.session(), Session::Ended);
    phone.says("再来").await;
    kf.send(&handed(&peer, 4, "*")).await.unwrap();
    li.serves(false);
    let stuck = kf.send(&released(&peer, 5)).await.unwrap_err();
    assert_eq!((stuck.code, stuck.remedy), (Some(95019), Remedy::Never));
    assert_eq!(sandbox.kf().refused_moves(), 0);
}

#[tokio::test]
async fn a_move_whose_answer_was_lost_is_known_by_reading_the_state() {
    let (sandbox, kf) = with_servicers(|_| {});
    let phone = sandbox.kf().phone("小周");
    phone.says("在吗").await;
    let peer = everything(&kf, &mut None).await[0].peer.clone();
    sandbox.order("kf.trans=cut-afterx1").unwrap();
    let lost = kf.send(&handed(&peer, 1, "staff.li")).await.unwrap_err();
    assert!(matches!(lost.remedy, Remedy::Retry { .. }), "{lost:?}");
    kf.send(&handed(&peer, 1, "staff.li")).await.unwrap();
    assert_eq!(sandbox.kf().refused_moves(), 0);
}

#[tokio::test]
async fn what_servicers_do_is_theirs() {
    let (sandbox, kf) = with_servicers(|_| {});
    let phone = sandbox.kf().phone("小周");
    let [li, wu] = ["staff.li", "staff.wu"].map(|id| sandbox.kf().servicer(id).unwrap());
    phone.says("在吗").await;
    let mut cursor = None;
    let peer = everything(&kf, &mut cursor).await[0].peer.clone();
    kf.send(&handed(&peer, 1, "*")).await.unwrap();
    assert!(li.takes(&phone) && li.says(&phone, "在的").is_some());
    assert!(li.passes(&phone, &wu) && wu.ends(&phone));
    wu.serves(false);
    let arrivals = everything(&kf, &mut cursor).await;
    let by: Vec<String> = arrivals
        .iter()
        .map(|one| match &one.author {
            Author::Agent(account) => account.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        by,
        ["staff.li", "staff.li", "staff.wu", "staff.wu", "staff.wu"]
    );
    let events: Vec<&Event> = arrivals
        .iter()
        .filter_map(|one| match one.content() {
            Some(Content::Event(event)) => Some(event),
            _ => None,
        })
        .collect();
    assert!(
        matches!(
            events[..],
            [
                Event::Taken,
                Event::Answered { .. },
                Event::Taken,
                Event::Ended,
                Event::Presence { online: false }
            ]
        ),
        "{events:?}"
    );
    assert!(arrivals.iter().all(|one| one.trigger.is_none()));
    // At our own desk a servicer who comes or goes is nobody's business.
    let desk = channel(&sandbox, |_| {});
    assert!(desk.presence().is_none() && !desk.capabilities().native_desk);
    assert_eq!(everything(&desk, &mut None).await.len(), 5);
}

#[tokio::test]
async fn callbacks_are_checked() {
    let (sandbox, kf) = stage(|_| {});
    let post = |query: &str, body: &str| {
        kf.decode(&Delivery {
            verb: Verb::Post,
            query: query.to_owned(),
            body: Bytes::from(body.to_owned()),
            received_at: Timestamp(0),
        })
    };
    let forged = "<xml><Encrypt><![CDATA[AAAA]]></Encrypt></xml>";
    let refused = post("msg_signature=0&timestamp=1&nonce=2", forged).unwrap_err();
    assert_eq!(refused.kind, ChannelErrorKind::Forged);
    for body in ["", "<xml></xml>", "{}", "<a/>"] {
        assert_eq!(
            post("", body).unwrap_err().kind,
            ChannelErrorKind::Malformed,
            "{body:?}"
        );
    }
    drop(sandbox);
}

#[tokio::test]
async fn the_check_finds_what_is_wrong() {
    let (sandbox, kf) = stage(|_| {});
    let findings = kf.check().unwrap().check().await;
    assert!(findings.iter().all(|one| one.ok), "{findings:?}");
    assert!(
        findings
            .iter()
            .any(|one| one.what.zh.contains("时钟与平台一致"))
    );
    assert!(
        findings
            .iter()
            .any(|one| one.what.zh.contains("staff.wu（接待中）"))
    );
    let wrong = channel(&sandbox, |config| {
        config["secret"] = json!("not-the-secret")
    });
    let findings = wrong.check().unwrap().check().await;
    assert!(
        findings.iter().any(|one| !one.ok && one.key == "secret"),
        "{findings:?}"
    );
    let served = channel(&sandbox, |config| config["mode"] = json!("servicers"));
    for id in ["staff.li", "staff.wu"] {
        sandbox.kf().servicer(id).unwrap().serves(false);
    }
    let findings = served.check().unwrap().check().await;
    let nobody = findings.iter().find(|one| one.key == "mode").unwrap();
    assert!(
        !nobody.ok && nobody.mend.zh.contains("接待人员"),
        "{nobody:?}"
    );
    sandbox.order("kf.sync=95012x1").unwrap();
    let findings = kf.check().unwrap().check().await;
    assert!(
        findings
            .iter()
            .any(|one| !one.ok && one.mend.zh.contains("通过API管理")),
        "{findings:?}"
    );
    let other = channel(&sandbox, |config| config["accounts"] = json!(["wkOther"]));
    let findings = other.check().unwrap().check().await;
    assert!(findings.iter().any(|one| !one.ok
        && one.what.zh.contains("wkSandbox0001")
        && one.mend.zh.contains("API")));
}

#[test]
fn a_wrong_section_is_refused_with_its_key() {
    let base = json!({
        "corp_id": "ww1234567890", "secret": "s", "token": "t0ken",
        "encoding_aes_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "accounts": ["wk1"],
    });
    for (key, value) in [
        ("corp_id", json!("")),
        ("secret", json!("")),
        ("token", json!("has space")),
        ("encoding_aes_key", json!("short")),
        ("accounts", json!([])),
        ("text_bytes", json!(9000)),
        ("api_base", json!("ftp://x")),
        ("pull_every", json!("0s")),
    ] {
        let mut section = base.clone();
        section[key] = value;
        let config: Config = serde_json::from_value(section).unwrap();
        let fault = config.validate().map(drop).unwrap_err();
        assert_eq!(fault.key, key);
        assert!(!fault.what_zh.is_empty());
    }
}
