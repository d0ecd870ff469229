use super::*;
use crate::{
    clock::Timestamp,
    message::{
        AgentName, Arrival, ArrivalId, Cue, DispatchId, Event, InboxName, NudgeResult, PeerId,
        ThreadKey,
    },
    routing::{Agent, Desk},
    store::Confirmation,
    testkit::{NOW, arrival, conversation, desk, turn_of_contact},
    texts::Locale,
};

/// A desk whose agents `li` and `wang` work in the client of the inbox `kf`.
fn native_desk() -> Desk {
    let mut desk = desk();
    for name in ["li", "wang"] {
        let agent = Agent {
            name: AgentName::new(name),
            display_name: name.to_owned(),
            inbox: InboxName::new("kf"),
            account: PeerId::new(format!("staff.{name}")),
            capacity: 5,
            weight: 1,
            skills: Vec::new(),
            default: false,
        };
        Arc::make_mut(&mut desk.agents).insert(agent.name.clone(), agent);
    }
    desk.native.insert(InboxName::new("kf"));
    desk
}

fn at_kf(phase: Phase, author: Author, what: What) -> Case {
    let mut conversation = conversation();
    conversation.thread = ThreadKey {
        inbox: InboxName::new("kf"),
        peer: PeerId::new("wm1@wk1"),
    };
    conversation.phase = phase;
    Case {
        id: ArrivalId(1),
        arrival: Arrival {
            inbox: conversation.thread.inbox.clone(),
            peer: conversation.thread.peer.clone(),
            author,
            what,
            ..arrival("")
        },
        contact: turn_of_contact("").contact,
        conversation,
        desk: Arc::new(native_desk()),
        now: NOW,
    }
}

fn with(agent: &str) -> Phase {
    Phase::Assigned {
        agent: AgentName::new(agent),
        since: Timestamp(0),
    }
}

fn resolved() -> Phase {
    let mut conversation = conversation();
    conversation.apply(Move::Resolve, NOW).unwrap();
    conversation.phase
}

fn staff(name: &str) -> Author {
    Author::Agent(PeerId::new(format!("staff.{name}")))
}

async fn effects(case: Case) -> Vec<Effect> {
    let filter = OpenTurn {
        texts: Arc::new(Texts::new(Locale::Zh)),
        menu_words: std::collections::BTreeMap::new(),
        one_chat: std::collections::BTreeSet::new(),
        buttons: Vec::new(),
    };
    match filter.apply(case).await.unwrap() {
        ControlFlow::Break(ending) => ending.effects,
        ControlFlow::Continue(_) => panic!("an event is no speech"),
    }
}

async fn event(phase: Phase, author: Author, event: Event) -> Vec<Effect> {
    effects(at_kf(phase, author, What::Content(Content::Event(event)))).await
}

fn assign(agent: &str) -> Effect {
    Effect::Assign {
        agent: AgentName::new(agent),
        note: None,
    }
}

#[tokio::test]
async fn who_takes_a_conversation_in_the_platforms_own_client_has_it() {
    let taken = |phase, who| event(phase, staff(who), Event::Taken);
    assert_eq!(taken(Phase::Assisted, "li").await, [assign("li")]);
    assert_eq!(taken(with("li"), "li").await, []);
    assert_eq!(taken(with("wang"), "li").await, [assign("li")]);
    assert_eq!(
        taken(resolved(), "li").await,
        [Effect::Reopen, assign("li")]
    );
    let stranger = taken(with("system"), "nobody").await;
    assert!(
        matches!(stranger[..], [Effect::TellAgent(_), Effect::Note(_)]),
        "{stranger:?}"
    );
}

