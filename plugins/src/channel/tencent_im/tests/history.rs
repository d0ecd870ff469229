use bridge_core::channel::{Channel, DeskThread, Page, Pull};
use bridge_core::clock::Timestamp;
use bridge_core::message::{Arrival, Content, PeerId, What};
use serde_json::json;

use super::kit::{Kit, STAND_IN, dispatch, kit, kit_with};
use super::peer::{NOW, Order};

fn pull(kit: &Kit) -> &dyn Pull {
    Channel::pull(&kit.channel).unwrap()
}

async fn pulled(kit: &Kit, cursor: Option<&str>) -> Page {
    let topic = format!("{STAND_IN}/agent_1");
    pull(kit)
        .pull(&topic, Some(&(NOW - 100).to_string()), cursor)
        .await
        .unwrap()
}

fn words(arrivals: &[Arrival]) -> Vec<&str> {
    arrivals
        .iter()
        .map(|arrival| arrival.content().and_then(Content::words).unwrap_or("?"))
        .collect()
}

#[tokio::test]
async fn what_a_callback_would_have_told() {
    let kit = kit().await;
    kit.peer.remember(
        "agent_1",
        STAND_IN,
        (4_100_000_007, 2_216_677_889, NOW + 10),
        "您好",
    );
    let page = pulled(&kit, None).await;
    let [arrival] = &page.arrivals[..] else {
        panic!("{page:?}")
    };
    // The same as `decoding::an_agents_words`.
    assert_eq!(
        arrival.external_id.as_str(),
        format!("1700000010:4100000007:2216677889:agent_1:{STAND_IN}")
    );
    assert_eq!(arrival.peer.as_str(), STAND_IN);
    assert_eq!(arrival.what, What::Content(Content::text("您好")));
    assert_eq!(arrival.sent_at, Timestamp::from_secs(1_700_000_010));
    assert_eq!(
        (page.cursor.as_deref(), page.more),
        (Some("1700000010"), false)
    );

    let look = kit.peer.called("openim/admin_getroammsg").remove(0);
    assert_eq!(
        look.body["Operator_Account"], "agent_1",
        "the view is the agent's own"
    );
    assert_eq!(look.body["MinTime"], NOW - 105);
}

#[tokio::test]
async fn pages_come_newest_first_and_are_handed_on_oldest_first() {
    let kit = kit().await;
    kit.peer.set_page(3);
    for number in 0..10 {
        // Two in each second.
        kit.peer.remember(
            "agent_1",
            STAND_IN,
            (number + 1, 9 - number, NOW + u64::from(number / 2)),
            &number.to_string(),
        );
    }
    let page = pulled(&kit, None).await;
    assert_eq!(
        words(&page.arrivals),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    );
    assert_eq!(kit.peer.called("openim/admin_getroammsg").len(), 4);
}

#[tokio::test]
async fn our_own_words_are_not_taken_for_the_agents() {
    let kit = kit().await;
    kit.sends(&dispatch(1, Content::text("在吗")))
        .await
        .unwrap();
    let page = pulled(&kit, None).await;
    assert_eq!(page.arrivals, []);
    assert_eq!(
        page.cursor,
        Some(NOW.to_string()),
        "but the next look need not go back before them"
    );
}

#[tokio::test]
async fn a_message_taken_back_is_told_as_such_and_never_said() {
    let kit = kit().await;
    kit.peer.remember("agent_1", STAND_IN, (1, 2, NOW), "错了");
    kit.peer.mark_recalled(&format!("1_2_{NOW}"));
    let page = pulled(&kit, None).await;
    let external_id = format!("{NOW}:1:2:agent_1:{STAND_IN}");
    assert_eq!(
        page.arrivals[0].what,
        What::Content(Content::Recalled { external_id })
    );
    assert_eq!(page.arrivals.len(), 1);
}

#[tokio::test]
async fn a_look_goes_on_from_the_newest_message_known() {
    let kit = kit().await;
    kit.peer
        .remember("agent_1", STAND_IN, (1, 1, NOW - 50), "以前");
    kit.peer.remember("agent_1", STAND_IN, (2, 2, NOW), "刚才");
    let page = pulled(&kit, Some(&NOW.to_string())).await;
    assert_eq!(
        words(&page.arrivals),
        ["刚才"],
        "the last few seconds again, in case some showed up late"
    );
    assert_eq!(
        page.cursor,
        Some(NOW.to_string()),
        "nothing new: the cursor stays"
    );

    let empty = kit_with(json!({})).await;
    assert_eq!(pulled(&empty, None).await, Page::default());
}

#[tokio::test]
async fn a_refused_look_is_an_error_and_moves_nothing() {
    let kit = kit().await;
    kit.peer
        .order("openim/admin_getroammsg", Order::Refuse(20004));
    let error = pull(&kit)
        .pull(&format!("{STAND_IN}/agent_1"), None, None)
        .await
        .unwrap_err();
    assert_eq!(error.code, Some(20004));
    assert!(pull(&kit).pull("nonsense", None, None).await.is_err());
}

#[tokio::test]
async fn open_conversations_take_turns() {
    let kit = kit_with(json!({"history_threads": 2})).await;
    let open: Vec<DeskThread> = (0..5)
        .map(|number| DeskThread {
            stand_in: PeerId::new(format!("kefu_{number}")),
            agent: PeerId::new("agent_1"),
            since: Timestamp::from_secs(NOW as i64),
        })
        .collect();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let hints = pull(&kit).routine(&open);
        assert_eq!(hints.len(), 2);
        assert!(hints.iter().all(|hint| hint.token == Some(NOW.to_string())));
        seen.extend(hints.into_iter().map(|hint| hint.topic));
    }
    seen.sort();
    let twice = open.iter().flat_map(|thread| [thread, thread]);
    let twice: Vec<String> = twice
        .map(|thread| format!("{}/agent_1", thread.stand_in))
        .collect();
    assert_eq!(seen, twice);

    assert_eq!(pull(&kit).routine(&[]), []);
    assert_eq!(
        pull(&kit).routine(&open[..1]).len(),
        1,
        "one look for one thread"
    );
}

#[tokio::test]
async fn it_can_be_switched_off() {
    let off = kit_with(json!({"history_every": "0s"})).await;
    assert!(Channel::pull(&off.channel).is_none());
}
