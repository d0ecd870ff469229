//! The weather: cuts, silence, refusals. Whatever happens, the agent hears each message once.

use std::time::Duration;

use bridge_core::channel::{Channel, ChannelErrorKind, Dispatch};
use bridge_core::error::Remedy;
use bridge_core::message::Content;
use serde_json::json;

use super::kit::{Kit, STAND_IN, channel, dispatch, kit, kit_with, section, spoken};
use super::peer::{Order, SECRET};

const SEND: &str = "openim/sendmsg";
const IMPORT: &str = "im_open_login_svc/account_import";
const HISTORY: &str = "openim/admin_getroammsg";

/// A kit whose stand-in is imported already.
async fn at_work() -> Kit {
    let kit = kit().await;
    kit.sends(&dispatch(1, Content::text("一"))).await.unwrap();
    kit
}

#[tokio::test]
async fn a_message_that_arrived_without_an_answer_is_not_repeated() {
    let kit = at_work().await;
    kit.peer.order(SEND, Order::DoAndCut);
    let receipt = kit.sends(&dispatch(2, Content::text("二"))).await.unwrap();
    let messages = kit.peer.messages();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        receipt.external_id.as_deref(),
        messages[1]["MsgKey"].as_str()
    );
    let look = kit.peer.called(HISTORY).remove(0);
    assert_eq!(
        (&look.body["Operator_Account"], &look.body["Peer_Account"]),
        (&json!("agent_1"), &json!(STAND_IN))
    );
}

#[tokio::test]
async fn a_message_that_did_not_arrive_is_repeated_with_the_same_ids() {
    let kit = at_work().await;
    kit.peer.order(SEND, Order::Cut);
    kit.sends(&dispatch(2, Content::text("二"))).await.unwrap();
    let sent = kit.peer.called(SEND);
    assert_eq!(sent.len(), 3);
    assert_eq!(sent[1].body, sent[2].body);
    assert_eq!(kit.peer.messages().len(), 2);
}

#[tokio::test]
async fn a_later_try_looks_before_it_sends() {
    let kit = at_work().await;
    // Sent twice without an answer; the third answer is lost with the process, say.
    kit.peer.order(SEND, Order::DoAndCut);
    kit.peer.order(HISTORY, Order::Status(502));
    let first = kit
        .sends(&dispatch(2, Content::text("二")))
        .await
        .unwrap_err();
    assert_eq!(first.remedy, Remedy::retry_secs(0));
    assert_eq!(first.kind, ChannelErrorKind::Network);

    let again = Dispatch {
        attempt: 2,
        ..dispatch(2, Content::text("二"))
    };
    let receipt = kit.sends(&again).await.unwrap();
    assert_eq!(kit.peer.messages().len(), 2);
    assert_eq!(
        receipt.external_id.as_deref(),
        kit.peer.messages()[1]["MsgKey"].as_str()
    );
    // A process that knows nothing of the first try finds it too.
    kit.other_node()
        .send(&Dispatch {
            attempt: 3,
            ..again
        })
        .await
        .unwrap();
    assert_eq!(kit.peer.messages().len(), 2);
}

#[tokio::test]
async fn what_was_certainly_not_sent_is_repeated_without_a_look() {
    let kit = at_work().await;
    kit.peer.order(SEND, Order::Refuse(60007));
    let throttled = kit
        .sends(&dispatch(2, Content::text("二")))
        .await
        .unwrap_err();
    assert_eq!(throttled.remedy, Remedy::retry_secs(1));
    kit.sends(&Dispatch {
        attempt: 2,
        ..dispatch(2, Content::text("二"))
    })
    .await
    .unwrap();
    assert_eq!(kit.peer.called(HISTORY).len(), 0);
    assert_eq!(kit.peer.messages().len(), 2);
}