#[tokio::test]
async fn what_is_said_there_is_heard_and_what_is_ended_there_is_over() {
    let content = Content::text("您好");
    let answered = Event::Answered {
        content: Box::new(content.clone()),
    };
    let heard = event(Phase::Assisted, staff("li"), answered).await;
    assert_eq!(heard, [assign("li"), Effect::Heard(content)]);
    let content = Content::text("我来");
    let answered = Event::Answered {
        content: Box::new(content.clone()),
    };
    let stranger = event(with("system"), staff("nobody"), answered).await;
    assert!(
        matches!(&stranger[..], [Effect::TellAgent(told), Effect::Heard(heard)]
            if *heard == content && told.words().is_some_and(|told| told.contains("staff.nobody") && told.contains("我来"))),
        "{stranger:?}"
    );
    let ended = |phase| event(phase, staff("li"), Event::Ended);
    assert_eq!(ended(with("li")).await, [Effect::Resolve { rating: true }]);
    assert_eq!(ended(with("system")).await, [], "it is somebody else's");
    assert_eq!(ended(Phase::Assisted).await, []);
}

#[tokio::test]
async fn a_report_of_failure_makes_the_message_fail_and_may_close_the_window() {
    let report = |used_up| Event::DeliveryReport {
        external_id: "m1".to_owned(),
        delivered: false,
        reason: "拒收".to_owned(),
        used_up,
    };
    let failed = Effect::Undelivered {
        external_id: "m1".to_owned(),
        reason: "拒收".to_owned(),
    };
    let plain = event(with("system"), Author::System, report(false)).await;
    assert_eq!(plain, std::slice::from_ref(&failed));
    let closed = event(with("system"), Author::System, report(true)).await;
    assert_eq!(closed, [failed, Effect::Exhausted]);
}

#[tokio::test]
async fn what_arrived_or_was_read_is_confirmed() {
    let report = Event::DeliveryReport {
        external_id: "m1".to_owned(),
        delivered: true,
        reason: "success".to_owned(),
        used_up: false,
    };
    let word = Effect::Confirmed(Confirmation::Message {
        external_id: "m1".to_owned(),
    });
    assert_eq!(
        event(Phase::Assisted, Author::System, report).await,
        std::slice::from_ref(&word)
    );
    let nudges = Event::NudgeReport {
        results: vec![NudgeResult {
            topic: "t".to_owned(),
            external_id: "m1".to_owned(),
            delivered: true,
            reason: "success".to_owned(),
        }],
    };
    let effects = event(Phase::Assisted, Author::System, nudges).await;
    assert!(effects.contains(&word), "{effects:?}");

    let read = |author| event(with("li"), author, Event::Read { up_to: 100 });
    let up_to = |to: &str| {
        [Effect::Confirmed(Confirmation::UpTo {
            inbox: "kf".into(),
            to: PeerId::new(to),
            decided_by: Timestamp::from_secs(101),
            sent_by: Timestamp::from_secs(106),
        })]
    };
    assert_eq!(read(staff("li")).await, up_to("staff.li"));
    assert_eq!(read(Author::System).await, []);
}

#[tokio::test]
async fn whom_the_platform_does_not_take_is_away_and_the_contact_waits() {
    let refused = |phase, held| {
        let cue = Cue::Undelivered {
            dispatch: DispatchId(1),
            to_contact: true,
            content: Box::new(Content::Event(Event::Handed {
                agent: PeerId::new("staff.li"),
            })),
            reason: "95014".to_owned(),
            held,
            tried_again: false,
            tried_at: None,
        };
        effects(at_kf(phase, Author::System, What::Cue(cue)))
    };
    let away = Effect::Presence {
        agent: AgentName::new("li"),
        online: false,
    };
    let waits = refused(with("li"), false).await;
    assert!(
        matches!(&waits[..], [Effect::Note(_), presence, Effect::Enqueue { .. }] if *presence == away),
        "{waits:?}"
    );
    let late = refused(with("wang"), false).await;
    assert!(matches!(late[..], [Effect::Note(_)]), "{late:?}");
    let over = refused(with("li"), true).await;
    assert!(
        matches!(
            over[..],
            [Effect::Note(_), Effect::Resolve { rating: false }]
        ),
        "{over:?}"
    );
}
