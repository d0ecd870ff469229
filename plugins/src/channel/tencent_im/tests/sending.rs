use std::time::Duration;

use bridge_core::channel::{Channel, Dispatch};
use bridge_core::clock::Timestamp;
use bridge_core::message::Content;
use serde_json::{Value, json};

use super::kit::{STAND_IN, dispatch, kit, kit_with, spoken};
use super::peer::{NOW, Order, SDK_APP_ID};
use crate::channel::tencent_im::send::Ids;

#[tokio::test]
async fn a_contacts_words_come_from_their_stand_in() {
    let kit = kit().await;
    let receipt = kit
        .sends(&dispatch(7, Content::text("在吗?")))
        .await
        .unwrap();

    assert_eq!(
        kit.peer.commands(),
        ["im_open_login_svc/account_import", "openim/sendmsg"]
    );
    let profile = json!({"Nick": "小周", "FaceUrl": "https://kefu.example.test/media/zhou.jpg"});
    assert_eq!(kit.peer.account(STAND_IN), Some(profile));

    let sent = kit.peer.called("openim/sendmsg").remove(0);
    assert_eq!(
        (&sent.body["From_Account"], &sent.body["To_Account"]),
        (&json!(STAND_IN), &json!("agent_1"))
    );
    assert_eq!(
        sent.body["MsgBody"],
        json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": "在吗?"}}])
    );
    let both = json!(["ForbidBeforeSendMsgCallback", "ForbidAfterSendMsgCallback"]);
    assert_eq!(sent.body["ForbidCallbackControl"], both);
    let tag: Value = serde_json::from_str(sent.body["CloudCustomData"].as_str().unwrap()).unwrap();
    assert_eq!(tag, json!({"src": "kefu-bridge", "mid": "7"}));
    assert_eq!(
        receipt.external_id.as_deref(),
        kit.peer.messages()[0]["MsgKey"].as_str()
    );
    assert_eq!(sent.query["sdkappid"], SDK_APP_ID.to_string());
}

#[tokio::test]
async fn a_stand_in_is_imported_once_and_again_under_a_new_name() {
    let kit = kit().await;
    let imports = || kit.peer.called("im_open_login_svc/account_import").len();
    for id in 1..4 {
        kit.sends(&dispatch(id, Content::text("喂"))).await.unwrap();
    }
    assert_eq!(imports(), 1);

    let mut renamed = dispatch(4, Content::text("喂"));
    renamed.sender.as_mut().unwrap().name = "周先生".into();
    kit.sends(&renamed).await.unwrap();
    assert_eq!(imports(), 2);
    assert_eq!(kit.peer.account(STAND_IN).unwrap()["Nick"], "周先生");
}

#[tokio::test]
async fn another_node_takes_the_cache_s_word_for_an_import() {
    let kit = kit().await;
    kit.sends(&dispatch(1, Content::text("喂"))).await.unwrap();
    kit.other_node()
        .send(&dispatch(2, Content::text("喂")))
        .await
        .unwrap();
    assert_eq!(kit.peer.called("im_open_login_svc/account_import").len(), 1);
}

#[tokio::test]
async fn a_node_needs_the_cache_only_once() {
    let kit = kit().await;
    kit.sends(&dispatch(1, Content::text("喂"))).await.unwrap();
    // What the cache knew has expired.
    kit.clock.advance(Duration::from_secs(2 * 24 * 3600));
    kit.sends(&dispatch(2, Content::text("喂"))).await.unwrap();
    assert_eq!(kit.peer.called("im_open_login_svc/account_import").len(), 1);
}

#[tokio::test]
async fn names_and_pictures_keep_within_what_a_profile_holds() {
    let kit = kit().await;
    let mut long = dispatch(1, Content::text("喂"));
    let persona = long.sender.as_mut().unwrap();
    persona.name = "周".repeat(400);
    persona.avatar_url = Some(format!("https://example.test/{}", "x".repeat(500)));
    kit.sends(&long).await.unwrap();
    let profile = kit.peer.account(STAND_IN).unwrap();
    assert_eq!(profile["Nick"].as_str().unwrap().len(), 498);
    assert_eq!(profile.get("FaceUrl"), None);
}

#[tokio::test]
async fn an_account_that_vanished_is_imported_and_the_message_sent_once_more() {
    for missing in [STAND_IN, "agent_1"] {
        let kit = kit().await;
        kit.sends(&dispatch(1, Content::text("一"))).await.unwrap();
        kit.peer.forget_account(missing);
        kit.sends(&dispatch(2, Content::text("二"))).await.unwrap();
        assert_eq!(kit.peer.messages().len(), 2, "{missing}");
        assert!(kit.peer.account(missing).is_some());
        assert_eq!(kit.peer.account(STAND_IN).unwrap()["Nick"], "小周");
    }
}

