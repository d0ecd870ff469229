//! Who gets the next conversation: every rule by an example, and what holds for any desk.

use std::collections::BTreeSet;

use proptest::prelude::{Strategy as Arbitrary, any, prop_assert, prop_assert_eq, proptest};

use super::{Strategy, *};
use crate::{conversation::Waiting, message::ThreadKey, testkit::NOW};

fn agent(name: &str, capacity: u32, weight: u32, skills: &[&str]) -> Agent {
    Agent {
        name: AgentName::new(name),
        display_name: format!("客服{name}"),
        inbox: InboxName::new("desk"),
        account: PeerId::new(name),
        capacity,
        weight,
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        default: false,
    }
}

fn desk(strategy: Strategy, agents: Vec<Agent>) -> Desk {
    Desk {
        agents: agents
            .into_iter()
            .map(|agent| (agent.name.clone(), agent))
            .collect::<BTreeMap<_, _>>()
            .into(),
        strategy,
        ..Desk::default()
    }
}

fn three(strategy: Strategy) -> Desk {
    let agents = [
        ("a", &["售前"][..]),
        ("b", &["售后"]),
        ("c", &["售前", "售后"]),
    ];
    desk(
        strategy,
        agents
            .map(|(name, skills)| agent(name, 4, 1, skills))
            .to_vec(),
    )
}

fn to(agent: &str) -> Decision {
    Decision::Assign(AgentName::new(agent))
}

fn name(agent: &str) -> Option<AgentName> {
    Some(AgentName::new(agent))
}

fn anybody() -> Request {
    Request::default()
}

fn load(desk: &mut Desk, loads: &[(&str, u32)]) {
    desk.loads = loads
        .iter()
        .map(|(agent, load)| (AgentName::new(agent), *load))
        .collect();
}

#[test]
fn least_loaded_is_the_smallest_share_of_seats_and_not_the_smallest_number() {
    let mut desk = desk(
        Strategy::LeastLoaded,
        vec![agent("few", 2, 1, &[]), agent("many", 10, 1, &[])],
    );
    load(&mut desk, &[("few", 1), ("many", 3)]);
    assert_eq!(desk.route(&anybody(), NOW), to("many"));
    load(&mut desk, &[("few", 0), ("many", 1)]);
    assert_eq!(desk.route(&anybody(), NOW), to("few"));
}

#[test]
fn where_nothing_else_decides_the_default_agent_comes_first() {
    let mut desk = three(Strategy::LeastLoaded);
    assert_eq!(desk.route(&anybody(), NOW), to("a"));
    if let Some(agent) = Arc::make_mut(&mut desk.agents).get_mut("b") {
        agent.default = true;
    }
    assert_eq!(desk.route(&anybody(), NOW), to("b"));
}

#[test]
fn round_robin_goes_on_after_the_last_and_round_again() {
    let mut desk = three(Strategy::RoundRobin);
    for (last, next) in [
        (None, "a"),
        (name("a"), "b"),
        (name("b"), "c"),
        (name("c"), "a"),
    ] {
        desk.last = last;
        assert_eq!(desk.route(&anybody(), NOW), to(next));
    }
    desk.last = name("a");
    desk.offline.insert(AgentName::new("b"));
    assert_eq!(
        desk.route(&anybody(), NOW),
        to("c"),
        "who is away is passed over"
    );
}

