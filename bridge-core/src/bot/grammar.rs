//! Commands in chat: `#转接 -n system`. Names match without regard to case and width; words are quoted as in a shell;
//! what is wrong is answered in the reader's language with what, where and how to mend it.

use super::{BotSpec, Known};

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

/// A bot's command as clap parses it.
pub fn command(spec: &BotSpec) -> clap::Command {
    spec.command().name(spec.name).no_binary_name(true)
}

/// The arguments of plain speech: none. `None` where the bot requires some.
pub fn empty_args(known: &Known) -> Option<clap::ArgMatches> {
    known
        .command
        .clone()
        .try_get_matches_from(std::iter::empty::<&str>())
        .ok()
}
