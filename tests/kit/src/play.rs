//! Random interleavings: the same play, move by move, on two stores, each on a clock of its own. Whatever one says, the
//! other must say; the store in memory is the readable one of the two.

use std::time::Duration;

use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::{Move, Phase, Waiting},
    message::{
        AgentName, Author, BotName, Content, ConversationId, Cue, DeadlineKind, Handle, PeerId,
        ThreadKey, What,
    },
    store::{
        Ask, Changes, Claim, Confirmation, Due, DueKind, DueWhat, EntryAuthor, Intake, NewDispatch,
        NewEntry, Noted, Said, Settlement, Tie, Tied, Verdict,
    },
};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use crate::store::{Bench, LEASE, inbox, said, to_contact, to_desk, worker};

const PEERS: [&str; 4] = ["a", "b", "c", "d"];
const KINDS: [DueKind; 3] = [DueKind::Dispatch, DueKind::Errand, DueKind::Deadline];

/// One store and what is in its workers' hands, in the order of the play.
struct Stage {
    bench: Bench,
    claims: Vec<Claim>,
    dues: Vec<Due>,
    /// Whether tries of questions are told.
    count_questions: bool,
}

/// Plays `moves` moves chosen by `seed` on both.
///
/// # Panics
/// Where the two do not say the same.
pub async fn plays_alike(one: Bench, other: Bench, seed: u64, moves: usize) {
    alike([one, other], true, seed, moves).await;
}

/// Likewise, where the other store's content was moved from the one's: a question that may have been asked before counts
/// one try more there.
///
/// # Panics
/// Where the two do not say the same.
pub async fn goes_on_alike(one: Bench, other: Bench, seed: u64, moves: usize) {
    alike([one, other], false, seed, moves).await;
}

async fn alike(benches: [Bench; 2], count_questions: bool, seed: u64, moves: usize) {
    let mut stages = benches.map(|bench| Stage {
        bench,
        claims: Vec::new(),
        dues: Vec::new(),
        count_questions,
    });
    let mut chance = StdRng::seed_from_u64(seed);
    let mut played = Vec::new();
    for number in 0..moves {
        let step = Step::choose(&mut chance, number, &stages[0]);
        let mut heard = Vec::new();
        for stage in &mut stages {
            heard.push(stage.play(&step).await);
        }
        played.push(format!("{number}: {step:?} -> {}", heard[0]));
        let before = played.len().saturating_sub(40);
        assert!(
            heard[0] == heard[1],
            "seed {seed}: the stores differ\n{}\nthe other: {}",
            played[before..].join("\n"),
            heard[1]
        );
    }
}

/// Plays `moves` moves on one store, then has it reopened: what it says of itself is the same.
///
/// # Panics
/// Where something was lost or came back.
pub async fn survives(
    bench: Bench,
    seed: u64,
    moves: usize,
    reopen: impl AsyncFnOnce(Bench) -> Bench,
) {
    let mut stage = Stage {
        bench,
        claims: Vec::new(),
        dues: Vec::new(),
        count_questions: true,
    };
    let mut chance = StdRng::seed_from_u64(seed);
    for number in 0..moves {
        let step = Step::choose(&mut chance, number, &stage);
        stage.play(&step).await;
    }
    let before = stage.look().await;
    stage.bench = reopen(stage.bench).await;
    assert_eq!(stage.look().await, before, "seed {seed}");
}

/// One move; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
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
struct Plan {
    number: usize,
    done: usize,
    contact: u8,
    held: bool,
    desk: bool,
    release: u32,
    ask: Option<(u8, u64)>,
    cancel: bool,
    idle: Option<Option<u64>>,
    phase: u8,
    agent: u8,
    seats: u32,
    /// Says who is whom: which kind, with which peer, and whether it looked.
    tie: Option<(u8, usize, bool)>,
}

