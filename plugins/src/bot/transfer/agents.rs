//! Whom a transfer means, and whether they can take it.

use bridge_core::{
    bot::{Turn, grammar::fold},
    message::AgentName,
    routing::{Agent, Refusal},
    texts::Text,
};

/// The agent of that name, who can take the conversation now; `Err` is the answer that says why not, in words.
pub(super) fn ready(name: &str, skill: Option<&str>, turn: &Turn) -> Result<AgentName, String> {
    let Some(agent) = find(name, turn) else {
        return Err(unknown(name, turn));
    };
    let shown = agent.display_name.as_str();
    let refuse = |text| Err(turn.texts.say(text, &[("agent", shown)]));
    if turn.conversation.agent() == Some(&agent.name) {
        return refuse(Text::AgentSame);
    }
    if let Some(skill) = skill.filter(|skill| !agent.skills.iter().any(|has| has == skill)) {
        let values = [("agent", shown), ("skill", skill)];
        return Err(turn.texts.say(Text::AgentLacksSkill, &values));
    }
    match turn.desk.admit(&agent.name, turn.now) {
        Ok(agent) => Ok(agent.name.clone()),
        Err(Refusal::Full) => refuse(Text::AgentFull),
        Err(Refusal::Offline) => refuse(Text::AgentOffline),
        Err(Refusal::OffDuty) => refuse(Text::AgentOffDuty),
        Err(Refusal::Unknown(_)) => Err(unknown(name, turn)),
    }
}

/// A skill as it is configured; `Err` is the answer that nobody has it.
pub(super) fn with_skill(skill: &str, turn: &Turn) -> Result<String, String> {
    let wanted = fold(skill);
    let mut known = turn.desk.agents.values().flat_map(|agent| &agent.skills);
    known
        .find(|known| fold(known) == wanted)
        .cloned()
        .ok_or_else(|| turn.texts.say(Text::SkillUnknown, &[("skill", skill)]))
}

/// By name; by display name only where it is one agent's alone.
fn find<'turn>(name: &str, turn: &'turn Turn) -> Option<&'turn Agent> {
    let agents = &turn.desk.agents;
    let wanted = fold(name.trim());
    let by_name = || {
        agents
            .values()
            .find(|agent| fold(agent.name.as_str()) == wanted)
    };
    let by_display_name = || {
        let mut called = agents
            .values()
            .filter(|agent| fold(&agent.display_name) == wanted);
        called.next().filter(|_| called.next().is_none())
    };
    agents.get(name).or_else(by_name).or_else(by_display_name)
}

fn unknown(name: &str, turn: &Turn) -> String {
    let typed: String = name.chars().take(64).collect();
    let nearest = match turn.desk.admit(&AgentName::new(&typed), turn.now) {
        Err(Refusal::Unknown(nearest)) => nearest,
        _ => Vec::new(),
    };
    let names: Vec<String> = nearest
        .iter()
        .filter_map(|name| turn.desk.agents.get(name))
        .map(|agent| format!("{}（{}）", agent.name, agent.display_name))
        .collect();
    let nearest = if names.is_empty() {
        String::new()
    } else {
        turn.texts
            .say(Text::AgentNearest, &[("names", &names.join(" "))])
    };
    let values = [("name", typed.as_str()), ("nearest", &nearest)];
    turn.texts.say(Text::AgentUnknown, &values)
}
