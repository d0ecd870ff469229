use bridge_core::channel::Channel;
use bridge_core::message::PeerId;

use super::kit::{STAND_IN, dispatch, kit, spoken};

#[tokio::test]
async fn what_was_sent_is_taken_back_by_its_receipt() {
    let kit = kit().await;
    let voice = spoken(&kit);
    let receipt = kit
        .sends(&dispatch(1, voice))
        .await
        .unwrap()
        .external_id
        .unwrap();
    let recall = kit.channel.recall().unwrap();
    let (to, sender) = (PeerId::new("agent_1"), PeerId::new(STAND_IN));
    recall.recall(&to, Some(&sender), &receipt).await.unwrap();
    assert!(
        kit.peer
            .messages()
            .iter()
            .all(|message| message["MsgFlagBits"] == 8)
    );
    recall
        .recall(&to, Some(&sender), &receipt)
        .await
        .expect("already taken back is as good");
    let unknown = recall
        .recall(&to, Some(&sender), "1_2_3")
        .await
        .unwrap_err();
    assert_eq!(unknown.code, Some(20022));
}
