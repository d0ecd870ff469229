//! The little HTML that models mix into Markdown: known tags and entities. Everything else that has angle brackets is
//! words: `a < b > c`.

/// A tag that `text` begins with.
#[derive(Debug, PartialEq)]
pub(super) enum Tag<'a> {
    /// `<https://…>` or `<name@host>`.
    Address(&'a str),
    /// `<a href=…>`.
    LinkStart(&'a str),
    /// `</a>`.
    LinkEnd,
    /// `<img alt=… src=…>`.
    Image { alt: &'a str, src: &'a str },
    /// `<br>` and what else begins a line.
    Break,
    /// A mark without words.
    Mark,
}

/// The longest tag, in bytes.
const LONGEST: usize = 2048;

const MARKS: &[&str] = &[
    "b",
    "i",
    "u",
    "s",
    "em",
    "strong",
    "del",
    "ins",
    "mark",
    "small",
    "big",
    "sub",
    "sup",
    "span",
    "font",
    "center",
    "code",
    "kbd",
    "pre",
    "details",
    "summary",
    "table",
    "thead",
    "tbody",
    "ul",
    "ol",
    "blockquote",
];
const BREAKS: &[&str] = &[
    "br", "p", "div", "li", "tr", "hr", "h1", "h2", "h3", "h4", "h5", "h6",
];

/// The tag and its length.
pub(super) fn at_start(text: &str) -> Option<(Tag<'_>, usize)> {
    let inner = text.strip_prefix('<')?;
    let end = inner
        .bytes()
        .take(LONGEST)
        .position(|b| b == b'>' || b == b'<')?;
    if inner.as_bytes()[end] != b'>' {
        return None;
    }
    read(&inner[..end]).map(|tag| (tag, end + 2))
}

fn read(inner: &str) -> Option<Tag<'_>> {
    if is_address(inner) {
        return Some(Tag::Address(inner.strip_prefix("mailto:").unwrap_or(inner)));
    }
    let is_end = inner.starts_with('/');
    let body = inner.trim_matches('/').trim_end();
    // A space behind the bracket: `a < b` is words.
    let name = body.split(char::is_whitespace).next()?.to_ascii_lowercase();
    match name.as_str() {
        "a" if is_end => Some(Tag::LinkEnd),
        "a" => Some(Tag::LinkStart(attribute(body, "href").unwrap_or_default())),
        "img" => Some(Tag::Image {
            alt: attribute(body, "alt").unwrap_or_default(),
            src: attribute(body, "src").unwrap_or_default(),
        }),
        // The start of a paragraph after words, and the end of one, both end the line.
        name if BREAKS.contains(&name) => Some(Tag::Break),
        name if MARKS.contains(&name) => Some(Tag::Mark),
        _ => None,
    }
}

fn is_address(inner: &str) -> bool {
    let plain = !inner.contains(char::is_whitespace);
    let schemes = ["http://", "https://", "mailto:"];
    let is_url = schemes.iter().any(|scheme| inner.starts_with(scheme));
    let is_mail = inner.contains('@') && inner.contains('.') && !inner.contains(['"', '=']);
    plain && (is_url || is_mail)
}

fn attribute<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = body;
    loop {
        let (before, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote {
            Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        let key = before.split_whitespace().next_back()?;
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
}

/// The character of the entity that `text` begins with, and its length.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    let inner = text.strip_prefix('&')?;
    let end = inner.bytes().take(9).position(|b| b == b';')?;
    let name = &inner[..end];
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "hellip" => '…',
        "mdash" => '—',
        _ => numbered(name)?,
    };
    Some((character, end + 2))
}

fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(number).filter(|c| !c.is_control())
}