#[tokio::test]
async fn of_two_parts_only_the_missing_one_is_repeated() {
    let kit = at_work().await;
    let voice = spoken(&kit);
    kit.peer.order(SEND, Order::DoAndCut);
    kit.peer.order(SEND, Order::Refuse(60007));
    kit.sends(&dispatch(2, voice.clone())).await.unwrap_err();
    let receipt = kit
        .sends(&Dispatch {
            attempt: 2,
            ..dispatch(2, voice)
        })
        .await
        .unwrap();
    let messages = kit.peer.messages();
    let types: Vec<&str> = messages
        .iter()
        .map(|message| message["MsgBody"][0]["MsgType"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["TIMTextElem", "TIMSoundElem", "TIMTextElem"]);
    assert_eq!(receipt.external_id.unwrap().split(',').count(), 2);
}

#[tokio::test]
async fn silence_ends_and_is_looked_into() {
    let kit = kit_with(json!({"timeout": "150ms"})).await;
    kit.sends(&dispatch(1, Content::text("一"))).await.unwrap();
    kit.peer.order(SEND, Order::Silence);
    kit.sends(&dispatch(2, Content::text("二"))).await.unwrap();
    assert_eq!(kit.peer.called(HISTORY).len(), 1);
    assert_eq!(kit.peer.messages().len(), 2);
}

#[tokio::test]
async fn a_service_that_stays_away_is_tried_again_later() {
    for order in [
        || Order::Cut,
        || Order::Status(502),
        || Order::Say("<html>".into()),
        || Order::Say("{}".into()),
    ] {
        let kit = at_work().await;
        for _ in 0..2 {
            kit.peer.order(SEND, order());
        }
        let error = kit
            .sends(&dispatch(2, Content::text("二")))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.remedy),
            (ChannelErrorKind::Network, Remedy::retry_secs(0)),
            "{error}"
        );
        assert_eq!(kit.peer.called(SEND).len(), 3);
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let kit = at_work().await;
    for _ in 0..2 {
        kit.peer
            .order(SEND, Order::Say(" ".repeat(2 * 1024 * 1024)));
    }
    let error = kit
        .sends(&dispatch(2, Content::text("二")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ChannelErrorKind::Network);
}

#[tokio::test]
async fn codes_mean_what_the_table_says() {
    use ChannelErrorKind::{Configuration, Refused};
    let minute = Remedy::Retry {
        after: Duration::from_secs(60),
    };
    for (code, kind, remedy) in [
        (20004, Refused, Remedy::retry_secs(0)),
        (90992, Refused, Remedy::retry_secs(0)),
        (60011, Refused, Remedy::retry_secs(1)),
        (70050, Refused, minute),
        (90001, Refused, Remedy::Never),
        (93000, Refused, Remedy::Never),
        (70009, Configuration, minute),
        (60010, Configuration, minute),
        (70398, Configuration, minute),
        (123_456, Refused, Remedy::Never),
    ] {
        let kit = at_work().await;
        kit.peer.order(SEND, Order::Refuse(code));
        let error = kit
            .sends(&dispatch(2, Content::text("二")))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code, error.kind, error.remedy),
            (Some(code), kind, remedy)
        );
        assert_eq!(
            kit.peer.called(SEND).len(),
            2,
            "{code} is not repeated at once"
        );
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_made_is_given_up_after_one_repeat() {
    for code in [20003, 90012, 90048, 70107] {
        let kit = at_work().await;
        for _ in 0..3 {
            kit.peer.order(SEND, Order::Refuse(code));
        }
        let error = kit
            .sends(&dispatch(2, Content::text("二")))
            .await
            .unwrap_err();
        assert_eq!((error.code, error.remedy), (Some(code), Remedy::Never));
        assert_eq!(
            kit.peer.called(SEND).len(),
            3,
            "the first message, the try and its repeat"
        );
        assert_eq!(
            kit.peer.called(IMPORT).len(),
            3,
            "at first use; then both ends"
        );
    }
}

#[tokio::test]
async fn an_import_that_fails_sends_nothing() {
    let kit = kit().await;
    kit.peer.order(IMPORT, Order::Refuse(70398));
    let error = kit
        .sends(&dispatch(1, Content::text("一")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code, error.kind),
        (Some(70398), ChannelErrorKind::Configuration)
    );
    assert!(error.advice.unwrap().zh.contains("100"));
    assert_eq!(kit.peer.called(SEND).len(), 0);
}

#[tokio::test]
async fn errors_hold_no_secrets() {
    let kit = at_work().await;
    let usersig = kit.peer.called(SEND)[0].query["usersig"].clone();
    let gone = channel(
        section("http://127.0.0.1:1", json!({})),
        kit.clock.clone(),
        kit.cache.clone(),
        kit.shelf.clone(),
    );
    let mut errors = vec![
        gone.send(&dispatch(2, Content::text("二")))
            .await
            .unwrap_err(),
    ];
    assert_eq!(
        errors[0].remedy,
        Remedy::retry_secs(0),
        "nobody listens there"
    );
    for order in [
        Order::Cut,
        Order::Status(500),
        Order::Refuse(70003),
        Order::Refuse(90001),
    ] {
        kit.peer.order(SEND, order);
        kit.peer.order(HISTORY, Order::Cut);
        errors.extend(kit.sends(&dispatch(3, Content::text("三"))).await.err());
    }
    assert!(errors.len() >= 3);
    for error in errors {
        let shown = format!("{error} {error:?}");
        for secret in [&usersig[..], SECRET, "usersig="] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
