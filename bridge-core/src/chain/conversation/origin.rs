//! Where a contact comes from: what the page that opened the chat said about itself. `agent:NAME` names a dedicated agent;
//! the rest, as `key=value&…` or as JSON, is shown to agents. The page's words are a stranger's: bounded, and never acted on
//! beyond these two.

use std::borrow::Cow;

use crate::{channel::NUDGE_KEY, message::AgentName, texts::Locale};

/// How many facts are read, and how long each may be.
const FACTS: usize = 12;
const KEY: usize = 32;
const VALUE: usize = 120;

/// What a page said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Origin {
    /// The agent it names.
    pub(super) agent: Option<AgentName>,
    /// The nudge that was tapped.
    pub(super) nudge: Option<String>,
    /// Facts for agents, in order.
    facts: Vec<(String, String)>,
}

impl Origin {
    pub(super) fn read(from: &str) -> Self {
        let from = from.trim();
        let mut origin = Self::default();
        if let Some(named) = from.strip_prefix("agent:") {
            let (agent, rest) = named.split_once('&').unwrap_or((named, ""));
            origin.take("agent", agent);
            origin.pairs(rest);
        } else if from.starts_with("http://") || from.starts_with("https://") {
            origin.take("page", from);
        } else if let Ok(serde_json::Value::Object(members)) = serde_json::from_str(from) {
            for (key, value) in &members {
                match value {
                    serde_json::Value::String(text) => origin.take(key, text),
                    other => origin.take(key, &other.to_string()),
                }
            }
        } else {
            origin.pairs(from);
        }
        origin
    }

    /// `key=value&…`; some part them by `|`.
    fn pairs(&mut self, text: &str) {
        for pair in text.split(['&', '|']).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((key, value)) => self.take(&decoded(key), &decoded(value)),
                None => self.take("", &decoded(pair)),
            }
        }
    }

    fn take(&mut self, key: &str, value: &str) {
        let (key, value) = (line(key, KEY), line(value, VALUE));
        if value.is_empty() {
            return;
        }
        match key.as_str() {
            "agent" => self.agent = Some(AgentName::new(value)),
            NUDGE_KEY => self.nudge = Some(value),
            _ if self.facts.len() < FACTS => self.facts.push((key, value)),
            _ => {}
        }
    }

    /// The facts as a line; empty where there are none.
    pub(super) fn facts(&self, locale: Locale) -> String {
        let shown = self
            .facts
            .iter()
            .map(|(key, value)| match label(key, locale) {
                "" => value.clone(),
                label => format!("{label} {value}"),
            });
        shown.collect::<Vec<_>>().join(locale.pick("；", "; "))
    }
}

/// What agents call it.
fn label(key: &str, locale: Locale) -> &str {
    let (zh, en) = match key.to_ascii_lowercase().as_str() {
        "page" | "path" => ("页面", "page"),
        "order" | "order_id" | "orderid" => ("订单", "order"),
        "sku" | "item" | "product" | "goods" => ("商品", "item"),
        "src" | "source" | "from" => ("来源", "from"),
        "title" => ("标题", "title"),
        "scene" => ("场景", "scene"),
        _ => return key,
    };
    locale.pick(zh, en)
}

/// One line, without control characters, at most so long.
fn line(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(most).collect::<String>().trim().to_owned()
}

/// Percent-decoded once, as a page's query is.
fn decoded(text: &str) -> Cow<'_, str> {
    crate::channel::percent_decode(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn facts(from: &str) -> String {
        Origin::read(from).facts(Locale::Zh)
    }

    #[test]
    fn the_usual_forms() {
        assert_eq!(
            facts("page=pages/item/index&order=42&vip=%E6%98%AF"),
            "页面 pages/item/index；订单 42；vip 是"
        );
        assert_eq!(facts("src=faq|sku=42"), "来源 faq；商品 42");
        assert_eq!(
            facts(r#"{"page":"pages/a","order":42}"#),
            "订单 42；页面 pages/a"
        );
        assert_eq!(
            facts("https://shop.example/?a=1&b=2"),
            "页面 https://shop.example/?a=1&b=2"
        );
        let english = Origin::read("page=pages/a&order=42&vip=1").facts(Locale::En);
        assert_eq!(english, "page pages/a; order 42; vip 1");
        assert_eq!(facts("首页按钮"), "首页按钮");
        assert_eq!(facts(""), "");
    }

    #[test]
    fn an_agent_is_named_in_every_form() {
        for from in [
            "agent:lin",
            "agent=lin&page=a",
            "agent:lin&page=a",
            r#"{"agent":"lin"}"#,
        ] {
            assert_eq!(
                Origin::read(from).agent,
                Some(AgentName::new("lin")),
                "{from}"
            );
        }
        assert_eq!(facts("agent:lin&page=a"), "页面 a");
        assert_eq!(Origin::read("kefu_nudge=17").nudge.as_deref(), Some("17"));
        assert_eq!(Origin::read("page=agent:lin").agent, None);
    }

    proptest! {
        #[test]
        fn whatever_a_page_says_is_one_bounded_line(from in ".{0,3000}") {
            let facts = facts(&from);
            prop_assert!(!facts.contains(['\n', '\r', '\0']));
            prop_assert!(facts.chars().count() <= FACTS * (KEY + VALUE + 2));
        }
    }
}
