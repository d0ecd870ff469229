//! One store on which moves are played, and what it says to each.

use std::time::Duration;

use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::Phase,
    message::{Author, BotName, Content, ConversationId, Cue, Handle, PeerId, ThreadKey, What},
    store::{
        Claim, Confirmation, Due, DueKind, DueWhat, EntryAuthor, Intake, NewEntry, Noted,
        Settlement, Tie, Tied,
    },
};

use super::PEERS;
use super::step::Step;
use crate::store::{Bench, LEASE, inbox, said, worker};

/// One store and what is in its workers' hands, in the order of the play.
pub(super) struct Stage {
    pub(super) bench: Bench,
    pub(super) claims: Vec<Claim>,
    pub(super) dues: Vec<Due>,
    /// Whether tries of questions are told.
    pub(super) count_questions: bool,
}

impl Stage {
    pub(super) async fn play(&mut self, step: &Step) -> String {
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

    pub(super) async fn look(&self) -> String {
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
