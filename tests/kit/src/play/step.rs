//! The moves of a play, chosen by chance among what is there.

use std::time::Duration;

use bridge_core::{
    clock::Clock,
    conversation::{Move, Waiting},
    message::{AgentName, BotName, Content, DeadlineKind, PeerId, ThreadKey},
    store::{Ask, Changes, Claim, DueKind, EntryAuthor, NewDispatch, NewEntry, Said, Verdict},
};
use rand::{Rng, RngExt, rngs::StdRng};

use super::PEERS;
use super::stage::Stage;
use crate::store::{to_contact, to_desk};

const KINDS: [DueKind; 3] = [DueKind::Dispatch, DueKind::Errand, DueKind::Deadline];

/// One move; numbers choose among what is there.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Accept {
        peer: usize,
        id: String,
    },
    ClaimAll,
    Commit {
        claim: usize,
        plan: Plan,
    },
    Abandon {
        claim: usize,
    },
    DueAll {
        kind: DueKind,
    },
    Settle {
        due: usize,
        how: u8,
        after: u64,
        number: usize,
    },
    Wait {
        seconds: u64,
    },
    Confirm {
        peer: usize,
        desk: bool,
        before: u64,
    },
    Look,
}

/// What a commit changes.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) number: usize,
    pub(super) done: usize,
    pub(super) contact: u8,
    pub(super) held: bool,
    pub(super) desk: bool,
    pub(super) release: u32,
    pub(super) ask: Option<(u8, u64)>,
    pub(super) cancel: bool,
    pub(super) idle: Option<Option<u64>>,
    pub(super) phase: u8,
    pub(super) agent: u8,
    pub(super) seats: u32,
    /// Says who is whom: which kind, with which peer, and whether it looked.
    pub(super) tie: Option<(u8, usize, bool)>,
}

impl Step {
    pub(super) fn choose(chance: &mut StdRng, number: usize, stage: &Stage) -> Self {
        let claim = stage.claims.len();
        let due = stage.dues.len();
        match chance.random_range(0..100) {
            0..22 => Self::Accept {
                peer: chance.random_range(0..PEERS.len()),
                id: match chance.random_bool(0.2) {
                    true => format!("{}", chance.random_range(0..=number)),
                    false => number.to_string(),
                },
            },
            22..38 => Self::ClaimAll,
            38..60 if claim > 0 => Self::Commit {
                claim: recent(chance, claim),
                plan: Plan::choose(chance, number),
            },
            60..63 if claim > 0 => Self::Abandon {
                claim: recent(chance, claim),
            },
            63..75 => Self::DueAll {
                kind: KINDS[chance.random_range(0..KINDS.len())],
            },
            75..89 if due > 0 => Self::Settle {
                due: recent(chance, due),
                how: chance.random_range(0..6),
                after: chance.random_range(0..20),
                number,
            },
            89..92 => Self::Wait {
                seconds: chance.random_range(1..40),
            },
            92..96 => Self::Confirm {
                peer: chance.random_range(0..PEERS.len()),
                desk: chance.random_bool(0.5),
                before: chance.random_range(0..30),
            },
            _ => Self::Look,
        }
    }
}

/// Mostly one of the last.
fn recent(chance: &mut impl Rng, count: usize) -> usize {
    let back = match chance.random_bool(0.8) {
        true => chance.random_range(0..count.min(4)),
        false => chance.random_range(0..count),
    };
    count - 1 - back
}

impl Plan {
    fn choose(chance: &mut StdRng, number: usize) -> Self {
        Self {
            number,
            done: chance.random_range(0..5),
            contact: chance.random_range(0..3),
            held: chance.random_bool(0.3),
            desk: chance.random_bool(0.3),
            release: chance.random_range(0..3),
            ask: chance
                .random_bool(0.4)
                .then(|| (chance.random_range(0..2), chance.random_range(0..4))),
            cancel: chance.random_bool(0.1),
            idle: chance
                .random_bool(0.5)
                .then(|| chance.random_bool(0.8).then(|| chance.random_range(1..60))),
            phase: chance.random_range(0..6),
            agent: chance.random_range(0..2),
            seats: chance.random_range(1..3),
            tie: chance.random_bool(0.3).then(|| {
                let peer = chance.random_range(0..PEERS.len());
                (chance.random_range(0..4), peer, chance.random_bool(0.9))
            }),
        }
    }

    /// The changes it comes to for one store's claim.
    pub(super) fn changes(&self, stage: &Stage, claim: &Claim) -> Changes {
        let now = stage.bench.clock.now();
        let mut changes = Changes::none(claim.conversation.clone());
        let verdict = Verdict::Turned {
            by: None,
            note: None,
        };
        let all = claim.arrivals.iter().map(|accepted| accepted.id);
        changes.done = all
            .take(self.done)
            .map(|id| (id, verdict.clone()))
            .collect();
        let agent = AgentName::new(format!("agent{}", self.agent));
        let waiting = || Waiting {
            since: now,
            priority: i64::from(self.agent).try_into().unwrap(),
            skill: None,
            agent: None,
        };
        let step = match self.phase {
            0 => Some(Move::Assign(agent.clone())),
            1 => Some(Move::Enqueue(waiting())),
            2 => Some(Move::Resolve),
            _ => None,
        };
        if let Some(step) = step {
            // Where the move is not legal the state stays: the same on both.
            let _ = changes.conversation.apply(step, now);
        }
        changes.capacity = Some((agent, self.seats));
        let line = |text: String| NewDispatch {
            content: Content::text(text),
            ..to_contact(claim, "", self.held)
        };
        changes.dispatches = (0..self.contact)
            .map(|index| line(format!("{}/{index}", self.number)))
            .collect();
        if self.desk {
            changes
                .dispatches
                .push(to_desk(claim, &format!("{}/desk", self.number)));
            changes.threads.push(ThreadKey {
                inbox: "desk".into(),
                peer: PeerId::new(format!("kefu_{}", claim.conversation.thread.peer)),
            });
        }
        changes.release = self.release;
        changes.cancel_errands = self.cancel;
        let trace = claim.arrivals.first().map(|accepted| accepted.id);
        if let (Some((bot, after)), Some(trace)) = (self.ask, trace) {
            changes.asks = vec![Ask {
                trace,
                bot: BotName::new(format!("bot{bot}")),
                argv: Vec::new(),
                said: vec![Said {
                    trace,
                    content: Content::text(self.number.to_string()),
                }],
                due_at: now + Duration::from_secs(after),
                latest: now + Duration::from_secs(3),
            }];
        }
        if let Some(trace) = trace {
            changes.entries = vec![NewEntry {
                trace,
                author: EntryAuthor::Contact,
                content: Content::text(self.number.to_string()),
                at: now,
            }];
        }
        let at = |seconds| now + Duration::from_secs(seconds);
        changes.deadlines = self
            .idle
            .map(|idle| (DeadlineKind::Idle, idle.map(at)))
            .into_iter()
            .collect();
        changes
    }
}
