//! Sensitive words: covers them before anybody else sees them, or refuses the message. What was really said stays in
//! the transcript.

mod finder;

use std::ops::ControlFlow;

use bridge_core::{
    bot::{Effect, Turn, async_trait},
    chain::{ChainError, Ending, Filter, GuardSpec},
    message::{Author, Content},
    plugin::{BuildError, Plugin, Tools},
    texts::Text,
};

use finder::Finder;

/// 敏感词 / The `[guards.sensitive-words]` section.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// 敏感词，不分大小写、全半角和中间的空格 /
    /// The words. Case, width and blanks between their letters make no difference.
    words: Vec<String>,
    /// 检查谁的消息 / Whose messages are looked at.
    #[serde(default)]
    from: Watched,
    /// 怎么处理：replace 遮盖，refuse 拦下 / What is done about them.
    #[serde(default)]
    action: Action,
    /// 用什么字符遮盖 / What each letter is covered with.
    #[serde(default = "asterisk")]
    cover: char,
}

/// Whose messages are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Watched {
    /// Contacts' and agents'.
    #[default]
    Everyone,
    /// Contacts'.
    Contacts,
    /// Agents'.
    Agents,
}

/// What is done about a message with such a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// The word is covered and the message goes on.
    #[default]
    Replace,
    /// The message goes no further; its sender is told.
    Refuse,
}

fn asterisk() -> char {
    '*'
}

/// Looks for listed words in what people say, and covers them or lets the message go no further.
pub struct SensitiveWords {
    finder: Finder,
    config: Config,
}

impl Plugin for SensitiveWords {
    type Config = Config;

    fn build(config: Config, _: &Tools) -> Result<Self, BuildError> {
        if config.words.is_empty() {
            return Err(
                BuildError::new("words", "no word is given", "[\"…\"]").zh("没有填写任何词语")
            );
        }
        let finder = Finder::new(&config.words).ok_or_else(|| {
            BuildError::new("words", "a word is empty", "[\"…\"]").zh("有一个词语是空的")
        })?;
        Ok(Self { finder, config })
    }
}

#[async_trait]
impl Filter<Turn> for SensitiveWords {
    type Out = Turn;

    async fn apply(&self, mut turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        let watched = match turn.author {
            Author::Contact => self.config.from != Watched::Agents,
            Author::Agent(_) => self.config.from != Watched::Contacts,
            Author::System => false,
        };
        let Some(words) = turn.said.as_mut().filter(|_| watched).and_then(typed) else {
            return Ok(ControlFlow::Continue(turn));
        };
        let found = self.finder.find(words);
        let Some(first) = found.first() else {
            return Ok(ControlFlow::Continue(turn));
        };
        if self.config.action == Action::Replace {
            *words = finder::covered(words, &found, self.config.cover);
            return Ok(ControlFlow::Continue(turn));
        }
        let word: String = words[first.clone()].to_owned();
        let refusal = if turn.by_agent() {
            turn.texts.say(Text::DeskSensitive, &[("word", &word)])
        } else {
            turn.texts.say(Text::Sensitive, &[])
        };
        Ok(ControlFlow::Break(Ending::with(
            vec![Effect::reply(refusal)],
            "a sensitive word",
        )))
    }
}

/// The words of a message that can be covered: typed ones, recognised speech.
fn typed(content: &mut Content) -> Option<&mut String> {
    match content {
        Content::Text(text) => Some(&mut text.text),
        Content::Voice { words, .. } => words.as_mut(),
        _ => None,
    }
}

bridge_core::register!(GuardSpec::new::<SensitiveWords>("sensitive-words").order(10));

#[cfg(test)]
mod tests {
    use bridge_core::{
        message::Media,
        plugin::read_config,
        testkit::{tools, turn_of_agent, turn_of_contact, words},
    };
    use serde_json::{Value, json};

    use super::*;

    fn guard(config: Value) -> SensitiveWords {
        SensitiveWords::build(read_config(config).unwrap(), &tools()).unwrap()
    }

    async fn after(guard: &SensitiveWords, turn: Turn) -> Result<String, String> {
        match guard.apply(turn).await.unwrap() {
            ControlFlow::Continue(turn) => Ok(turn.words().unwrap_or_default().to_owned()),
            ControlFlow::Break(ending) => Err(words(&ending.effects).join("\n")),
        }
    }

    #[tokio::test]
    async fn words_are_covered_and_the_message_goes_on() {
        let guard = guard(json!({ "words": ["刷单", "VX"] }));
        for (said, heard) in [
            ("帮你刷单，加vx", "帮你**，加**"),
            ("帮你刷　单", "帮你***"),
            ("ＶＸ：abc", "**：abc"),
            ("刷新订单", "刷新订单"),
            ("", ""),
        ] {
            assert_eq!(
                after(&guard, turn_of_contact(said)).await.as_deref(),
                Ok(heard)
            );
            assert_eq!(
                after(&guard, turn_of_agent("system", said))
                    .await
                    .as_deref(),
                Ok(heard)
            );
        }
    }

    #[tokio::test]
    async fn or_the_message_is_refused_and_its_sender_told() {
        let guard = guard(json!({ "words": ["刷单"], "action": "refuse" }));
        assert_eq!(
            after(&guard, turn_of_contact("刷单吗")).await,
            Err("您的消息包含不适宜的内容，未能处理，请修改后再发。".to_owned())
        );
        assert_eq!(
            after(&guard, turn_of_agent("system", "可以 刷 单")).await,
            Err("消息含有敏感词“刷 单”，未发送给客户。".to_owned())
        );
        let fine = after(&guard, turn_of_contact("你好")).await;
        assert_eq!(fine.as_deref(), Ok("你好"));
    }

    #[tokio::test]
    async fn one_side_only_where_configured_so() {
        let guard = guard(json!({ "words": ["刷单"], "from": "agents", "cover": "■" }));
        let contact = after(&guard, turn_of_contact("刷单")).await;
        assert_eq!(contact.as_deref(), Ok("刷单"));
        let agent = after(&guard, turn_of_agent("lin", "刷单")).await;
        assert_eq!(agent.as_deref(), Ok("■■"));
    }

    #[tokio::test]
    async fn recognised_speech_is_looked_at_and_pictures_pass() {
        let guard = guard(json!({ "words": ["刷单"] }));
        let media = Media::remote(&"mall".into(), "m-1", None);
        let mut turn = turn_of_contact("");
        turn.said = Some(Content::Voice {
            media: media.clone(),
            words: Some("我要刷单".to_owned()),
            seconds: None,
        });
        assert_eq!(after(&guard, turn).await.as_deref(), Ok("我要**"));
        let mut turn = turn_of_contact("");
        turn.said = Some(Content::Image { media });
        assert_eq!(after(&guard, turn).await.as_deref(), Ok(""));
    }

    #[test]
    fn no_words_and_empty_words_are_refused_by_their_key() {
        for words in [json!([]), json!(["刷单", " "])] {
            let config = read_config(json!({ "words": words })).unwrap();
            let error = SensitiveWords::build(config, &tools()).err();
            assert_eq!(error.map(|error| error.key), Some("words".to_owned()));
        }
    }
}
