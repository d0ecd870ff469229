//! Finds a person: the agent who is named, somebody with a skill, or whoever the routing rules choose. Whoever cannot
//! take the conversation is named in the answer, and nothing changes.

mod agents;

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    conversation::Phase,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, queue, say};

/// 转接给另一位客服，不写名字则按规则分配
///
/// Hands the conversation to another agent; without a name, to whoever the rules choose.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// 客服的名字
    ///
    /// The agent's name.
    #[arg(value_name = "AGENT", conflicts_with = "name")]
    agent: Option<String>,

    /// 客服的名字
    ///
    /// The agent's name.
    #[arg(short, long, value_name = "AGENT")]
    name: Option<String>,

    /// 需要的技能，如“售后”
    ///
    /// A skill the agent must have.
    #[arg(short, long, value_name = "SKILL")]
    skill: Option<String>,

    /// 给新客服的备注，客户看不到
    ///
    /// What the new agent should know; the contact does not see it.
    #[arg(short = 'm', long, value_name = "TEXT")]
    note: Option<String>,
}

/// Hands conversations over.
pub struct Transfer;

impl Plugin for Transfer {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Transfer {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        if !turn.by_agent() {
            return Ok(for_contact(turn));
        }
        Ok(vec![match turn.conversation.phase {
            Phase::Resolved { .. } => say(turn, Text::NotPossible, &[]),
            // A colleague's conversation is theirs to give; one that nobody has may be taken by any agent.
            Phase::Assigned { .. } if !turn.is_theirs() => say(turn, Text::CommandNotYours, &[]),
            _ => hand_over(args, turn).unwrap_or_else(Effect::reply),
        }])
    }
}

/// A contact asks for a person, or writes where no assistant is. Who waits or has a person already needs no other.
fn for_contact(turn: &Turn) -> Vec<Effect> {
    match turn.conversation.phase {
        Phase::Queued(_) => queue::unless_just_told(turn),
        Phase::Assigned { .. } => turn.said.clone().map(Effect::Relay).into_iter().collect(),
        Phase::Assisted | Phase::Resolved { .. } => vec![Effect::Route {
            skill: None,
            note: None,
        }],
    }
}

/// An agent's order; `Err` is the answer that says why nothing changes.
fn hand_over(args: Args, turn: &Turn) -> Result<Effect, String> {
    let skill = args
        .skill
        .map(|skill| agents::with_skill(&skill, turn))
        .transpose()?;
    let note = args.note.filter(|note| !note.trim().is_empty());
    match args.name.or(args.agent) {
        Some(name) => {
            let agent = agents::ready(&name, skill.as_deref(), turn)?;
            Ok(Effect::Assign { agent, note })
        }
        None => Ok(Effect::Route { skill, note }),
    }
}

bridge_core::register!(
    BotSpec::new::<Transfer>("transfer")
        .aliases(&["转接", "转接工程师"])
        .spellings(&["trasfor", "transfor", "transform", "trasfer"])
        .audience(Audience::Agents)
);

#[cfg(test)]
mod tests;
