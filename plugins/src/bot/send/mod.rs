//! Passes words on: what the contact of an assigned conversation says to the agent, what the agent says to the contact.
//! Cards, articles and the like, which nobody types, agents send by the name they are configured under.

mod items;

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    conversation::Phase,
    message::Content,
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

pub use self::items::{Config, HostedItem, Item};
use super::say;

/// 把一段话发给客户；直接说话也一样
///
/// Sends words to the contact; plain speech does the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// 发送一个素材：卡片、文章、音乐……
    ///
    /// Sends an item: a card, an article, music.
    #[arg(short, long, value_name = "NAME", conflicts_with = "words")]
    item: Option<String>,
    /// 查看有哪些素材
    ///
    /// Lists the items.
    #[arg(short, long, conflicts_with_all = ["words", "item"])]
    list: bool,
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
#[derive(Default)]
pub struct Send(Config);

impl Plugin for Send {
    type Config = Config;

    fn build(config: Config, _: &Tools) -> Result<Self, BuildError> {
        Ok(Self(config))
    }
}

impl Send {
    /// The item of that name for this turn's contact, or what to answer instead.
    fn item(&self, name: &str, turn: &Turn) -> Result<Content, String> {
        let known = |(known, _): &(&String, &Item)| known.to_lowercase() == name.to_lowercase();
        let Some((_, item)) = self.0.items.iter().find(known) else {
            let items = self.names();
            return Err(match items.is_empty() {
                true => turn.texts.say(Text::DeskNoItems, &[]),
                false => {
                    let values = [("name", name), ("items", items.as_str())];
                    turn.texts.say(Text::DeskUnknownItem, &values)
                }
            });
        };
        item.content(&turn.conversation.thread.inbox)
            .map_err(|inbox| {
                let values = [("name", name), ("inbox", inbox.as_str())];
                turn.texts.say(Text::DeskItemElsewhere, &values)
            })
    }

    fn list(&self, turn: &Turn) -> Effect {
        match self.names() {
            none if none.is_empty() => say(turn, Text::DeskNoItems, &[]),
            items => say(turn, Text::DeskItems, &[("items", &items)]),
        }
    }

    /// Their names, a line each.
    fn names(&self) -> String {
        let names: Vec<String> = self
            .0
            .items
            .keys()
            .map(|name| format!("· {name}"))
            .collect();
        names.join("\n")
    }
}

#[async_trait]
impl ChatBot for Send {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        // A command is never forwarded: what follows its name is.
        if turn.called.is_some() && args.list {
            return Ok(vec![self.list(turn)]);
        }
        let item = args.item.as_deref().map(|name| self.item(name, turn));
        let content = match &turn.called {
            Some(_) if let Some(item) = item => match item {
                Ok(content) => Some(content),
                Err(answer) => return Ok(vec![Effect::reply(answer)]),
            },
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

    /// A bot with these items.
    fn with(items: serde_json::Value) -> Send {
        let config = serde_json::json!({ "items": items });
        Send(serde_json::from_value(config).unwrap())
    }

    #[tokio::test]
    async fn items_are_sent_by_name_to_whom_they_can_be_sent() {
        let send = with(serde_json::json!({
            "新人券": { "kind": "coupon", "id": "card-001", "title": "新人券" },
            "Guide": { "kind": "article", "id": "art-001", "title": "退货指南", "url": "https://s.example/a", "inbox": "other" },
            "别家券": { "kind": "coupon", "id": "card-002", "title": "别家券", "inbox": "other" },
        }));
        let sent = async |words: &str| {
            answer(&send, &turn_of_agent("system", words))
                .await
                .unwrap()
        };
        let coupon = Content::Hosted {
            what: bridge_core::message::Hosted::Coupon,
            id: "card-001".to_owned(),
            title: "新人券".to_owned(),
            url: None,
        };
        assert_eq!(sent("#发送 -i 新人券").await, [Effect::Relay(coupon)]);
        let elsewhere = sent("#send --item guide").await;
        assert!(
            matches!(&elsewhere[..], [Effect::Relay(Content::Link { url, .. })] if url == "https://s.example/a"),
            "{elsewhere:?}"
        );
        assert!(words(&sent("#发送 -i 别家券").await)[0].contains("属于 other"));
        let unknown = sent("#发送 -i 没有").await;
        assert!(words(&unknown)[0].contains("· 新人券"), "{unknown:?}");
        assert!(words(&sent("#发送 -l").await)[0].contains("· Guide"));
        assert_eq!(
            words(&with(serde_json::json!({})).list_words()),
            ["还没有配置素材，请联系管理员添加。"]
        );
        assert_eq!(sent("#发送 -5 度").await, relayed("-5 度"));
    }

    impl Send {
        fn list_words(&self) -> Vec<Effect> {
            vec![self.list(&turn_of_agent("system", ""))]
        }
    }

    fn relayed(text: &str) -> Vec<Effect> {
        vec![Effect::Relay(Content::text(text))]
    }

    #[tokio::test]
    async fn words_go_to_the_other_side() {
        let by_agent = turn_of_agent("system", "您好");
        assert_eq!(
            answer(&Send::default(), &by_agent).await,
            Ok(relayed("您好"))
        );
        let mut by_contact = turn_of_contact("在吗");
        by_contact.conversation.phase = by_agent.conversation.phase;
        assert_eq!(
            answer(&Send::default(), &by_contact).await,
            Ok(relayed("在吗"))
        );
    }

    #[tokio::test]
    async fn a_picture_goes_as_it_is() {
        let mut turn = turn_of_agent("system", "");
        let media = bridge_core::message::Media::remote(&"desk".into(), "pic-1", None);
        turn.said = Some(Content::Image { media });
        let effects = answer(&Send::default(), &turn).await;
        assert_eq!(effects, Ok(vec![Effect::Relay(turn.said.unwrap())]));
    }

    #[tokio::test]
    async fn the_command_sends_what_follows_it_and_never_itself() {
        let turn = turn_of_agent("system", "#发送 您好 -n 1 \"两  格\"");
        assert_eq!(
            answer(&Send::default(), &turn).await,
            Ok(relayed("您好 -n 1 两  格"))
        );
        let turn = turn_of_agent("system", "#发送");
        let effects = answer(&Send::default(), &turn).await.unwrap();
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
            let effects = answer(&Send::default(), &turn).await.unwrap();
            assert_eq!(
                words(&effects),
                ["⚠ 该会话当前不由您接待，消息未发送给客户。"]
            );
            assert_eq!(effects.len(), 1);
        }
    }
}
