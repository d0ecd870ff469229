//! Ends things: an agent's ends the conversation, a contact's leaves the queue or the person.

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    conversation::Phase,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, say};

/// 结束会话；排队中的客户则退出排队
///
/// Ends the conversation; a contact who waits leaves the queue.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Ends the conversation, for the agent or the contact (`#退出`).
pub struct Quit;

impl Plugin for Quit {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Quit {
    type Args = Args;

    async fn answer(&self, _: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        Ok(vec![if turn.by_agent() {
            by_agent(turn)
        } else {
            by_contact(turn)
        }])
    }
}

fn by_agent(turn: &Turn) -> Effect {
    match turn.conversation.phase {
        _ if turn.is_theirs() => Effect::Resolve { rating: true },
        Phase::Resolved { .. } => say(turn, Text::NotPossible, &[]),
        _ => say(turn, Text::CommandNotYours, &[]),
    }
}

fn by_contact(turn: &Turn) -> Effect {
    match turn.conversation.phase {
        Phase::Queued(_) => Effect::Assist,
        // Who ends it themselves wants to be done with it: no questions.
        Phase::Assigned { .. } => Effect::Resolve { rating: false },
        Phase::Assisted | Phase::Resolved { .. } => say(turn, Text::NothingToLeave, &[]),
    }
}

bridge_core::register!(
    BotSpec::new::<Quit>("quit")
        .aliases(&["退出", "qui"])
        .audience(Audience::Everyone)
);

#[cfg(test)]
mod tests {
    use bridge_core::{
        message::AgentName,
        testkit::{NOW, answer, turn_of_agent, turn_of_contact, turn_of_waiting, words},
    };

    use super::*;

    #[tokio::test]
    async fn an_agent_ends_their_own_conversation_and_the_contact_may_rate() {
        let turn = turn_of_agent("system", "#退出");
        assert_eq!(
            answer(&Quit, &turn).await,
            Ok(vec![Effect::Resolve { rating: true }])
        );
    }

    #[tokio::test]
    async fn an_agent_cannot_end_a_colleagues_conversation() {
        let mut turn = turn_of_agent("system", "#退出");
        turn.agent = Some(AgentName::new("lin"));
        let effects = answer(&Quit, &turn).await.unwrap();
        assert_eq!(words(&effects), ["⚠ 该会话当前不由您接待，命令未执行。"]);
    }

    #[tokio::test]
    async fn what_is_over_cannot_be_ended() {
        let mut turn = turn_of_agent("system", "#退出");
        turn.conversation.phase = Phase::Resolved { since: NOW };
        let effects = answer(&Quit, &turn).await.unwrap();
        assert_eq!(words(&effects), ["当前状态下无法执行该操作。"]);
    }

    #[tokio::test]
    async fn a_contact_leaves_the_queue_or_the_person() {
        let waiting = turn_of_waiting("#退出");
        assert_eq!(answer(&Quit, &waiting).await, Ok(vec![Effect::Assist]));

        let mut assigned = turn_of_contact("#退出");
        assigned.conversation.phase = turn_of_agent("system", "").conversation.phase;
        assert_eq!(
            answer(&Quit, &assigned).await,
            Ok(vec![Effect::Resolve { rating: false }])
        );

        let assisted = turn_of_contact("#退出");
        let effects = answer(&Quit, &assisted).await.unwrap();
        assert_eq!(effects.len(), 1);
        assert!(words(&effects)[0].starts_with("您当前没有在排队"));
    }
}
