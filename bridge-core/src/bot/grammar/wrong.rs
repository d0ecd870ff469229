//! What is wrong with a command's arguments, in our own words: what, where, and how to mend it. clap knows the fault;
//! its sentences are English and made for terminals.

use clap::error::{ContextKind as C, ContextValue, ErrorKind as K};

use super::{Page, fold, help, short};
use crate::texts::{Locale, Text, Texts};

/// Options at least this alike are suggested.
const ALIKE: f64 = 0.5;

/// The sentence about a fault.
pub(super) fn explain(error: &clap::Error, page: &Page, texts: &Texts) -> String {
    let fault = Fault { error, page };
    let option = fault.argument();
    let value = short(&fault.text(C::InvalidValue));
    match error.kind() {
        K::UnknownArgument if option.starts_with('-') => {
            let nearest = fault.nearest_option(&option, texts);
            texts.say(
                Text::WrongOption,
                &[("nearest", &nearest), ("option", &option)],
            )
        }
        K::UnknownArgument | K::TooManyValues => {
            texts.say(Text::WrongSurplus, &[("word", &option)])
        }
        K::MissingRequiredArgument | K::MissingSubcommand => {
            texts.say(Text::WrongMissing, &[("what", &fault.missing())])
        }
        K::InvalidValue | K::TooFewValues | K::WrongNumberOfValues if value.is_empty() => {
            texts.say(Text::WrongEmpty, &[("option", &option)])
        }
        K::InvalidValue | K::InvalidSubcommand => {
            let comma = match texts.locale {
                Locale::Zh => "、",
                Locale::En => ", ",
            };
            let choices = fault.list(C::ValidValue).join(comma);
            let value = if value.is_empty() {
                short(&fault.text(C::InvalidSubcommand))
            } else {
                value
            };
            texts.say(
                Text::WrongChoice,
                &[
                    ("choices", &choices),
                    ("option", &option),
                    ("value", &value),
                ],
            )
        }
        K::ValueValidation => {
            let why = fault.reason(texts);
            texts.say(
                Text::WrongValue,
                &[("why", &why), ("option", &option), ("value", &value)],
            )
        }
        K::ArgumentConflict => {
            let other = fault.list(C::PriorArg);
            match other.first().map(|other| fault.named(other)) {
                Some(other) if other != option => texts.say(
                    Text::WrongTogether,
                    &[("other", &other), ("option", &option)],
                ),
                _ => texts.say(Text::WrongTwice, &[("option", &option)]),
            }
        }
        _ => texts.say(Text::WrongSomehow, &[]),
    }
}

struct Fault<'a> {
    error: &'a clap::Error,
    page: &'a Page,
}

impl Fault<'_> {
    fn list(&self, kind: C) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    fn text(&self, kind: C) -> String {
        self.list(kind).into_iter().next().unwrap_or_default()
    }

    /// The argument the fault is about: as our help names it where the command has it, as it was typed otherwise.
    fn argument(&self) -> String {
        self.named(&self.text(C::InvalidArg))
    }

    fn missing(&self) -> String {
        let missing = self.list(C::InvalidArg);
        let missing: Vec<String> = missing.iter().map(|arg| self.named(arg)).collect();
        if missing.is_empty() {
            let names = self
                .page
                .command
                .get_subcommands()
                .map(clap::Command::get_name);
            return names.collect::<Vec<_>>().join("|");
        }
        missing.join(" ")
    }

    /// clap writes `--name <AGENT>`, `<CITY>`, `[AGENT]`.
    fn named(&self, written: &str) -> String {
        let bare = written.split(' ').next().unwrap_or(written);
        let known = self
            .page
            .command
            .get_arguments()
            .find(|arg| arg.to_string() == written || self.is_option(arg, bare));
        known.map_or_else(|| short(written), help::names)
    }

    fn is_option(&self, arg: &clap::Arg, bare: &str) -> bool {
        let long = arg
            .get_long()
            .is_some_and(|long| bare.strip_prefix("--") == Some(long));
        let letter = arg
            .get_short()
            .is_some_and(|letter| bare == format!("-{letter}"));
        long || letter
    }

    fn nearest_option(&self, typed: &str, texts: &Texts) -> String {
        let typed: String = fold(typed.trim_start_matches('-'))
            .chars()
            .take(64)
            .collect();
        let longs = self
            .page
            .command
            .get_arguments()
            .filter_map(clap::Arg::get_long);
        let nearest = longs
            .map(|long| (strsim::normalized_damerau_levenshtein(long, &typed), long))
            .filter(|(score, _)| *score >= ALIKE)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        nearest.map_or_else(String::new, |(_, long)| {
            texts.say(Text::CommandNearest, &[("names", &format!("--{long}"))])
        })
    }

    /// Why a value cannot be read. What a bot's own parser says is passed on, but no English to who reads Chinese.
    fn reason(&self, texts: &Texts) -> String {
        let Some(source) = std::error::Error::source(self.error) else {
            return String::new();
        };
        if source.is::<std::num::ParseIntError>() || source.is::<std::num::ParseFloatError>() {
            return texts.say(Text::WhyNumber, &[]);
        }
        let said = source.to_string();
        // clap's words for a number out of its range: `30 is not in 1..=7`.
        if let Some((_, range)) = said.split_once(" is not in ") {
            return texts.say(Text::WhyRange, &[("range", &range.replace("..=", "~"))]);
        }
        match texts.locale {
            Locale::Zh if said.is_ascii() => String::new(),
            Locale::Zh => format!("：{said}"),
            Locale::En => format!(": {said}"),
        }
    }
}
