//! The strategies: a contact's dedicated agent first, then least loaded, round robin or weighted among those who have
//! the skill, a free seat, are at work and not known to be offline.

use super::{Agent, Desk, Subject};
use crate::{
    clock::Timestamp,
    message::{AgentName, InboxName},
};

/// How agents are chosen.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Whoever has the smallest share of seats taken.
    #[default]
    LeastLoaded,
    /// One after the other.
    RoundRobin,
    /// In proportion to `weight`.
    Weighted,
}

/// Somebody is to be found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// A skill the agent must have.
    pub skill: Option<String>,
    /// A particular agent; nobody else will do.
    pub agent: Option<AgentName>,
    /// The contact's dedicated agent: first, but not the only one.
    pub dedicated: Option<AgentName>,
    /// Somebody it must not be: the agent who transfers.
    pub except: Option<AgentName>,
    /// Whose conversation.
    pub subject: Subject,
    /// The inbox it came by.
    pub inbox: Option<InboxName>,
}

/// What routing comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This agent.
    Assign(AgentName),
    /// Nobody has a free seat now.
    Wait,
    /// Nobody works now.
    Closed,
    /// Nobody at all has that skill (or no agent is configured).
    Nobody,
}

/// Why an agent cannot be given a conversation by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No agent is called that; the nearest names.
    Unknown(Vec<AgentName>),
    /// All seats taken.
    Full,
    /// Known to be offline.
    Offline,
    /// Not at work now.
    OffDuty,
}

/// Whether this agent can be given a conversation by name.
pub(super) fn admit<'desk>(
    desk: &'desk Desk,
    name: &AgentName,
    now: Timestamp,
) -> Result<&'desk Agent, Refusal> {
    let Some(agent) = desk.agents.get(name) else {
        return Err(Refusal::Unknown(nearest(desk, name)));
    };
    if desk.offline.contains(name) {
        Err(Refusal::Offline)
    } else if !desk.at_work(name, now) {
        Err(Refusal::OffDuty)
    } else if desk.free_seats(agent) == 0 {
        Err(Refusal::Full)
    } else {
        Ok(agent)
    }
}

/// Who gets a conversation.
pub(super) fn decide(desk: &Desk, request: &Request, now: Timestamp) -> Decision {
    let able: Vec<&Agent> = desk
        .agents
        .values()
        .filter(|agent| request.except.as_ref() != Some(&agent.name))
        .filter(|agent| match &request.inbox {
            Some(inbox) => desk.reaches(agent, inbox),
            None => !desk.native.contains(&agent.inbox),
        })
        .filter(|agent| {
            request
                .agent
                .as_ref()
                .is_none_or(|wanted| *wanted == agent.name)
        })
        .filter(|agent| {
            request
                .skill
                .as_ref()
                .is_none_or(|skill| agent.skills.iter().any(|has| has == skill))
        })
        .collect();
    if able.is_empty() {
        return Decision::Nobody;
    }
    let at_work: Vec<&Agent> = able
        .into_iter()
        .filter(|agent| desk.at_work(&agent.name, now))
        .collect();
    if at_work.is_empty() {
        return Decision::Closed;
    }
    let mut free: Vec<&Agent> = at_work
        .into_iter()
        .filter(|agent| !desk.offline.contains(&agent.name) && desk.free_seats(agent) > 0)
        .collect();
    if let Some(dedicated) = free
        .iter()
        .find(|agent| request.dedicated.as_ref() == Some(&agent.name))
    {
        return Decision::Assign(dedicated.name.clone());
    }
    free.sort_by(|a, b| b.default.cmp(&a.default).then_with(|| a.name.cmp(&b.name)));
    pick(desk, &free, request.subject)
        .map_or(Decision::Wait, |agent| Decision::Assign(agent.name.clone()))
}

fn pick<'desk>(desk: &Desk, free: &[&'desk Agent], subject: Subject) -> Option<&'desk Agent> {
    match desk.strategy {
        Strategy::LeastLoaded => free
            .iter()
            .copied()
            .min_by_key(|agent| share_taken(desk, agent)),
        Strategy::RoundRobin => after_last(desk, free),
        Strategy::Weighted => weighted(free, subject),
    }
}

/// The share of seats taken, in parts per million, so that it compares as a whole number.
fn share_taken(desk: &Desk, agent: &Agent) -> u64 {
    let load = u64::from(desk.loads.get(&agent.name).copied().unwrap_or(0));
    load * 1_000_000 / u64::from(agent.capacity.max(1))
}

fn after_last<'desk>(desk: &Desk, free: &[&'desk Agent]) -> Option<&'desk Agent> {
    let by_name = || free.iter().copied();
    let next = by_name().filter(|agent| desk.last.as_ref().is_some_and(|last| agent.name > *last));
    next.min_by_key(|agent| agent.name.clone())
        .or_else(|| by_name().min_by_key(|agent| agent.name.clone()))
}

/// Proportional without randomness: the conversation's number decides, well mixed.
fn weighted<'desk>(free: &[&'desk Agent], subject: Subject) -> Option<&'desk Agent> {
    let total: u64 = free.iter().map(|agent| u64::from(agent.weight)).sum();
    if total == 0 {
        return free.first().copied();
    }
    let seed = subject
        .conversation
        .0
        .cast_unsigned()
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut point = (mixed ^ (mixed >> 27)) % total;
    free.iter().copied().find(|agent| {
        let weight = u64::from(agent.weight);
        let hit = point < weight;
        point = point.saturating_sub(weight);
        hit
    })
}

fn nearest(desk: &Desk, name: &AgentName) -> Vec<AgentName> {
    let mut scored: Vec<(f64, &AgentName)> = desk
        .agents
        .values()
        .map(|agent| {
            let by_name =
                strsim::normalized_damerau_levenshtein(agent.name.as_str(), name.as_str());
            let by_display =
                strsim::normalized_damerau_levenshtein(&agent.display_name, name.as_str());
            (by_name.max(by_display), &agent.name)
        })
        .filter(|(score, _)| *score >= 0.4)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
        .into_iter()
        .take(3)
        .map(|(_, name)| name.clone())
        .collect()
}
