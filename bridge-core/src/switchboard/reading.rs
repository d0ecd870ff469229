//! What an agent's line says about whom it is for: `@2 好的`, `#2`, `2`, `@小周 好的`. Half and full width are the same.

/// How a line begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Somebody is named; the words may be none.
    To {
        /// Who.
        who: Who,
        /// What is said to them.
        words: String,
    },
    /// `#列表`: who is on which line.
    List,
    /// `#取消`: what waits for a name is not to be sent.
    Cancel,
    /// `#上班`, `#下班`.
    Duty {
        /// Which of the two.
        online: bool,
    },
    /// Nobody is named; other commands are such words, too.
    Plain,
}

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// `@2`, `#2`.
    Number(u32),
    /// `2` and nothing else: perhaps an answer, perhaps words.
    Bare(u32),
    /// `@小周`: perhaps a name, perhaps words.
    Name(String),
}

/// Numbers have so many digits at most.
const DIGITS: usize = 4;

pub(super) fn read(text: &str) -> Reading {
    let text = text.trim_matches(blank);
    let mut rest = text.chars();
    match rest.next().map(narrow) {
        Some('@') => named(rest.as_str()).unwrap_or(Reading::Plain),
        Some('#') => command(rest.as_str()),
        Some(_) => match number(text) {
            Some((number, "")) => Reading::To {
                who: Who::Bare(number),
                words: String::new(),
            },
            _ => Reading::Plain,
        },
        None => Reading::Plain,
    }
}

fn command(rest: &str) -> Reading {
    if let Some((number, words)) = number(rest) {
        return to(Who::Number(number), words);
    }
    let word: String = rest.chars().map(narrow).collect::<String>().to_lowercase();
    match word.trim_end() {
        "列表" | "客户" | "list" => Reading::List,
        "取消" | "cancel" => Reading::Cancel,
        "上班" | "on" => Reading::Duty { online: true },
        "下班" | "off" => Reading::Duty { online: false },
        _ => Reading::Plain,
    }
}

fn named(rest: &str) -> Option<Reading> {
    if let Some((number, words)) = number(rest) {
        return Some(to(Who::Number(number), words));
    }
    let (name, words) = rest.split_once(blank).unwrap_or((rest, ""));
    (!name.is_empty()).then(|| to(Who::Name(name.to_owned()), words))
}

fn to(who: Who, words: &str) -> Reading {
    Reading::To {
        who,
        words: words.trim_start_matches(blank).to_owned(),
    }
}

/// A number at the beginning, and what follows it: nothing, or something parted from it by a blank or a colon.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .char_indices()
        .find(|(_, c)| !narrow(*c).is_ascii_digit())
        .map_or(text.len(), |(at, _)| at);
    let (digits, rest) = text.split_at(end);
    let digits: String = digits.chars().map(narrow).collect();
    if digits.is_empty() || digits.len() > DIGITS {
        return None;
    }
    let parted = rest.is_empty() || rest.starts_with(|c| blank(c) || matches!(c, ':' | '：'));
    let rest = rest.trim_start_matches([':', '：']);
    parted.then_some((digits.parse().ok()?, rest))
}

fn blank(c: char) -> bool {
    c.is_whitespace()
}

/// A full-width character as its half-width one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(number: u32, words: &str) -> Reading {
        to(Who::Number(number), words)
    }

    #[test]
    fn numbers_and_names_are_read_in_both_widths() {
        assert_eq!(read("@2 好的"), number(2, "好的"));
        assert_eq!(read("＠２　好的"), number(2, "好的"));
        assert_eq!(read("@2：好的"), number(2, "好的"));
        assert_eq!(read(" #12 "), number(12, ""));
        assert_eq!(read("＃3"), number(3, ""));
        assert_eq!(read("@小周 在的"), to(Who::Name("小周".to_owned()), "在的"));
        assert_eq!(read("2"), to(Who::Bare(2), ""));
    }

    #[test]
    fn what_names_nobody_is_plain() {
        for plain in [
            "",
            "@",
            "你好",
            "2个",
            "@2个都要",
            "#转接 -n lin",
            "#2x",
            "12345",
            "a@2",
            "##2",
        ] {
            let read = read(plain);
            let name = matches!(
                &read,
                Reading::To {
                    who: Who::Name(_),
                    ..
                }
            );
            assert!(read == Reading::Plain || name, "{plain}: {read:?}");
        }
    }

    #[test]
    fn words_of_the_board() {
        assert_eq!(read("＃列表"), Reading::List);
        assert_eq!(read("#LIST"), Reading::List);
        assert_eq!(read("#取消"), Reading::Cancel);
        assert_eq!(read("#下班"), Reading::Duty { online: false });
    }
}