#[test]
fn weighted_shares_follow_the_weights() {
    let agents = vec![
        agent("one", 9, 1, &[]),
        agent("three", 9, 3, &[]),
        agent("zero", 9, 0, &[]),
    ];
    let desk = desk(Strategy::Weighted, agents);
    let mut counts = BTreeMap::new();
    for conversation in 0..4_000 {
        let mut request = anybody();
        request.subject.conversation = ConversationId(conversation);
        let Decision::Assign(agent) = desk.route(&request, NOW) else {
            panic!("somebody is free");
        };
        assert_eq!(
            desk.route(&request, NOW),
            Decision::Assign(agent.clone()),
            "the same facts, the same answer"
        );
        *counts.entry(agent.as_str().to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counts.get("zero"), None);
    assert!((850..1_150).contains(&counts["one"]), "{counts:?}");
}

#[test]
fn a_contacts_dedicated_agent_comes_first_while_they_can() {
    let mut desk = three(Strategy::LeastLoaded);
    load(&mut desk, &[("c", 3)]);
    let request = Request {
        dedicated: name("c"),
        ..anybody()
    };
    assert_eq!(desk.route(&request, NOW), to("c"), "though the fullest");
    load(&mut desk, &[("c", 4)]);
    assert_eq!(desk.route(&request, NOW), to("a"), "full: another");
    load(&mut desk, &[]);
    desk.offline.insert(AgentName::new("c"));
    assert_eq!(desk.route(&request, NOW), to("a"), "away: another");
}

#[test]
fn a_skill_narrows_the_choice() {
    let desk = three(Strategy::LeastLoaded);
    let with = |skill: &str, except| Request {
        skill: Some(skill.to_owned()),
        except,
        ..anybody()
    };
    assert_eq!(desk.route(&with("售后", None), NOW), to("b"));
    assert_eq!(desk.route(&with("售后", name("b")), NOW), to("c"));
    assert_eq!(desk.route(&with("维修", None), NOW), Decision::Nobody);
}

#[test]
fn a_particular_agent_is_waited_for() {
    let mut desk = three(Strategy::LeastLoaded);
    let request = Request {
        agent: name("b"),
        ..anybody()
    };
    assert_eq!(desk.route(&request, NOW), to("b"));
    load(&mut desk, &[("b", 4)]);
    assert_eq!(desk.route(&request, NOW), Decision::Wait);
}

#[test]
fn full_away_closed_and_nobody_are_told_apart() {
    let mut desk = three(Strategy::LeastLoaded);
    load(&mut desk, &[("a", 4), ("b", 4), ("c", 9)]);
    assert_eq!(desk.route(&anybody(), NOW), Decision::Wait, "all full");
    load(&mut desk, &[]);
    desk.offline = desk.agents.keys().cloned().collect();
    assert_eq!(desk.route(&anybody(), NOW), Decision::Wait, "all away");
    desk.offline.clear();
    // NOW is a Thursday morning.
    desk.hours = WorkingHours::parse(&["Sat-Sun 09:00-18:00".to_owned()], shanghai()).unwrap();
    assert_eq!(desk.route(&anybody(), NOW), Decision::Closed);
    desk.on_duty.push(AgentName::new("b"));
    assert_eq!(desk.route(&anybody(), NOW), to("b"), "on duty");
    let nobody = Desk::default();
    assert_eq!(nobody.route(&anybody(), NOW), Decision::Nobody);
}

#[test]
fn an_agent_who_is_named_is_admitted_or_refused_with_the_reason() {
    let mut desk = three(Strategy::LeastLoaded);
    let admitted = |desk: &Desk, agent: &str| {
        desk.admit(&AgentName::new(agent), NOW)
            .map(|agent| agent.name.clone())
    };
    assert_eq!(admitted(&desk, "a"), Ok(AgentName::new("a")));
    load(&mut desk, &[("a", 4)]);
    assert_eq!(admitted(&desk, "a"), Err(Refusal::Full));
    desk.offline.insert(AgentName::new("a"));
    assert_eq!(admitted(&desk, "a"), Err(Refusal::Offline));
    assert_eq!(
        admitted(&desk, "客服c"),
        Err(Refusal::Unknown(
            ["c", "a", "b"].map(AgentName::new).to_vec()
        ))
    );
    assert_eq!(
        admitted(&desk, "完全没有的人"),
        Err(Refusal::Unknown(vec![]))
    );
}

#[test]
fn a_waiting_contact_has_a_position_and_an_estimate() {
    let mut desk = three(Strategy::LeastLoaded);
    for id in [7, 8] {
        Arc::make_mut(&mut desk.waiting).push(WaitingRow {
            conversation: ConversationId(id),
            thread: ThreadKey {
                inbox: InboxName::new("mall"),
                peer: PeerId::new(format!("o-{id}")),
            },
            episode: 2,
            waiting: Waiting {
                since: NOW,
                priority: 5,
                skill: None,
                agent: None,
            },
            dedicated: None,
        });
    }
    assert_eq!(desk.position(ConversationId(8)), Some(2));
    assert_eq!(desk.position(ConversationId(9)), None);
    assert_eq!(desk.estimate(2), None, "nothing is known yet");
    desk.average_seconds = 600;
    assert_eq!(desk.estimate(2), Some(100), "12 seats");
    desk.offline = desk.agents.keys().cloned().collect();
    assert_eq!(desk.estimate(2), None, "nobody is there");
}

fn shanghai() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()
}

