//! What a command does and how it is written, in the reader's language. The words are the doc comments of the bot's
//! `Args`: the first paragraph in Chinese, what follows it in English.

use clap::{Arg, builder::StyledStr};

use super::{Manual, Page, short, words::Word};
use crate::{
    message::Author,
    texts::{Locale, Text, Texts},
};

impl Manual {
    /// What this author may use, one line each.
    pub fn list(&self, author: &Author, texts: &Texts) -> String {
        let lines: Vec<String> = self
            .open_to(author)
            .map(|page| page.line(texts.locale))
            .collect();
        texts.say(Text::HelpList, &[("commands", &lines.join("\n"))])
    }

    /// The answer to a command that does not exist: the nearest ones this author may use.
    pub fn unknown(&self, typed: &str, author: &Author, texts: &Texts) -> String {
        let names = self.nearest(typed, author, texts.locale);
        let nearest = if names.is_empty() {
            String::new()
        } else {
            texts.say(Text::CommandNearest, &[("names", &names.join(" "))])
        };
        let typed = short(typed);
        texts.say(
            Text::CommandUnknown,
            &[("name", &typed), ("nearest", &nearest)],
        )
    }
}

impl Page {
    /// Everything about it: names, purpose, usage, options.
    pub fn help(&self, texts: &Texts) -> String {
        let usage = texts.say(Text::HelpUsage, &[("usage", &self.usage(texts.locale))]);
        let mut lines = vec![self.line(texts.locale), usage];
        lines.extend(shown(self).map(|arg| {
            let about = in_language(arg.get_help(), arg.get_long_help(), texts.locale);
            format!("  {}  {about}", signature(arg))
                .trim_end()
                .to_owned()
        }));
        lines.join("\n")
    }

    /// How it is written: `#转接 [AGENT] [-n AGENT]`.
    pub fn usage(&self, locale: Locale) -> String {
        let mut usage = format!("#{}", self.name(locale));
        for arg in shown(self) {
            usage.push(' ');
            usage.push_str(&place(arg));
        }
        let subcommands: Vec<&str> = self
            .command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        if !subcommands.is_empty() {
            usage.push_str(&format!(" <{}>", subcommands.join("|")));
        }
        usage
    }

    /// `#转接 #transfer：purpose`
    fn line(&self, locale: Locale) -> String {
        let first = self.name(locale);
        let others = self.spec.shown_names().filter(|name| *name != first);
        let names: Vec<String> = std::iter::once(first)
            .chain(others)
            .map(|name| format!("#{name}"))
            .collect();
        let about = in_language(
            self.command.get_about(),
            self.command.get_long_about(),
            locale,
        );
        let colon = match locale {
            Locale::Zh => "：",
            Locale::En => ": ",
        };
        format!("{}{colon}{about}", names.join(" "))
    }
}

/// A refusal with the command's usage below.
pub(super) fn with_usage(wrong: &str, page: &Page, texts: &Texts) -> String {
    let usage = page.usage(texts.locale);
    texts.say(Text::CommandUsage, &[("usage", &usage), ("wrong", wrong)])
}

/// Whether a word asks for the command's help.
pub(super) fn asked_by(word: &Word, page: &Page) -> bool {
    let word = super::words::as_option(word.clone(), &page.command);
    match word.as_str() {
        "--help" | "--帮助" => true,
        "-h" => !page
            .command
            .get_arguments()
            .any(|arg| arg.get_short() == Some('h')),
        _ => false,
    }
}

/// An option as it is named in refusals: `-n, --name`.
pub(super) fn names(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => value_name(arg),
    }
}

fn shown(page: &Page) -> impl Iterator<Item = &Arg> {
    page.command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
}

/// `-n, --name AGENT`
fn signature(arg: &Arg) -> String {
    if arg.is_positional() || !takes_value(arg) {
        return names(arg);
    }
    format!("{} {}", names(arg), value_name(arg))
}

/// An argument's place in the usage.
fn place(arg: &Arg) -> String {
    let many = if many(arg) { "..." } else { "" };
    let written = match (arg.get_short(), arg.get_long()) {
        (None, None) if arg.is_required_set() => return format!("<{}>{many}", value_name(arg)),
        (None, None) => return format!("[{}]{many}", value_name(arg)),
        (Some(short), _) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
    };
    let written = if takes_value(arg) {
        format!("{written} {}", value_name(arg))
    } else {
        written
    };
    if arg.is_required_set() {
        written
    } else {
        format!("[{written}]{many}")
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn many(arg: &Arg) -> bool {
    matches!(arg.get_action(), clap::ArgAction::Append)
}

fn value_name(arg: &Arg) -> String {
    arg.get_value_names()
        .and_then(|names| names.first())
        .map_or_else(
            || arg.get_id().as_str().to_uppercase(),
            |name| name.as_str().to_owned(),
        )
}

/// The first paragraph in Chinese; what follows it in English, where there is anything.
fn in_language(first: Option<&StyledStr>, whole: Option<&StyledStr>, locale: Locale) -> String {
    let text = |styled: Option<&StyledStr>| styled.map(ToString::to_string).unwrap_or_default();
    let (first, whole) = (text(first), text(whole));
    let second = whole
        .strip_prefix(first.as_str())
        .unwrap_or(&whole)
        .trim_start_matches(|c: char| c.is_whitespace() || c == '.')
        .to_owned();
    match locale {
        Locale::En if !second.is_empty() => second.replace('\n', " "),
        _ => first.replace('\n', " "),
    }
}
