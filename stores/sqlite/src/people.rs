//! Conversations that wait for an agent or have one: who has how many, and who is next. Counted when one changes, because
//! both are asked for with every handover.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use bridge_core::{
    clock::Timestamp,
    conversation::{Phase, Waiting},
    message::{AgentName, ConversationId, ThreadKey},
    store::{DeskState, WaitingRow},
};

/// A conversation that waits for an agent or has one.
pub(crate) struct WithPeople {
    pub(crate) thread: ThreadKey,
    pub(crate) episode: u32,
    pub(crate) phase: Phase,
    pub(crate) dedicated: Option<AgentName>,
}

/// A place in the queue: the urgent first, then those who have waited longest.
type Place = (Reverse<u8>, Timestamp, ConversationId);

/// All of them.
#[derive(Default)]
pub(crate) struct People {
    conversations: BTreeMap<ConversationId, WithPeople>,
    loads: BTreeMap<AgentName, u32>,
    queue: BTreeSet<Place>,
}

impl People {
    pub(crate) fn insert(&mut self, id: ConversationId, people: WithPeople) {
        self.remove(id);
        match &people.phase {
            Phase::Queued(waiting) => {
                self.queue.insert(place(id, waiting));
            }
            Phase::Assigned { agent, .. } => *self.loads.entry(agent.clone()).or_default() += 1,
            Phase::Assisted | Phase::Resolved { .. } => return,
        }
        self.conversations.insert(id, people);
    }

    pub(crate) fn remove(&mut self, id: ConversationId) {
        let Some(people) = self.conversations.remove(&id) else {
            return;
        };
        match &people.phase {
            Phase::Queued(waiting) => {
                self.queue.remove(&place(id, waiting));
            }
            Phase::Assigned { agent, .. } => {
                if let Some(load) = self.loads.get_mut(agent) {
                    *load = load.saturating_sub(1);
                    if *load == 0 {
                        self.loads.remove(agent);
                    }
                }
            }
            Phase::Assisted | Phase::Resolved { .. } => {}
        }
    }

    /// How many conversations an agent has.
    pub(crate) fn load(&self, agent: &AgentName) -> u32 {
        self.loads.get(agent).copied().unwrap_or(0)
    }

    /// Whether this conversation is the agent's.
    pub(crate) fn has(&self, agent: &AgentName, id: ConversationId) -> bool {
        let people = self.conversations.get(&id);
        people.is_some_and(|people| matches!(&people.phase, Phase::Assigned { agent: other, .. } if other == agent))
    }

    pub(crate) fn desk(&self) -> DeskState {
        let row = |(_, _, id): &Place| {
            let people = self.conversations.get(id)?;
            let Phase::Queued(waiting) = &people.phase else {
                return None;
            };
            Some(WaitingRow {
                conversation: *id,
                thread: people.thread.clone(),
                episode: people.episode,
                waiting: waiting.clone(),
                dedicated: people.dedicated.clone(),
            })
        };
        let load = |(agent, load): (&AgentName, &u32)| (agent.clone(), *load);
        DeskState {
            loads: self.loads.iter().map(load).collect(),
            waiting: self.queue.iter().filter_map(row).collect(),
        }
    }

    /// Who has which conversation since when.
    pub(crate) fn assigned(&self) -> impl Iterator<Item = (ConversationId, &AgentName, Timestamp)> {
        self.conversations
            .iter()
            .filter_map(|(id, people)| match &people.phase {
                Phase::Assigned { agent, since } => Some((*id, agent, *since)),
                _ => None,
            })
    }

    /// How many wait, and how many are with an agent.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let queued = self.queue.len() as u64;
        (queued, self.conversations.len() as u64 - queued)
    }
}

fn place(id: ConversationId, waiting: &Waiting) -> Place {
    (Reverse(waiting.priority), waiting.since, id)
}