fn any_desk() -> impl Arbitrary<Value = (Desk, Request)> {
    let facts = (0..3_u32, 0..3_u32, 0..4_u32, any::<[bool; 4]>());
    let agents = proptest::collection::vec(facts, 0..6);
    let strategies = vec![
        Strategy::LeastLoaded,
        Strategy::RoundRobin,
        Strategy::Weighted,
    ];
    let strategy = proptest::sample::select(strategies);
    let pick = || proptest::option::of(0..6_usize);
    (
        agents,
        strategy,
        pick(),
        pick(),
        pick(),
        any::<(bool, bool, i64)>(),
    )
        .prop_map(
            |(agents, strategy, except, dedicated, last, (skilled, open, id))| {
                let called = |index: usize| AgentName::new(format!("a{index}"));
                let mut desk = Desk {
                    strategy,
                    last: last.map(called),
                    ..Desk::default()
                };
                if !open {
                    let weekend = ["Sat-Sun 09:00-18:00".to_owned()];
                    desk.hours = WorkingHours::parse(&weekend, shanghai()).unwrap();
                }
                for (index, (capacity, load, weight, [away, duty, skill, default])) in
                    agents.into_iter().enumerate()
                {
                    let skills: &[&str] = if skill { &["s"] } else { &[] };
                    let mut agent = self::agent(&format!("a{index}"), capacity, weight, skills);
                    agent.default = default;
                    desk.loads.insert(called(index), load);
                    if away {
                        desk.offline.insert(called(index));
                    }
                    if duty {
                        desk.on_duty.push(called(index));
                    }
                    Arc::make_mut(&mut desk.agents).insert(called(index), agent);
                }
                let request = Request {
                    skill: skilled.then(|| "s".to_owned()),
                    except: except.map(called),
                    dedicated: dedicated.map(called),
                    subject: Subject {
                        conversation: ConversationId(id),
                        ..Subject::default()
                    },
                    ..Request::default()
                };
                (desk, request)
            },
        )
}

proptest! {
    /// Nobody gets a conversation who could not take it, and nobody waits while somebody could.
    #[test]
    fn whoever_gets_it_can_take_it((desk, request) in any_desk()) {
        let able: BTreeSet<&AgentName> = desk.agents.values()
            .filter(|agent| desk.admit(&agent.name, NOW).is_ok())
            .filter(|agent| request.except.as_ref() != Some(&agent.name))
            .filter(|agent| request.skill.as_ref().is_none_or(|skill| agent.skills.contains(skill)))
            .map(|agent| &agent.name)
            .collect();
        match desk.route(&request, NOW) {
            Decision::Assign(agent) => {
                prop_assert!(able.contains(&agent));
                if let Some(dedicated) = &request.dedicated && able.contains(dedicated) {
                    prop_assert_eq!(&agent, dedicated);
                }
            }
            Decision::Wait | Decision::Closed | Decision::Nobody => prop_assert!(able.is_empty()),
        }
    }
}

#[test]
fn who_works_in_a_platforms_own_client_takes_that_platforms_conversations_only() {
    let mut desk = three(Strategy::LeastLoaded);
    let kf = InboxName::new("kf");
    let servicer = Agent {
        inbox: kf.clone(),
        ..agent("servicer", 100, 1, &["售后"])
    };
    Arc::make_mut(&mut desk.agents).insert(servicer.name.clone(), servicer.clone());
    desk.native.insert(kf.clone());
    let by = |inbox: Option<&str>| Request {
        inbox: inbox.map(InboxName::new),
        skill: Some("售后".to_owned()),
        ..Request::default()
    };
    load(&mut desk, &[("b", 1), ("c", 2)]);
    assert_eq!(desk.route(&by(Some("kf")), NOW), to("servicer"));
    assert_eq!(desk.route(&by(Some("mall")), NOW), to("b"));
    assert_eq!(desk.route(&by(None), NOW), to("b"));
    let named = Request {
        agent: name("servicer"),
        ..by(Some("mall"))
    };
    assert_ne!(desk.route(&named, NOW), to("servicer"));
    assert!(desk.reaches(&servicer, &kf));
    assert!(!desk.reaches(&servicer, &InboxName::new("mall")));
}

#[test]
fn one_agent_may_stand_for_everybody_at_an_inbox_but_not_for_who_has_a_name_there() {
    let mut desk = three(Strategy::LeastLoaded);
    let inbox = InboxName::new("desk");
    let found = |desk: &Desk, account: &str| {
        desk.agent_at(&inbox, &PeerId::new(account))
            .map(|agent| agent.name.to_string())
    };
    assert_eq!(found(&desk, "stranger"), None);
    let everybody = Agent {
        account: PeerId::new(Agent::EVERYBODY),
        ..agent("pool", 100, 1, &[])
    };
    Arc::make_mut(&mut desk.agents).insert(everybody.name.clone(), everybody);
    assert_eq!(found(&desk, "stranger").as_deref(), Some("pool"));
    assert_eq!(found(&desk, "a").as_deref(), Some("a"));
    assert!(desk.agent_by_account(&inbox, "stranger").is_none());
}
