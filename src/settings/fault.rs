//! What is wrong with a configuration, for whoever has to mend it.

use std::fmt;

use bridge_core::{plugin::BuildError, texts::Locale};

use super::wording;

/// One fault of the configuration: where it is, what is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key's path: `inboxes.mall.encoding_aes_key`.
    pub path: String,
    /// What is wrong, in English.
    pub what: String,
    /// The same in Chinese.
    pub what_zh: String,
    /// An example of what is right.
    pub example: String,
}

impl Fault {
    /// A fault in both languages.
    pub fn new(
        path: impl Into<String>,
        zh: impl Into<String>,
        en: impl Into<String>,
        example: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            what: en.into(),
            what_zh: zh.into(),
            example: example.into(),
        }
    }

    /// A plugin's fault, below its section.
    pub fn below(section: &str, error: BuildError) -> Self {
        let path = if error.key.is_empty() {
            section.to_owned()
        } else {
            format!("{section}.{}", error.key)
        };
        // A plugin's own words are left alone; what serde says is put into words that say what to do.
        if error.what_zh.is_empty() && error.example.is_empty() {
            let (zh, en, example) = wording::of_value(&error.what);
            return Self::new(path, zh, en, example);
        }
        let what_zh = match error.what_zh.is_empty() {
            true => error.what.clone(),
            false => error.what_zh,
        };
        Self {
            path,
            what: error.what,
            what_zh,
            example: error.example,
        }
    }

    /// The fault in one line.
    pub fn line(&self, locale: Locale) -> String {
        let (what, example) = match locale {
            Locale::Zh => (&self.what_zh, "例如"),
            Locale::En => (&self.what, "e.g."),
        };
        let example = if self.example.is_empty() {
            String::new()
        } else {
            format!(" ({example} {})", self.example)
        };
        format!("{}: {what}{example}", self.path)
    }
}

/// All faults of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// In the order of the file's sections.
    pub all: Vec<Fault>,
    /// The language to say them in.
    pub locale: Locale,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.locale {
            Locale::Zh => write!(f, "配置有 {} 处错误：", self.all.len())?,
            Locale::En => write!(f, "the configuration has {} fault(s):", self.all.len())?,
        }
        self.all
            .iter()
            .try_for_each(|fault| write!(f, "\n  {}", fault.line(self.locale)))
    }
}
