//! Sessions that move between the bridge, the pool and the platform's own servicers.

use bridge_core::{
    channel::{Channel, Dispatch},
    error::Remedy,
    message::{Author, Content, Event, PeerId},
};
use bridge_sandbox::{Sandbox, Settings, kf::Session};
use serde_json::json;

use super::super::Kf;
use super::{channel, dispatch, everything, stage};

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
    use super::super::session::{State, Target, Way};
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