impl Step {
    fn choose(chance: &mut StdRng, number: usize, stage: &Stage) -> Self {
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
    fn changes(&self, stage: &Stage, claim: &Claim) -> Changes {
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

impl Stage {
    async fn play(&mut self, step: &Step) -> String {
        match step {
            Step::Accept { peer, id } => self.accept(PEERS[*peer], id).await,
            Step::ClaimAll => self.claim_all().await,
            Step::Commit { claim, plan } => {
                let claim = self.claims[*claim].clone();
                let mut changes = plan.changes(self, &claim);
                if let Some((kind, peer, looked)) = plan.tie {
                    changes.tie = self.tie(&claim, kind, PEERS[peer], looked).await;
                }
                match self.bench.store.commit(claim, changes).await {
                    Ok(made) => format!(
                        "{} dispatches, {} cancelled, more: {}",
                        made.dispatches.len(),
                        made.cancelled.len(),
                        made.more
                    ),
                    Err(error) => format!("{error:?}"),
                }
            }
            Step::Abandon { claim } => {
                let claim = self.claims[*claim].clone();
                format!("{:?}", self.bench.store.abandon(claim).await)
            }
            Step::DueAll { kind } => self.due_all(*kind).await,
            Step::Settle {
                due,
                how,
                after,
                number,
            } => {
                let settlement = self.settlement(*how, *after, *number);
                let settled = self.bench.store.settle(&self.dues[*due].id, settlement);
                format!("{:?}", settled.await)
            }
            Step::Wait { seconds } => {
                self.bench.clock.advance(Duration::from_secs(*seconds));
                // Who looks is part of what happens: leases end when somebody does.
                String::new()
            }
            Step::Confirm { peer, desk, before } => {
                self.confirm(PEERS[*peer], *desk, *before).await
            }
            Step::Look => self.look().await,
        }
    }

    /// A read receipt from some seconds ago.
    async fn confirm(&self, peer: &str, desk: bool, before: u64) -> String {
        let Some(id) = self.find(peer).await else {
            return String::new();
        };
        let now = self.bench.clock.now();
        let at = Timestamp(now.0 - i64::try_from(before).unwrap() * 1000);
        let (inbox, to) = match desk {
            true => ("desk".into(), PeerId::new("agent_system")),
            false => (inbox(), PeerId::new(peer)),
        };
        let receipt = Confirmation::UpTo {
            inbox,
            to,
            decided_by: at,
            sent_by: at,
        };
        let confirmed = self.bench.store.confirm(id, &receipt, now).await.unwrap();
        let mut words: Vec<_> = confirmed
            .iter()
            .map(|line| (line.content.words(), line.confirmed_at))
            .collect();
        words.sort();
        format!("{words:?}")
    }

    async fn accept(&self, peer: &str, id: &str) -> String {
        let arrivals = vec![said(peer, id, id)];
        let intake = Intake {
            arrivals,
            cursor: None,
            entry: BotName::new("ai"),
        };
        let ids = self.bench.store.accept(intake).await.unwrap();
        format!("{:?}", ids.iter().map(Option::is_some).collect::<Vec<_>>())
    }

    async fn find(&self, peer: &str) -> Option<ConversationId> {
        let thread = ThreadKey {
            inbox: inbox(),
            peer: PeerId::new(peer),
        };
        self.bench.store.find(&thread).await.unwrap()
    }

    /// What a turn says of who is whom; one that did not look saw nobody but itself.
    async fn tie(&self, claim: &Claim, kind: u8, peer: &str, looked: bool) -> Option<Tied> {
        let (own, other) = (claim.conversation.id, self.find(peer).await?);
        let tie = match kind {
            0 => Tie::Join(other),
            1 => Tie::Part(other),
            kind => Tie::Known(vec![Handle::union_id(&format!("u{kind}"))?]),
        };
        let kin = self.bench.store.kin(own, Some(&tie)).await.unwrap();
        let seen: Vec<ConversationId> = match looked {
            true => kin.iter().map(|(one, _)| one.id).collect(),
            false => vec![own],
        };
        // Who parts is one of them, as the engine sees to.
        if matches!(tie, Tie::Part(who) if !seen.contains(&who)) {
            return None;
        }
        let entry = NewEntry {
            trace: claim.arrivals.first()?.id,
            author: EntryAuthor::Note,
            content: Content::text(format!("{kind} {peer}")),
            at: self.bench.clock.now(),
        };
        let others = seen.iter().filter(|other| **other != own);
        let notes = others
            .map(|other| Noted {
                conversation: *other,
                episode: 1,
                entry: entry.clone(),
            })
            .collect();
        Some(Tied { tie, seen, notes })
    }

    async fn claim_all(&mut self) -> String {
        let mut fresh = Vec::new();
        while let Some(claim) = self.bench.store.claim(&worker(), LEASE).await.unwrap() {
            fresh.push(claim);
        }
        fresh.sort_by(|a, b| a.conversation.thread.cmp(&b.conversation.thread));
        let words: Vec<String> = fresh.iter().map(described).collect();
        self.claims.extend(fresh);
        words.join("; ")
    }

    async fn due_all(&mut self, kind: DueKind) -> String {
        let worker = worker();
        let due = self.bench.store.due(kind, &worker, 1000, LEASE, &[]);
        let mut fresh: Vec<(String, Due)> = due
            .await
            .unwrap()
            .into_iter()
            .map(|due| (due_words(&due, self.count_questions), due))
            .collect();
        fresh.sort_by(|a, b| a.0.cmp(&b.0));
        let words: Vec<String> = fresh.iter().map(|(words, _)| words.clone()).collect();
        self.dues.extend(fresh.into_iter().map(|(_, due)| due));
        words.join("; ")
    }

    fn settlement(&self, how: u8, after: u64, number: usize) -> Settlement {
        let cue = || {
            let mut cue = said(PEERS[number % PEERS.len()], &format!("cue{number}"), "");
            (cue.author, cue.what) = (Author::System, What::Cue(Cue::QueueMoved { episode: 1 }));
            cue.inbox = inbox();
            Some(Box::new(cue))
        };
        let reason = number.to_string();
        match how {
            0 => Settlement::Retry {
                at: self.bench.clock.now() + Duration::from_secs(after),
                reason,
                tried: after.is_multiple_of(2),
            },
            1 => Settlement::Held { reason, cue: cue() },
            2 => Settlement::Dead { reason, cue: cue() },
            _ => Settlement::Done {
                external_id: Some(format!("m{number}")),
                lost: Vec::new(),
            },
        }
    }

    async fn look(&self) -> String {
        let store = &self.bench.store;
        let depths = store.depths().await.unwrap();
        // Counted by idle deadlines at a start; this play sets them at random.
        let depths = bridge_core::store::Depths { open: 0, ..depths };
        let desk = store.desk().await.unwrap();
        let waiting: Vec<_> = desk.waiting.iter().map(|row| &row.thread.peer).collect();
        let mut open = store.open_threads().await.unwrap();
        open.iter_mut().for_each(|one| one.threads.sort());
        let mut open: Vec<String> = open.iter().map(|one| format!("{one:?}")).collect();
        open.sort();
        let mut said = Vec::new();
        for peer in PEERS {
            let thread = ThreadKey {
                inbox: inbox(),
                peer: PeerId::new(peer),
            };
            if let Some(id) = store.find(&thread).await.unwrap() {
                let (conversation, _) = store.conversation(id).await.unwrap().unwrap();
                let lines = store.recent(id, 5, false).await.unwrap();
                let words: Vec<_> = lines
                    .iter()
                    .filter_map(|line| line.content.words())
                    .collect();
                let mut kin: Vec<String> = Vec::new();
                for (one, _) in store.kin(id, None).await.unwrap() {
                    kin.push(one.thread.peer.to_string());
                }
                kin.sort();
                said.push(format!("{peer} {:?} {words:?} {kin:?}", conversation.phase));
            }
        }
        format!("{depths:?} {:?} {waiting:?} {open:?} {said:?}", desk.loads)
    }
}

fn described(claim: &Claim) -> String {
    let arrivals: Vec<String> = claim
        .arrivals
        .iter()
        .map(|accepted| format!("{}x{}", accepted.arrival.external_id, accepted.failures))
        .collect();
    let phase = match &claim.conversation.phase {
        Phase::Assigned { agent, .. } => format!("with {agent}"),
        other => format!("{other:?}"),
    };
    format!(
        "{} {phase} episode {} held {} {arrivals:?}",
        claim.conversation.thread.peer, claim.conversation.episode, claim.held
    )
}

fn due_words(due: &Due, count_questions: bool) -> String {
    match &due.what {
        DueWhat::Dispatch(dispatch) => format!(
            "{} {:?} try {}",
            dispatch.to,
            dispatch.content.words(),
            dispatch.attempt
        ),
        DueWhat::Errand(errand) => {
            let said: Vec<_> = errand
                .said
                .iter()
                .map(|said| said.content.words())
                .collect();
            let tries = if count_questions { errand.attempt } else { 0 };
            format!("{} {:?} try {tries}", errand.bot, said)
        }
        DueWhat::Deadline {
            thread, kind, at, ..
        } => format!("{} {kind:?} {at:?}", thread.peer),
    }
}
