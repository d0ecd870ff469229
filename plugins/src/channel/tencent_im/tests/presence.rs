use bridge_core::channel::Channel;
use bridge_core::message::PeerId;
use serde_json::json;

use super::kit::{Kit, kit, kit_with};
use super::peer::Order;

async fn online(kit: &Kit, accounts: &[PeerId]) -> Vec<(PeerId, bool)> {
    kit.channel
        .presence()
        .unwrap()
        .online(accounts)
        .await
        .unwrap()
}

#[tokio::test]
async fn who_can_be_reached() {
    let accounts = ["here", "pushed", "away", "nobody"].map(PeerId::new);
    for (push, pushed) in [(false, false), (true, true)] {
        let kit = kit_with(json!({"push_counts_as_online": push})).await;
        kit.peer.set_online("here", "Online");
        kit.peer.set_online("pushed", "PushOnline");
        kit.peer.set_online("away", "Offline");
        let known = online(&kit, &accounts).await;
        let wanted = [("here", true), ("pushed", pushed), ("away", false)];
        assert_eq!(
            known,
            wanted.map(|(account, online)| (PeerId::new(account), online))
        );
    }
}

#[tokio::test]
async fn many_accounts_are_asked_for_in_portions() {
    let kit = kit().await;
    let accounts: Vec<PeerId> = (0..1_001)
        .map(|number| PeerId::new(format!("agent_{number}")))
        .collect();
    kit.peer.set_online("agent_1000", "Online");
    assert_eq!(
        online(&kit, &accounts).await,
        [(PeerId::new("agent_1000"), true)]
    );
    assert_eq!(kit.peer.called("openim/query_online_status").len(), 3);
}

#[tokio::test]
async fn a_feature_that_is_switched_off_is_named() {
    let kit = kit().await;
    kit.peer
        .order("openim/query_online_status", Order::Refuse(72001));
    let error = kit
        .channel
        .presence()
        .unwrap()
        .online(&[PeerId::new("a")])
        .await
        .unwrap_err();
    assert!(error.advice.unwrap().zh.contains("在线状态"));
}
