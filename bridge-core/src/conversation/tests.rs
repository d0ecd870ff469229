//! Every phase × every move, as a table; and what holds after any moves whatsoever.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::testkit::{NOW, conversation};

const LATER: Timestamp = Timestamp(NOW.0 + 60_000);

fn waiting() -> Waiting {
    Waiting {
        since: NOW,
        priority: 5,
        skill: None,
        agent: None,
    }
}

fn assigned(agent: &str) -> Phase {
    Phase::Assigned {
        agent: AgentName::new(agent),
        since: NOW,
    }
}

fn phases() -> [Phase; 4] {
    [
        Phase::Assisted,
        Phase::Queued(waiting()),
        assigned("system"),
        Phase::Resolved { since: NOW },
    ]
}

fn moves() -> [Move; 6] {
    [
        Move::Reopen,
        Move::Enqueue(waiting()),
        Move::Assign(AgentName::new("system")),
        Move::Assign(AgentName::new("lin")),
        Move::Assist,
        Move::Resolve,
    ]
}

fn name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Assigned { agent, .. } if agent.as_str() == "lin" => "lin",
        Phase::Assigned { .. } => "system",
        other => other.name(),
    }
}

#[test]
fn the_table() {
    // reopen, enqueue, assign system, assign lin, assist, resolve; –: not possible.
    let table = [
        (
            "assisted",
            ["–", "queued", "system", "lin", "–", "resolved"],
        ),
        (
            "queued",
            ["–", "–", "system", "lin", "assisted", "resolved"],
        ),
        (
            "system",
            ["–", "queued", "–", "lin", "assisted", "resolved"],
        ),
        ("resolved", ["assisted", "–", "–", "–", "–", "–"]),
    ];
    for (phase, (row, wanted)) in phases().into_iter().zip(table) {
        assert_eq!(name(&phase), row);
        let got = moves().map(|attempted| {
            let mut conversation = conversation();
            conversation.phase = phase.clone();
            let before = conversation.clone();
            match conversation.apply(attempted.clone(), LATER) {
                Ok(()) => {
                    assert_eq!(conversation.episode, before.episode + 1);
                    name(&conversation.phase)
                }
                Err(illegal) => {
                    assert_eq!(conversation, before, "a refused move changes nothing");
                    assert_eq!(illegal.phase, phase);
                    assert_eq!(illegal.attempted, attempted);
                    "–"
                }
            }
        });
        assert_eq!(got, wanted, "from {row}");
    }
}

#[test]
fn a_move_keeps_its_time_and_forgets_the_position_told() {
    let mut conversation = conversation();
    conversation.told_position = Some(ToldPosition {
        position: 2,
        at: NOW,
    });
    conversation
        .apply(Move::Assign(AgentName::new("lin")), LATER)
        .unwrap();
    assert_eq!(conversation.told_position, None);
    assert_eq!(conversation.agent(), Some(&AgentName::new("lin")));
    conversation.apply(Move::Resolve, LATER).unwrap();
    assert_eq!(conversation.phase, Phase::Resolved { since: LATER });
    assert_eq!(conversation.agent(), None);
    conversation
        .apply(Move::Reopen, LATER + Duration::from_secs(1))
        .unwrap();
    assert_eq!(conversation.opened_at, LATER + Duration::from_secs(1));
}

#[test]
fn a_contact_without_a_name_is_shown_by_the_end_of_their_id() {
    let contact = Contact::new(ContactId(1), Profile::default());
    assert_eq!(
        contact.display_name(&PeerId::new("o6_bmjrPTlm6_2sgVt7hMZOPfL2M"), Locale::Zh),
        "访客 OPfL2M"
    );
    assert_eq!(
        contact.display_name(&PeerId::new("周"), Locale::Zh),
        "访客 周"
    );
    assert_eq!(
        contact.display_name(&PeerId::new("周"), Locale::En),
        "Visitor 周"
    );
}

fn any_move() -> impl Strategy<Value = Move> {
    proptest::sample::select(moves().to_vec())
}

proptest! {
    /// Whatever is tried in whatever order: the episode rises with every move that was made and with nothing else, and
    /// what is stored is what is read again.
    #[test]
    fn the_episode_counts_the_moves(moves in proptest::collection::vec(any_move(), 0..40)) {
        let mut conversation = conversation();
        let mut made = 0;
        for (minute, attempted) in moves.into_iter().enumerate() {
            let now = NOW + Duration::from_secs(60 * minute as u64);
            let before = conversation.clone();
            match conversation.apply(attempted, now) {
                Ok(()) => {
                    made += 1;
                    prop_assert_ne!(&before.phase, &conversation.phase);
                }
                Err(_) => prop_assert_eq!(&before, &conversation),
            }
            prop_assert_eq!(conversation.episode, 1 + made);
        }
        let json = serde_json::to_string(&conversation).unwrap();
        prop_assert_eq!(serde_json::from_str::<Conversation>(&json).unwrap(), conversation);
    }
}
