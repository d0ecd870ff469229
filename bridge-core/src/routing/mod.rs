//! Who gets the next conversation: pure strategies over facts. The facts are a snapshot; the commit checks seats again,
//! so that a stale snapshot costs a second look and never an overbooked agent.

mod hours;
mod strategy;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use hours::{HoursError, WorkingHours};
pub use strategy::{Decision, Refusal, Request, Strategy};

use crate::{
    clock::Timestamp,
    conversation::Waiting,
    message::{AgentName, ContactId, ConversationId, InboxName, PeerId},
    store::WaitingRow,
};

/// The priority of a contact of whom nothing else is said, of 0 to 10.
pub const ORDINARY: u8 = 5;

/// An agent as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// What `#转接 -n NAME` says.
    pub name: AgentName,
    /// What contacts and colleagues read.
    pub display_name: String,
    /// The inbox they work in.
    pub inbox: InboxName,
    /// Their account there.
    pub account: PeerId,
    /// How many conversations at once.
    pub capacity: u32,
    /// For the weighted strategy.
    pub weight: u32,
    /// What they can do.
    pub skills: Vec<String>,
    /// Whether they come first where nothing else decides.
    pub default: bool,
}

/// Agents, loads, presence, the queue and the hours at one moment. Copied for each look at it: what is long is shared.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    /// Every agent, by name.
    pub agents: Arc<BTreeMap<AgentName, Agent>>,
    /// Inboxes whose agents work in the platform's own client: they take conversations of that inbox only.
    pub native: BTreeSet<InboxName>,
    /// How many conversations each has; absent: none.
    pub loads: BTreeMap<AgentName, u32>,
    /// Who is known to be offline. An agent of whom nothing is known counts as there: a lost cache must not close the
    /// desk.
    pub offline: std::collections::BTreeSet<AgentName>,
    /// Who waits, in order.
    pub waiting: Arc<Vec<WaitingRow>>,
    /// How agents are chosen.
    pub strategy: Strategy,
    /// When the desk works; empty: always.
    pub hours: WorkingHours,
    /// Who works outside the hours.
    pub on_duty: Vec<AgentName>,
    /// Who was given a conversation last, for round robin.
    pub last: Option<AgentName>,
    /// How long a conversation took lately, in seconds, for estimates; 0: unknown.
    pub average_seconds: u64,
}

impl Agent {
    /// The account that stands for whoever works at an inbox.
    pub const EVERYBODY: &str = "*";
}

impl Desk {
    /// The agent with this account.
    pub fn agent_by_account(&self, inbox: &InboxName, account: &str) -> Option<&Agent> {
        let mut agents = self.agents.values();
        agents.find(|agent| agent.inbox == *inbox && agent.account.as_str() == account)
    }

    /// The agent whom somebody with this account is; where nobody has it, the one who stands for everybody there.
    pub fn agent_at(&self, inbox: &InboxName, account: &PeerId) -> Option<&Agent> {
        self.agent_by_account(inbox, account.as_str())
            .or_else(|| self.agent_by_account(inbox, Agent::EVERYBODY))
    }

    /// Whether an agent can take a conversation that came by this inbox.
    pub fn reaches(&self, agent: &Agent, inbox: &InboxName) -> bool {
        agent.inbox == *inbox || !self.native.contains(&agent.inbox)
    }

    /// The skill and the agent that a contact waits for, as far as anybody has them still: nobody waits for ever for somebody
    /// who is gone.
    pub fn still_possible(&self, waiting: &Waiting) -> (Option<String>, Option<AgentName>) {
        let agent = waiting.agent.clone();
        let agent = agent.filter(|name| self.agents.contains_key(name));
        let has = |skill: &String| {
            let mut able = self.agents.values();
            able.any(|one| {
                one.skills.contains(skill) && agent.as_ref().is_none_or(|name| *name == one.name)
            })
        };
        (waiting.skill.clone().filter(has), agent)
    }

    /// Free seats of an agent.
    pub fn free_seats(&self, agent: &Agent) -> u32 {
        agent
            .capacity
            .saturating_sub(self.loads.get(&agent.name).copied().unwrap_or(0))
    }

    /// Whether an agent is at work now: within the hours, or on duty outside them.
    pub fn at_work(&self, agent: &AgentName, now: Timestamp) -> bool {
        self.hours.open_at(now) || self.on_duty.contains(agent)
    }

    /// A waiting contact's position, from 1.
    pub fn position(&self, conversation: ConversationId) -> Option<u32> {
        let index = self
            .waiting
            .iter()
            .position(|row| row.conversation == conversation)?;
        u32::try_from(index + 1).ok()
    }

    /// About how long a contact at `position` waits, in seconds; `None`: unknown.
    pub fn estimate(&self, position: u32) -> Option<u64> {
        let seats: u64 = self
            .agents
            .values()
            .filter(|agent| !self.offline.contains(&agent.name))
            .map(|agent| u64::from(agent.capacity))
            .sum();
        (self.average_seconds > 0 && seats > 0)
            .then(|| self.average_seconds * u64::from(position) / seats)
    }

    /// Who gets a conversation: a pure function of the facts.
    pub fn route(&self, request: &Request, now: Timestamp) -> Decision {
        strategy::decide(self, request, now)
    }

    /// Whether this agent can be given a conversation by name.
    pub fn admit(&self, name: &AgentName, now: Timestamp) -> Result<&Agent, Refusal> {
        strategy::admit(self, name, now)
    }
}

/// Whose conversation it is, for weighted and sticky choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Subject {
    /// The contact.
    pub contact: ContactId,
    /// The conversation.
    pub conversation: ConversationId,
}

#[cfg(test)]
mod tests;