#[tokio::test]
async fn the_usersig_is_kept_and_renewed_at_half_its_life() {
    let kit = kit_with(json!({"usersig_lifetime": "24h"})).await;
    let mut used = Vec::new();
    for (id, later) in [(1, 0), (2, 11 * 3600), (3, 3600), (4, 3600)] {
        kit.clock.advance(Duration::from_secs(later));
        kit.sends(&dispatch(id, Content::text("喂"))).await.unwrap();
        used.push(kit.peer.called("openim/sendmsg").pop().unwrap().query["usersig"].clone());
    }
    assert_eq!(used[0], used[1]);
    assert_ne!(used[1], used[2]);
    assert_eq!(used[2], used[3]);
}

#[tokio::test]
async fn a_refused_usersig_is_renewed_once() {
    let kit = kit().await;
    kit.sends(&dispatch(1, Content::text("一"))).await.unwrap();
    kit.clock.advance(Duration::from_secs(60));
    kit.peer.expire_usersigs_before(NOW + 60);
    kit.sends(&dispatch(2, Content::text("二"))).await.unwrap();
    let sent = kit.peer.called("openim/sendmsg");
    assert_eq!(sent.len(), 3);
    assert_ne!(sent[1].query["usersig"], sent[2].query["usersig"]);
    assert_eq!(sent[1].body, sent[2].body, "the repeat is the same message");

    kit.peer.expire_usersigs_before(NOW + 3600);
    kit.clock.advance(Duration::from_secs(60));
    let refused = kit
        .sends(&dispatch(3, Content::text("三")))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Some(70001));
    assert_eq!(
        kit.peer.called("openim/sendmsg").len(),
        5,
        "one repeat, no more"
    );
}

#[tokio::test]
async fn every_call_has_a_random_of_its_own() {
    let kit = kit().await;
    // The peer refuses a number it has seen.
    for id in 1..20 {
        kit.sends(&dispatch(id, Content::text("喂"))).await.unwrap();
    }
    assert_eq!(kit.peer.messages().len(), 19);
}

#[tokio::test]
async fn a_voice_with_words_is_two_messages_and_one_receipt() {
    let kit = kit().await;
    let voice = spoken(&kit);
    let receipt = kit.sends(&dispatch(9, voice)).await.unwrap();
    let messages = kit.peer.messages();
    assert_eq!(messages.len(), 2);
    let keys: Vec<&str> = messages
        .iter()
        .map(|message| message["MsgKey"].as_str().unwrap())
        .collect();
    assert_eq!(receipt.external_id.unwrap(), keys.join(","));
    assert!(messages[0]["MsgSeq"].as_u64() < messages[1]["MsgSeq"].as_u64());
}

#[tokio::test]
async fn facts_cannot_be_sent() {
    let kit = kit().await;
    let fact = Content::Event(bridge_core::message::Event::Unfollowed);
    let refused = kit.sends(&dispatch(1, fact)).await.unwrap_err();
    assert_eq!(refused.remedy, bridge_core::error::Remedy::Never);
    assert!(refused.advice.is_some());
    assert_eq!(kit.peer.commands(), [""; 0]);
}

#[test]
fn ids_are_the_dispatchs_own() {
    let same = Ids::of(&dispatch(7, Content::text("a")), 0);
    let again = Dispatch {
        attempt: 5,
        ..dispatch(7, Content::text("a"))
    };
    assert_eq!(Ids::of(&again, 0), same);

    let mut seen = std::collections::HashSet::new();
    let mut last = 0;
    for id in 1..2_000 {
        for part in 0..2 {
            let ids = Ids::of(&dispatch(id, Content::text("")), part);
            assert!(ids.seq > last, "later ones sort behind");
            assert!(ids.random <= i32::MAX as u32);
            last = ids.seq;
            seen.insert(ids.random);
        }
    }
    assert!(
        seen.len() > 3_990,
        "randoms hardly ever meet: {}",
        seen.len()
    );

    let another = Dispatch {
        created_at: Timestamp(1),
        ..dispatch(7, Content::text("a"))
    };
    assert_ne!(
        Ids::of(&another, 0).random,
        same.random,
        "a store that begins anew does not repeat itself"
    );
    for id in [i64::MAX, i64::MIN, -1] {
        assert!(Ids::of(&dispatch(id, Content::text("")), 1).seq <= i32::MAX as u32);
    }
}

#[tokio::test]
async fn a_message_judged_sensitive_says_so_to_the_agent() {
    let kit = kit().await;
    kit.peer.order("openim/sendmsg", Order::Refuse(80001));
    let refused = kit
        .sends(&dispatch(1, Content::text("…")))
        .await
        .unwrap_err();
    assert_eq!(refused.code, Some(80001));
    assert!(refused.advice.unwrap().zh.contains("敏感"));
}
