//! A line into words. The quoting is a shell's, made kind to phones: full-width spaces, curly quotes and the dash that
//! phones make of `--` are what was meant; an apostrophe within a word is an apostrophe; `#` starts no comment.

use std::{iter::Peekable, str::Chars};

use super::{blank, fold, half_width};

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Without its quotes.
    pub(super) text: String,
    /// Whether it began with a quote: then it is never an option.
    pub(super) quoted: bool,
}

/// A quote was opened and never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenQuote;

/// Splits a line.
pub(super) fn split(line: &str) -> Result<Vec<Word>, OpenQuote> {
    let mut words = Vec::new();
    let mut rest = line.chars().peekable();
    loop {
        while rest.next_if(|c| blank(*c)).is_some() {}
        if rest.peek().is_none() {
            return Ok(words);
        }
        words.push(word(&mut rest)?);
    }
}

fn word(rest: &mut Peekable<Chars<'_>>) -> Result<Word, OpenQuote> {
    let mut text = String::new();
    let quoted = rest.peek().is_some_and(|c| quote(*c).is_some());
    let mut fresh = true;
    while let Some(c) = rest.next_if(|c| !blank(*c)) {
        match quote(c) {
            Some(Quote::Double) => within(Quote::Double, rest, &mut text)?,
            Some(Quote::Single) if fresh => within(Quote::Single, rest, &mut text)?,
            _ if c == '\\' => text.push(rest.next().unwrap_or(c)),
            _ => text.push(c),
        }
        // `--name='小 王'`: after the sign, and after another quote, a quote opens as at the start of a word.
        fresh = matches!(c, '=' | '＝') || quote(c) == Some(Quote::Double);
    }
    Ok(Word { text, quoted })
}

/// Takes everything up to the closing quote.
fn within(
    opened: Quote,
    rest: &mut Peekable<Chars<'_>>,
    text: &mut String,
) -> Result<(), OpenQuote> {
    while let Some(c) = rest.next() {
        if quote(c) == Some(opened) {
            return Ok(());
        }
        match rest.peek() {
            Some('"' | '\\') if c == '\\' && opened == Quote::Double => text.extend(rest.next()),
            _ => text.push(c),
        }
    }
    Err(OpenQuote)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quote {
    Single,
    Double,
}

fn quote(c: char) -> Option<Quote> {
    match c {
        '"' | '“' | '”' | '＂' => Some(Quote::Double),
        '\'' | '‘' | '’' | '＇' => Some(Quote::Single),
        _ => None,
    }
}

/// An option as clap knows it: `－－name`, `—name` (what a phone makes of `--name`), `-name` and `--NAME` are `--name`
/// where the command has that option. Any other word stays as it is: `——好的` is speech.
pub(super) fn as_option(word: Word, command: &clap::Command) -> String {
    let name = word.text.trim_start_matches(dash);
    if word.quoted || name.len() == word.text.len() {
        return word.text;
    }
    let dashes: Vec<char> = word.text.chars().take_while(|c| dash(*c)).collect();
    let (name, value) = match name.split_once(['=', '＝']) {
        Some((name, value)) => (name, Some(value)),
        None => (name, None),
    };
    let typed: String = name.chars().map(half_width).collect();
    let known = [typed.clone(), fold(&typed)]
        .into_iter()
        .find(|name| knows(command, name));
    if known.is_none() && !typed.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return word.text;
    }
    let letter = typed.chars().nth(1).is_none();
    // A short option may have its value stuck to it (`-nsystem`): one plain dash stays one.
    let stuck = known.is_none() && dashes.len() == 1 && dashes[0] != '—';
    let lead = if letter || stuck { "-" } else { "--" };
    let name = known.unwrap_or(typed);
    match value {
        Some(value) => format!("{lead}{name}={value}"),
        None => format!("{lead}{name}"),
    }
}

fn dash(c: char) -> bool {
    matches!(c, '-' | '－' | '—' | '–')
}

fn knows(command: &clap::Command, name: &str) -> bool {
    let mut letters = name.chars();
    let letter = letters.next().filter(|_| letters.next().is_none());
    command.get_arguments().any(|arg| {
        let long = arg.get_long() == Some(name)
            || arg
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name));
        let short = letter.is_some_and(|letter| {
            arg.get_short() == Some(letter)
                || arg
                    .get_all_short_aliases()
                    .is_some_and(|aliases| aliases.contains(&letter))
        });
        long || short
    })
}
