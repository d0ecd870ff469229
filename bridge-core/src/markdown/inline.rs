//! The marks within a line.

use super::delimiter::{self, Run};
use super::html::{self, Tag};
use super::reference::{self, Reference};

/// A line's parts: words, and signs that may turn out to be marks.
enum Piece {
    Words(String),
    Signs(Run),
}

/// How deep links within links are followed.
const DEEPEST: usize = 4;

/// `line` without its marks.
pub(super) fn plain(line: &str) -> String {
    nested(line, 0)
}

fn nested(line: &str, depth: usize) -> String {
    let mut pieces = Pieces::default();
    let mut rest = line;
    while let Some(at) = rest.find(['\\', '`', '!', '[', '<', '&', '*', '_', '~']) {
        pieces.words(&rest[..at]);
        rest = &rest[at..];
        let before = line[..line.len() - rest.len()].chars().next_back();
        rest = &rest[pieces.take(rest, before, depth)..];
    }
    pieces.words(rest);
    pieces.joined()
}

#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    href: Option<String>,
}

impl Pieces {
    /// Takes what `rest` begins with and says how long it was.
    fn take(&mut self, rest: &str, before: Option<char>, depth: usize) -> usize {
        if let Some(length) = reference::escape(rest) {
            self.words(&rest[1..length]);
            return length;
        }
        if let Some((code, length)) = reference::code_span(rest) {
            self.words(code.trim());
            return length;
        }
        if let Some((found, length)) = reference::at_start(rest) {
            self.reference(found, depth);
            return length;
        }
        if let Some((tag, length)) = html::at_start(rest) {
            self.tag(tag);
            return length;
        }
        if let Some((character, length)) = html::entity(rest) {
            self.words(character.encode_utf8(&mut [0; 4]));
            return length;
        }
        self.signs(rest, before)
    }

    /// A run of signs, or one character that meant nothing.
    fn signs(&mut self, rest: &str, before: Option<char>) -> usize {
        let first = rest.chars().next().unwrap_or_default();
        if !matches!(first, '*' | '_' | '~' | '`') {
            self.words(&rest[..first.len_utf8()]);
            return first.len_utf8();
        }
        // The whole run at once: sign by sign, a long run would be counted again each time.
        let length = rest.chars().take_while(|c| *c == first).count();
        if first == '`' {
            self.words(&rest[..length]);
        } else {
            let after = rest[length..].chars().next();
            let run = Run::new(first, length, before, after);
            self.pieces.push(Piece::Signs(run));
        }
        length
    }

    fn reference(&mut self, found: Reference<'_>, depth: usize) {
        let text = match depth < DEEPEST {
            true => nested(found.text, depth + 1),
            false => found.text.to_owned(),
        };
        self.words(&text);
        let title = match found.title {
            "" => String::new(),
            title => format!(" {title}"),
        };
        self.address(&text, found.url, &title);
    }

    /// The address behind its words, unless the words are the address.
    fn address(&mut self, text: &str, url: &str, title: &str) {
        let bare = url.strip_prefix("mailto:").unwrap_or(url);
        if text.trim().is_empty() {
            self.words(&format!("{bare}{title}"));
        } else if text.trim() != bare {
            self.words(&format!(" ({url}{title})"));
        }
    }

    fn tag(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Address(address) => self.words(address),
            Tag::LinkStart(href) => self.href = Some(href.to_owned()),
            Tag::LinkEnd => match self.href.take() {
                Some(href) if !href.is_empty() => self.words(&format!(" ({href})")),
                _ => {}
            },
            Tag::Image { alt, src } => {
                self.words(alt);
                self.address(alt, src, "");
            }
            Tag::Break if self.is_empty() => {}
            Tag::Break => self.words("\n"),
            Tag::Mark => {}
        }
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    fn words(&mut self, words: &str) {
        match self.pieces.last_mut() {
            _ if words.is_empty() => {}
            Some(Piece::Words(before)) => before.push_str(words),
            _ => self.pieces.push(Piece::Words(words.to_owned())),
        }
    }

    fn joined(self) -> String {
        let runs: Vec<Run> = self
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Signs(run) => Some(*run),
                Piece::Words(_) => None,
            })
            .collect();
        let mut is_mark = delimiter::marks(&runs).into_iter();
        let mut out = String::new();
        for piece in self.pieces {
            match piece {
                Piece::Words(words) => out.push_str(&words),
                Piece::Signs(run) => {
                    if !is_mark.next().unwrap_or_default() {
                        out.push_str(&run.text());
                    }
                }
            }
        }
        // A link tag that was never closed still had an address.
        if let Some(href) = self.href.filter(|href| !href.is_empty()) {
            out.push_str(&format!(" ({href})"));
        }
        out.trim_end().to_owned()
    }
}
