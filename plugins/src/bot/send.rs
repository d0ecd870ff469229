//! Passes words on: what the contact of an assigned conversation says to the agent, what the agent says to the contact.

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    conversation::Phase,
    message::Content,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use super::{NoSettings, say};

/// 把一段话发给客户；直接说话也一样
///
/// Sends words to the contact; plain speech does the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// 要发送的内容
    ///
    /// The words.
    #[arg(
        value_name = "TEXT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<String>,
}

/// The bot of an assigned conversation.
pub struct Send;

impl Plugin for Send {
    type Config = NoSettings;

    fn build(_: NoSettings, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self)
    }
}

#[async_trait]
impl ChatBot for Send {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        // A command is never forwarded: what follows its name is.
        let content = match &turn.called {
            Some(_) if args.words.is_empty() => {
                return Ok(vec![say(turn, Text::NothingToSend, &[])]);
            }
            Some(_) => Some(Content::text(args.words.join(" "))),
            None => turn.said.clone(),
        };
        let Some(content) = content else {
            return Ok(Vec::new());
        };
        Ok(match &turn.conversation.phase {
            _ if turn.by_agent() && !turn.is_theirs() => vec![say(turn, Text::DeskNotYours, &[])],
            Phase::Assigned { .. } => vec![Effect::Relay(content)],
            // Nobody is there to pass it on to: it stays in the transcript.
            Phase::Assisted | Phase::Queued(_) | Phase::Resolved { .. } => Vec::new(),
        })
    }
}

bridge_core::register!(
    BotSpec::new::<Send>("send")
        .aliases(&["发送"])
        .audience(Audience::Agents)
);

#[cfg(test)]
mod tests {
    use bridge_core::{
        message::AgentName,
        testkit::{answer, turn_of_agent, turn_of_contact, turn_of_waiting, words},
    };

    use super::*;

    fn relayed(text: &str) -> Vec<Effect> {
        vec![Effect::Relay(Content::text(text))]
    }

    #[tokio::test]
    async fn words_go_to_the_other_side() {
        let by_agent = turn_of_agent("system", "您好");
        assert_eq!(answer(&Send, &by_agent).await, Ok(relayed("您好")));
        let mut by_contact = turn_of_contact("在吗");
        by_contact.conversation.phase = by_agent.conversation.phase;
        assert_eq!(answer(&Send, &by_contact).await, Ok(relayed("在吗")));
    }

    #[tokio::test]
    async fn a_picture_goes_as_it_is() {
        let mut turn = turn_of_agent("system", "");
        let media = bridge_core::message::Media::remote(&"desk".into(), "pic-1", None);
        turn.said = Some(Content::Image { media });
        let effects = answer(&Send, &turn).await;
        assert_eq!(effects, Ok(vec![Effect::Relay(turn.said.unwrap())]));
    }

    #[tokio::test]
    async fn the_command_sends_what_follows_it_and_never_itself() {
        let turn = turn_of_agent("system", "#发送 您好 -n 1 \"两  格\"");
        assert_eq!(answer(&Send, &turn).await, Ok(relayed("您好 -n 1 两  格")));
        let turn = turn_of_agent("system", "#发送");
        let effects = answer(&Send, &turn).await.unwrap();
        assert_eq!(words(&effects), ["请写上要发送的内容。"]);
        assert_eq!(effects.len(), 1);
    }

    #[tokio::test]
    async fn an_agent_who_does_not_have_the_conversation_reaches_nobody() {
        let mut elsewhere = turn_of_agent("system", "您好");
        elsewhere.agent = Some(AgentName::new("lin"));
        let mut waiting = turn_of_waiting("");
        let mut assisted = turn_of_contact("");
        for turn in [&mut waiting, &mut assisted] {
            turn.author = elsewhere.author.clone();
            turn.agent = elsewhere.agent.clone();
            turn.said = elsewhere.said.clone();
        }
        for turn in [elsewhere, waiting, assisted] {
            let effects = answer(&Send, &turn).await.unwrap();
            assert_eq!(
                words(&effects),
                ["该会话当前不由您接待，消息未发送给客户。"]
            );
            assert_eq!(effects.len(), 1);
        }
    }
}
