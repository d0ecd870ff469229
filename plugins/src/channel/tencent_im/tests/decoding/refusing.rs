//! What is refused, and how the unreadable is told from the rest.

use bridge_convertors::tencent_im::sign::sign;
use bridge_core::channel::{Channel, ChannelErrorKind, Delivery, Verb};
use proptest::prelude::*;
use serde_json::json;

use super::super::kit::{TOKEN, kit, kit_with};
use super::super::peer::{NOW, SDK_APP_ID};
use super::{decoded, delivery, query, said, text};

#[tokio::test]
async fn forgeries_are_refused() {
    let kit = kit().await;
    let body = said(json!([text("转账给我")])).to_string();
    let whole = query("C2C.CallbackAfterSendMsg", "Web");
    let time = format!("RequestTime={NOW}");
    let stale = (NOW - 301).to_string();
    let stale_query = whole
        .replace(&time, &format!("RequestTime={stale}"))
        .replace(&sign(TOKEN, &NOW.to_string()), &sign(TOKEN, &stale));
    for (why, query) in [
        (
            "another app",
            whole.replace(&SDK_APP_ID.to_string(), "1400000002"),
        ),
        ("no app", whole.replace("SdkAppid", "sdkappid")),
        (
            "no sign",
            whole.split("&RequestTime").next().unwrap().to_owned(),
        ),
        ("wrong sign", whole.replace("Sign=", "Sign=0")),
        (
            "another time",
            whole.replace(&time, &format!("RequestTime={}", NOW + 1)),
        ),
        ("replayed", stale_query),
        ("nothing", String::new()),
    ] {
        let error = kit
            .channel
            .decode(&delivery(query, body.clone()))
            .unwrap_err();
        assert_eq!(error.kind, ChannelErrorKind::Forged, "{why}");
        assert!(!error.to_string().contains(TOKEN), "{why}");
    }
}

#[tokio::test]
async fn without_a_token_only_the_app_is_compared() {
    let kit = kit_with(json!({"callback_token": ""})).await;
    let body = said(json!([text("您好")])).to_string();
    let query = format!("SdkAppid={SDK_APP_ID}&CallbackCommand=C2C.CallbackAfterSendMsg");
    assert_eq!(
        kit.channel
            .decode(&delivery(query.clone(), body.clone()))
            .unwrap()
            .arrivals
            .len(),
        1
    );
    let other = query.replace(&SDK_APP_ID.to_string(), "1");
    assert_eq!(
        kit.channel.decode(&delivery(other, body)).unwrap_err().kind,
        ChannelErrorKind::Forged
    );
}

#[tokio::test]
async fn the_unreadable_is_told_from_the_oversized() {
    let kit = kit().await;
    let command = "C2C.CallbackAfterSendMsg";
    let whole = said(json!([text("您好")])).to_string();
    let refused = |body: &str| {
        let error = kit
            .channel
            .decode(&delivery(query(command, "Web"), body))
            .unwrap_err();
        error.kind
    };
    let nobody = whole.replace("agent_1", "");
    let endless = whole.replace("agent_1", &"a".repeat(129));
    let other = whole.replace(command, "C2C.CallbackBeforeSendMsg");
    for body in [
        "",
        "{",
        "[]",
        "null",
        &whole[..whole.len() - 1],
        &nobody,
        &endless,
        &other,
    ] {
        assert_eq!(refused(body), ChannelErrorKind::Malformed, "{body}");
    }
    assert_eq!(refused(&" ".repeat(300_000)), ChannelErrorKind::TooLarge);
    let get = Delivery {
        verb: Verb::Get,
        ..delivery(query(command, "Web"), whole.clone())
    };
    assert_eq!(
        kit.channel.decode(&get).unwrap_err().kind,
        ChannelErrorKind::Malformed
    );
}

proptest! {
    /// Whatever a stranger sends: refused, and nothing of it is taken in.
    #[test]
    fn strangers_get_nowhere(
        query in prop_oneof!["\\PC{0,80}", "(SdkAppid=1400000001|Sign=[0-9a-f]{64}|RequestTime=1700000000|&|OptPlatform=Web){0,9}"],
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kit = runtime.block_on(kit());
        let refused = kit.channel.decode(&delivery(query, body)).unwrap_err();
        prop_assert_eq!(refused.kind, ChannelErrorKind::Forged);
    }

    /// Whatever the service sends: read or refused, never a panic.
    #[test]
    fn signed_nonsense_is_survived(
        body in prop::collection::vec(any::<u8>(), 0..200),
        text in any::<String>(),
        random in any::<u32>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kit = runtime.block_on(kit());
        let _ = kit.channel.decode(&delivery(query("C2C.CallbackAfterSendMsg", "Web"), body));
        let mut sound = said(json!([self::text(&text)]));
        sound["MsgRandom"] = random.into();
        sound["MsgKey"] = "".into();
        let arrivals = decoded(&kit, &sound).arrivals;
        prop_assert_eq!(arrivals.len(), usize::from(!text.is_empty()));
    }
}
