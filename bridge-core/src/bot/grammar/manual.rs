//! The commands of a configuration: looked up by what people type, listed for who may use them.

use std::collections::BTreeMap;

use super::{BotSpec, fold};
use crate::{message::Author, texts::Locale};

/// How alike two names must be to be suggested. Chinese names of two characters with one wrong have just this.
const ALIKE: f64 = 0.5;
/// How many names are suggested.
const SUGGESTED: usize = 3;
/// A typed name beyond this many characters is compared by its beginning only.
const COMPARED: usize = 64;

/// The commands there are.
#[derive(Clone, Default)]
pub struct Manual {
    pages: BTreeMap<&'static str, Page>,
    names: BTreeMap<String, &'static str>,
}

/// One command: who may use it and what it takes.
#[derive(Clone)]
pub struct Page {
    /// The bot behind it.
    pub spec: BotSpec,
    /// Its arguments.
    pub command: clap::Command,
}

impl Manual {
    /// Adds a bot's command.
    pub fn add(&mut self, spec: BotSpec) {
        self.names
            .extend(spec.names().map(|name| (fold(name), spec.name)));
        let command = super::command(&spec);
        self.pages.insert(spec.name, Page { spec, command });
    }

    /// The command of that name or alias, however it is spelt.
    pub fn page(&self, name: &str) -> Option<&Page> {
        self.pages.get(self.names.get(&fold(name))?)
    }

    /// The commands this author may use.
    pub fn open_to(&self, author: &Author) -> impl Iterator<Item = &Page> {
        self.pages
            .values()
            .filter(move |page| page.spec.audience.admits(author))
    }

    /// The commands `typed` may have meant, best first, as they are written: `#转接`.
    pub fn nearest(&self, typed: &str, author: &Author, locale: Locale) -> Vec<String> {
        let typed: String = fold(typed).chars().take(COMPARED).collect();
        let mut scored: Vec<(f64, String)> = self
            .open_to(author)
            .filter_map(|page| {
                let (score, name) = page
                    .spec
                    .names()
                    .map(|name| (alike(&fold(name), &typed), name))
                    .max_by(|a, b| a.0.total_cmp(&b.0))?;
                let shown = page.spec.shown_names().any(|shown| shown == name);
                let name = if shown { name } else { page.name(locale) };
                (score >= ALIKE).then(|| (score, format!("#{name}")))
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        scored
            .into_iter()
            .take(SUGGESTED)
            .map(|(_, name)| name)
            .collect()
    }
}

impl FromIterator<BotSpec> for Manual {
    fn from_iter<T: IntoIterator<Item = BotSpec>>(specs: T) -> Self {
        let mut manual = Self::default();
        for spec in specs {
            manual.add(spec);
        }
        manual
    }
}

impl Page {
    /// The name it is shown under: the first Chinese one for who reads Chinese.
    pub fn name(&self, locale: Locale) -> &'static str {
        match locale {
            Locale::En => self.spec.name,
            Locale::Zh => self
                .spec
                .shown_names()
                .find(|name| !name.is_ascii())
                .unwrap_or(self.spec.name),
        }
    }
}

/// How alike a name and what was typed are; a name with its argument stuck to it (`转接system`) is meant for sure.
fn alike(name: &str, typed: &str) -> f64 {
    if name.chars().nth(1).is_some() && typed.starts_with(name) {
        return 1.0;
    }
    strsim::normalized_damerau_levenshtein(name, typed)
}
