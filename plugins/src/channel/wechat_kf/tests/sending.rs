//! What is sent: greetings, repeats, counts.

use bridge_core::{
    channel::Channel,
    error::Remedy,
    message::{Content, Event, PeerId, Trigger},
};
use bridge_sandbox::kf::Session;

use super::{dispatch, everything, stage};

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
