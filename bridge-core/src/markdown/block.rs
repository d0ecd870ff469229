//! What a line is: heading, item, rule, fence or plain words.

/// One line, with its marks told apart from its words.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    Blank,
    Rule,
    /// `====` under a heading: a mark without words.
    Underline,
    Heading(&'a str),
    Item {
        depth: usize,
        mark: String,
        text: &'a str,
    },
    Text(&'a str),
}

/// The deepest indentation of a list that is still shown.
const DEEPEST: usize = 4;

pub(super) fn read(raw: &str) -> Line<'_> {
    let line = unquoted(raw);
    let text = line.trim();
    if text.is_empty() {
        Line::Blank
    } else if is_rule(text) {
        Line::Rule
    } else if text.len() >= 3 && text.bytes().all(|b| b == b'=') {
        Line::Underline
    } else if let Some(words) = heading(text) {
        Line::Heading(words)
    } else if let Some((mark, words)) = item(text) {
        let depth = (indent(line) / 2).min(DEEPEST);
        Line::Item {
            depth,
            mark,
            text: words,
        }
    } else {
        Line::Text(text)
    }
}

/// Without the marks of quotation.
fn unquoted(raw: &str) -> &str {
    let mut line = raw;
    while let Some(inner) = line.trim_start().strip_prefix('>') {
        line = inner.strip_prefix(' ').unwrap_or(inner);
    }
    line
}

fn indent(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace())
        .map(|c| if c == '\t' { 4 } else { 1 })
        .sum()
}

fn is_rule(text: &str) -> bool {
    let mut marks = text.chars().filter(|c| *c != ' ');
    let first = marks.next();
    matches!(first, Some('-' | '*' | '_'))
        && marks.clone().count() >= 2
        && marks.all(|c| Some(c) == first)
}

/// `# Title`; from two signs on also without the space, as models write it. `#1` and `#tag` are words.
fn heading(text: &str) -> Option<&str> {
    let words = text.trim_start_matches('#');
    let level = text.len() - words.len();
    let spaced = words.is_empty() || words.starts_with(char::is_whitespace);
    if !(1..=6).contains(&level) || (level == 1 && !spaced) {
        return None;
    }
    let words = words.trim();
    let bare = words.trim_end_matches('#');
    // Closing signs count as marks only after a space: `C#` is a word.
    Some(if bare.is_empty() || bare.ends_with(' ') {
        bare.trim_end()
    } else {
        words
    })
}

fn item(text: &str) -> Option<(String, &str)> {
    if let Some(words) = text.strip_prefix(['-', '*', '+', '•'])
        && words.starts_with([' ', '\t'])
    {
        return Some(task(words.trim_start()));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let words = text[digits..].strip_prefix(['.', ')'])?;
    let is_item = (1..=9).contains(&digits) && words.starts_with([' ', '\t']);
    is_item.then(|| (format!("{} ", &text[..=digits]), words.trim_start()))
}

fn task(words: &str) -> (String, &str) {
    let boxes = [("[ ] ", "☐ "), ("[x] ", "☑ "), ("[X] ", "☑ ")];
    boxes
        .into_iter()
        .find_map(|(mark, sign)| Some((sign.to_owned(), words.strip_prefix(mark)?)))
        .unwrap_or_else(|| ("• ".to_owned(), words))
}

/// A run of backticks or tildes around code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fence {
    sign: u8,
    length: usize,
}

impl Fence {
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        let (fence, rest) = Self::at_start(line)?;
        (!rest.contains('`')).then_some(fence)
    }

    /// What stands behind the opening: empty for a language's name, which is a mark, else words.
    pub(super) fn words(line: &str) -> &str {
        let info = Self::at_start(line).map_or("", |(_, rest)| rest.trim());
        let is_name = info.bytes().all(|b| b.is_ascii_graphic());
        if is_name { "" } else { info }
    }

    pub(super) fn is_closed_by(self, line: &str) -> bool {
        Self::at_start(line).is_some_and(|(other, rest)| {
            other.sign == self.sign && other.length >= self.length && rest.trim().is_empty()
        })
    }

    fn at_start(line: &str) -> Option<(Self, &str)> {
        let text = line.trim_start();
        let sign = *text.as_bytes().first()?;
        let length = text.bytes().take_while(|b| *b == sign).count();
        let is_fence = matches!(sign, b'`' | b'~') && length >= 3;
        is_fence.then(|| (Self { sign, length }, &text[length..]))
    }
}
