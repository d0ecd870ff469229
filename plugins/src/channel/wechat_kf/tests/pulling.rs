//! What is pulled: pages, first pulls, events.

use bridge_core::{
    channel::{Channel, ChannelErrorKind, Delivery, Verb},
    clock::{Clock, SystemClock, Timestamp},
    message::{Author, Content, Event, Trigger, What},
};
use bytes::Bytes;
use serde_json::json;

use super::super::Kf;
use super::{channel, everything, stage};

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
