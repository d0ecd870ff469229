//! Commands in chat: `#转接 -n system`. Decides whether a line is a command, whose, and what is answered where it is
//! not a good one: always in the reader's language, with what is wrong, where, and how to mend it.
//!
//! Names match without regard to case and width; words are quoted as in a shell; what phones make of `--` and of
//! quotes counts as what was meant. Nothing a stranger types panics or costs more than its length.

mod help;
mod manual;
mod words;
mod wrong;

pub use manual::{Manual, Page};

use super::{BotSpec, Known};
use crate::{
    message::{Author, BotName},
    texts::{Text, Texts},
};

/// The longest command, in characters; a note of a few paragraphs fits.
pub const LONGEST: usize = 4_000;
/// The most words of a command.
pub const MOST_WORDS: usize = 500;

/// What a line turned out to be.
#[derive(Debug, Clone)]
pub enum Reading {
    /// No command: ordinary speech.
    Speech,
    /// Speech that begins with `#`, written `##`.
    Literal(String),
    /// A command.
    Command(Called),
    /// A command that is answered right here: a refusal, or the help that was asked for.
    Answer {
        /// The answer.
        text: String,
        /// Why: for the trace.
        why: String,
    },
}

/// A command that was understood.
#[derive(Debug, Clone)]
pub struct Called {
    /// The bot.
    pub bot: BotName,
    /// The name it was called by, folded.
    pub name: String,
    /// Its arguments.
    pub args: clap::ArgMatches,
    /// The same as the words that were typed, the command left out.
    pub argv: Vec<String>,
}

/// Reads one message. Agents' lines that begin with `#` or `＃` are commands; contacts' only where the command admits
/// contacts, and ordinary speech otherwise.
pub fn read(line: &str, author: &Author, manual: &Manual, texts: &Texts) -> Reading {
    let Some(rest) = after_hash(line) else {
        return Reading::Speech;
    };
    if let Some(literal) = after_hash(rest) {
        return escaped(rest, literal, author, manual);
    }
    let rest = rest.trim_start_matches(blank);
    let (name, rest) = rest.split_at(rest.find(blank).unwrap_or(rest.len()));
    match manual.page(name) {
        Some(page) if page.spec.audience.admits(author) => call(page, name, rest, texts),
        _ if *author == Author::Contact => Reading::Speech,
        Some(_) => answer(
            texts.say(Text::CommandRefused, &[("name", &short(name))]),
            format!("not allowed: {}", short(name)),
        ),
        None if name.is_empty() => answer(manual.list(author, texts), "a bare #"),
        None => answer(
            manual.unknown(name, author, texts),
            format!("unknown command {}", short(name)),
        ),
    }
}

/// Reads what follows a command's name.
fn call(page: &Page, name: &str, rest: &str, texts: &Texts) -> Reading {
    let refused = |text: String| answer(text, format!("badly written: {}", short(name)));
    if rest.chars().nth(LONGEST).is_some() {
        return refused(texts.say(Text::CommandTooLong, &[("limit", &LONGEST.to_string())]));
    }
    let words = match words::split(rest) {
        Ok(words) if words.len() <= MOST_WORDS => words,
        Ok(_) => {
            return refused(texts.say(Text::CommandTooLong, &[("limit", &LONGEST.to_string())]));
        }
        Err(words::OpenQuote) => {
            return refused(help::with_usage(
                &texts.say(Text::CommandOpenQuote, &[]),
                page,
                texts,
            ));
        }
    };
    if words.iter().any(|word| help::asked_by(word, page)) {
        return answer(page.help(texts), format!("help of {}", page.spec.name));
    }
    let argv: Vec<String> = words
        .into_iter()
        .map(|word| words::as_option(word, &page.command))
        .collect();
    match page.command.clone().try_get_matches_from(&argv) {
        Ok(args) => Reading::Command(Called {
            bot: BotName::new(page.spec.name),
            name: fold(name),
            args,
            argv,
        }),
        Err(error) => refused(help::with_usage(
            &wrong::explain(&error, page, texts),
            page,
            texts,
        )),
    }
}

/// `##` sends a literal `#`. A contact's `##` is left alone unless it escapes what would be a command of theirs.
fn escaped(rest: &str, literal: &str, author: &Author, manual: &Manual) -> Reading {
    let name = literal.trim_start_matches(blank);
    let name = &name[..name.find(blank).unwrap_or(name.len())];
    let escapes = manual
        .page(name)
        .is_some_and(|page| page.spec.audience.admits(author));
    if *author == Author::Contact && !escapes {
        return Reading::Speech;
    }
    // The first of the two signs goes, the second stays as it was typed.
    Reading::Literal(rest.to_owned())
}

fn answer(text: String, why: impl Into<String>) -> Reading {
    Reading::Answer {
        text,
        why: why.into(),
    }
}

/// What follows a `#` at the start, blanks before it left out.
fn after_hash(line: &str) -> Option<&str> {
    line.trim_start_matches(blank).strip_prefix(['#', '＃'])
}

/// White space, and what is as good as none: zero-width characters that phones and copying put in.
fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// What somebody typed, short enough to be repeated to them.
fn short(typed: &str) -> String {
    const MOST: usize = 30;
    let mut short: String = typed.chars().take(MOST).collect();
    if typed.chars().nth(MOST).is_some() {
        short.push('…');
    }
    short
}

/// A name as it is compared: lower case, half width.
pub fn fold(name: &str) -> String {
    name.chars()
        .map(half_width)
        .flat_map(char::to_lowercase)
        .collect()
}

fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    }
}

/// Whether these are the same words, punctuation around them, case and width aside: `转人工！` is `转人工`.
pub fn same_words(a: &str, b: &str) -> bool {
    let bare = |text: &str| {
        fold(text)
            .trim_matches(|c: char| !c.is_alphanumeric())
            .to_owned()
    };
    bare(a) == bare(b)
}

/// A bot's command as clap parses it; clap's own help is off, since it speaks English only.
pub fn command(spec: &BotSpec) -> clap::Command {
    let mut command = spec
        .command()
        .name(spec.name)
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .disable_version_flag(true)
        .color(clap::ColorChoice::Never);
    // Once, here, and not at every parse; and what an argument is called can only be asked of a command that is built.
    command.build();
    command
}

/// The arguments of plain speech: none. `None` where the bot requires some.
pub fn empty_args(known: &Known) -> Option<clap::ArgMatches> {
    known.speech.clone()
}

#[cfg(test)]
mod tests;
