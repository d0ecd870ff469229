//! Flood limit: of a contact who sends too many messages only so many are answered within any span of time; what is beyond
//! them is kept in the transcript and answered by nobody, and the contact is told so once in that time.

use std::{num::NonZeroU32, ops::ControlFlow, sync::Arc};

use bridge_core::{
    bot::{Effect, Turn, async_trait},
    cache::{Admission, Cache, Window},
    chain::{ChainError, Ending, Filter, GuardSpec},
    message::Author,
    plugin::{BuildError, Plugin, Tools},
    settings::Span,
    texts::Text,
};

/// 刷屏限制 / The `[guards.flood]` section.
#[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// 任意一段 window 时间内，一位客户最多有多少条消息得到回应 / How many messages of a contact are answered within any `window`.
    messages: NonZeroU32,
    /// 窗口，随时间滑动 / The window; it slides.
    window: Span,
    /// 有客服接待时是否也限制；关闭则客服看到全部 /
    /// Whether it also holds while an agent has the conversation. Off: the agent sees everything.
    while_assigned: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            messages: NonZeroU32::new(20).unwrap_or(NonZeroU32::MIN),
            window: Span::secs(60),
            while_assigned: false,
        }
    }
}

/// Limits how fast a contact is answered.
pub struct Flood {
    config: Config,
    cache: Arc<dyn Cache>,
}

impl Plugin for Flood {
    type Config = Config;

    fn build(config: Config, tools: &Tools) -> Result<Self, BuildError> {
        if config.window.0.is_zero() {
            return Err(
                BuildError::new("window", "must be longer than nothing", "60s").zh("不能为零"),
            );
        }
        Ok(Self {
            config,
            cache: tools.cache.clone(),
        })
    }
}

#[async_trait]
impl Filter<Turn> for Flood {
    type Out = Turn;

    async fn apply(&self, turn: Turn) -> Result<ControlFlow<Ending, Turn>, ChainError> {
        let spared = turn.conversation.agent().is_some() && !self.config.while_assigned;
        if turn.author != Author::Contact || spared {
            return Ok(ControlFlow::Continue(turn));
        }
        let thread = &turn.conversation.thread;
        let (span, most) = (self.config.window.0, self.config.messages.get());
        let key = format!("flood-window:{thread}");
        match self.cache.count(&key, &Window { span, most }).await {
            Ok(Admission::Granted { .. }) => return Ok(ControlFlow::Continue(turn)),
            Ok(Admission::Refused { .. }) => {}
            Err(error) => {
                // A lost cache must not silence anybody.
                tracing::warn!(trace = turn.trace.0, %error, "messages are not counted");
                return Ok(ControlFlow::Continue(turn));
            }
        }
        let key = format!("flood-told:{thread}");
        let effects = match self.cache.add(&key, 1, span).await {
            Ok(1) => vec![Effect::reply(turn.texts.say(Text::TooFast, &[]))],
            _ => Vec::new(),
        };
        let why = format!("flood: more than {most} messages within {span:?}");
        Ok(ControlFlow::Break(Ending::with(effects, why)))
    }
}

bridge_core::register!(GuardSpec::new::<Flood>("flood").order(-10));

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bridge_core::{
        clock::TestClock,
        plugin::read_config,
        testkit::{tools_at, turn_of_agent, turn_of_contact, words},
    };
    use serde_json::json;

    use super::*;

    fn three_a_minute(clock: &Arc<TestClock>) -> Flood {
        let config = read_config(json!({ "messages": 3 })).unwrap();
        Flood::build(config, &tools_at(clock.clone())).unwrap()
    }

    /// `None`: it went on.
    async fn stopped(flood: &Flood, turn: Turn) -> Option<Vec<String>> {
        match flood.apply(turn).await.unwrap() {
            ControlFlow::Continue(_) => None,
            ControlFlow::Break(ending) => {
                let words = words(&ending.effects);
                Some(words.into_iter().map(str::to_owned).collect())
            }
        }
    }

    #[tokio::test]
    async fn a_contact_is_told_once_and_answered_again_when_the_window_is_over() {
        let clock = Arc::new(TestClock::default());
        let flood = three_a_minute(&clock);
        let say = || stopped(&flood, turn_of_contact("在吗"));
        for _ in 0..3 {
            assert_eq!(say().await, None);
        }
        let told = vec!["您的消息发送得太快了，请稍等片刻再发。".to_owned()];
        assert_eq!(say().await, Some(told));
        assert_eq!(say().await, Some(vec![]));
        clock.advance(Duration::from_secs(59));
        assert_eq!(say().await, Some(vec![]));
        clock.advance(Duration::from_secs(1));
        assert_eq!(say().await, None);
    }

    /// A window that began anew with its first message would let them all through again at its edge.
    #[tokio::test]
    async fn at_no_edge_are_there_more() {
        let clock = Arc::new(TestClock::default());
        let flood = three_a_minute(&clock);
        let mut answered = Vec::new();
        for second in 0..600_u64 {
            // In bursts, at odd moments.
            if second % 20 < 5 || second % 61 > 56 {
                for _ in 0..2 {
                    if stopped(&flood, turn_of_contact("在吗")).await.is_none() {
                        answered.push(second);
                    }
                }
            }
            clock.advance(Duration::from_secs(1));
        }
        assert!(answered.len() >= 27, "and they are answered: {answered:?}");
        for four in answered.windows(4) {
            assert!(four[3] - four[0] >= 60, "four within a minute: {four:?}");
        }
    }

    #[tokio::test]
    async fn contacts_are_counted_apart_and_agents_not_at_all() {
        let clock = Arc::new(TestClock::default());
        let flood = three_a_minute(&clock);
        let mut other = turn_of_contact("在吗");
        other.conversation.thread.peer = "o-li".into();
        for _ in 0..3 {
            assert_eq!(stopped(&flood, turn_of_contact("在吗")).await, None);
            assert_eq!(stopped(&flood, other.clone()).await, None);
        }
        for _ in 0..9 {
            assert_eq!(stopped(&flood, turn_of_agent("system", "您好")).await, None);
        }
        assert!(stopped(&flood, other).await.is_some());
    }

    #[tokio::test]
    async fn an_agent_sees_everything_unless_configured_otherwise() {
        let clock = Arc::new(TestClock::default());
        let mut turn = turn_of_contact("在吗");
        turn.conversation.phase = turn_of_agent("system", "").conversation.phase;
        for (while_assigned, gone_on) in [(false, true), (true, false)] {
            let config =
                json!({ "messages": 1, "window": "10s", "while_assigned": while_assigned });
            let config = read_config(config).unwrap();
            let flood = Flood::build(config, &tools_at(clock.clone())).unwrap();
            let _ = stopped(&flood, turn.clone()).await;
            assert_eq!(stopped(&flood, turn.clone()).await.is_none(), gone_on);
        }
    }

    #[test]
    fn a_window_of_nothing_is_refused_by_its_key() {
        let config = read_config(json!({ "window": "0s" })).unwrap();
        let error = Flood::build(config, &tools_at(Arc::new(TestClock::default()))).err();
        assert_eq!(error.map(|error| error.key), Some("window".to_owned()));
        assert!(read_config::<Config>(json!({ "messages": 0 })).is_err());
    }
}
