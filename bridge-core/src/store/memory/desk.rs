//! How things stand: who waits, who has whom, how much there is to do.

use std::{cmp::Reverse, collections::BTreeMap};

use super::State;
use crate::{
    conversation::{Conversation, Phase},
    message::{AgentName, ThreadKey},
    store::{Depths, DeskState, OpenThread, WaitingRow},
};

impl State {
    pub(super) fn desk(&self) -> DeskState {
        let mut loads: BTreeMap<AgentName, u32> = BTreeMap::new();
        let mut waiting = Vec::new();
        for (conversation, contact) in self.conversations.values() {
            match &conversation.phase {
                Phase::Assigned { agent, .. } => *loads.entry(agent.clone()).or_default() += 1,
                Phase::Queued(row) => waiting.push(WaitingRow {
                    conversation: conversation.id,
                    thread: conversation.thread.clone(),
                    episode: conversation.episode,
                    waiting: row.clone(),
                    dedicated: contact.dedicated.clone(),
                }),
                Phase::Assisted | Phase::Resolved { .. } => {}
            }
        }
        waiting.sort_by_key(|row| {
            let waiting = &row.waiting;
            (Reverse(waiting.priority), waiting.since, row.conversation)
        });
        DeskState {
            loads: loads.into_iter().collect(),
            waiting,
        }
    }

    pub(super) fn open_threads(&self) -> Vec<OpenThread> {
        let open = |conversation: &Conversation| match &conversation.phase {
            Phase::Assigned { agent, since } => Some(OpenThread {
                agent: agent.clone(),
                threads: self.desk_threads(conversation),
                since: *since,
            }),
            _ => None,
        };
        let conversations = self.conversations.values();
        conversations
            .filter_map(|(conversation, _)| open(conversation))
            .collect()
    }

    /// The threads that lead to a conversation, the contact's own left out.
    fn desk_threads(&self, to: &Conversation) -> Vec<ThreadKey> {
        let leads = self.threads.iter().filter(|(_, id)| **id == to.id);
        let others = leads.map(|(thread, _)| thread);
        others
            .filter(|thread| **thread != to.thread)
            .cloned()
            .collect()
    }

    pub(super) fn depths(&self) -> Depths {
        let in_phase = |wanted: fn(&Phase) -> bool| {
            let conversations = self.conversations.values();
            let phases = conversations.map(|(conversation, _)| &conversation.phase);
            phases.filter(|phase| wanted(phase)).count() as u64
        };
        let rows = self.arrivals.values();
        let held = self.dispatches.values().filter(|job| job.held).count();
        Depths {
            arrivals: rows.filter(|row| row.turned.is_none()).count() as u64,
            dispatches: (self.dispatches.len() - held) as u64,
            held: held as u64,
            errands: self.errands.len() as u64,
            queued: in_phase(|phase| matches!(phase, Phase::Queued(_))),
            assigned: in_phase(|phase| matches!(phase, Phase::Assigned { .. })),
            open: in_phase(|phase| !matches!(phase, Phase::Resolved { .. })),
        }
    }
}
