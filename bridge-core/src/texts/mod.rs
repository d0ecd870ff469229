//! The words people are spoken to in: Chinese first, English beside it, each replaceable in `[texts]`.

mod catalogue;
mod excerpt;

use std::collections::BTreeMap;

pub use catalogue::Text;
pub use excerpt::{excerpt, shortened};

/// The language people are spoken to in.
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
pub enum Locale {
    /// Simplified Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Zh,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl Locale {
    /// The one of two that is in this language.
    pub fn pick<'w>(self, zh: &'w str, en: &'w str) -> &'w str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// The words, with an operator's replacements.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The language.
    pub locale: Locale,
    replaced: BTreeMap<&'static str, String>,
}

/// A replacement that names no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no text is called \"{name}\"; the nearest is \"{nearest}\"")]
pub struct UnknownText {
    /// What was given.
    pub name: String,
    /// What may have been meant.
    pub nearest: &'static str,
}

impl Texts {
    /// The built-in words of a language.
    pub fn new(locale: Locale) -> Self {
        Self {
            locale,
            replaced: BTreeMap::new(),
        }
    }

    /// With an operator's words in place of some.
    pub fn with(locale: Locale, replaced: BTreeMap<String, String>) -> Result<Self, UnknownText> {
        let mut texts = Self::new(locale);
        for (name, words) in replaced {
            let Some(text) = Text::ALL.iter().find(|text| text.name() == name) else {
                let nearest = Text::ALL.iter().map(|text| text.name()).max_by(|a, b| {
                    strsim::jaro_winkler(a, &name).total_cmp(&strsim::jaro_winkler(b, &name))
                });
                return Err(UnknownText {
                    name,
                    nearest: nearest.unwrap_or_default(),
                });
            };
            texts.replaced.insert(text.name(), words);
        }
        Ok(texts)
    }

    /// A text with its places filled: `{agent}` by the value named `agent`.
    pub fn say(&self, text: Text, values: &[(&str, &str)]) -> String {
        let words = self
            .replaced
            .get(text.name())
            .map_or_else(|| text.words(self.locale), String::as_str);
        fill(words, values)
    }

    /// Whether an operator has replaced a text by nothing: it is not to be said.
    pub fn silenced(&self, text: Text) -> bool {
        self.replaced
            .get(text.name())
            .is_some_and(|words| words.trim().is_empty())
    }
}

/// Fills places in one pass: what a value contains is never taken for a place.
fn fill(words: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        filled.push_str(before);
        let value = place.find('}').and_then(|end| {
            let name = &place[1..end];
            let (_, value) = values.iter().find(|(place, _)| *place == name)?;
            Some((*value, end))
        });
        let (written, taken) = value.map_or(("{", 1), |(value, end)| (value, end + 1));
        filled.push_str(written);
        rest = &place[taken..];
    }
    filled.push_str(rest);
    filled
}
