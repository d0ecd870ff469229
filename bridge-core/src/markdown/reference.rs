//! Links and images: `[text](url)` and `![alt](url)`.

use super::block::Fence;

/// The longest text in brackets, and the longest address, that is looked through; in bytes.
const LONGEST_TEXT: usize = 2048;
const LONGEST_URL: usize = 4096;
/// The deepest nesting that is followed. Both bounds keep a row of ten thousand brackets cheap.
const DEEPEST: usize = 8;

/// One link or image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// `![…](…)` rather than `[…](…)`.
    pub is_image: bool,
    /// The words in brackets, still Markdown.
    pub text: &'a str,
    /// The address, as written.
    pub url: &'a str,
    /// The title behind the address, quotes included; mostly empty.
    pub title: &'a str,
}

/// Goes over every link and image outside code; `f` says what stands there instead, `None` for what stood there.
pub fn rewrite(markdown: &str, mut f: impl FnMut(Reference<'_>) -> Option<String>) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut fence: Option<Fence> = None;
    for line in markdown.split_inclusive('\n') {
        match fence {
            Some(open) => {
                fence = (!open.is_closed_by(line)).then_some(open);
                out.push_str(line);
            }
            None => {
                fence = Fence::opened_by(line);
                match fence {
                    Some(_) => out.push_str(line),
                    None => rewrite_line(line, &mut out, &mut f),
                }
            }
        }
    }
    out
}

fn rewrite_line(line: &str, out: &mut String, f: &mut impl FnMut(Reference<'_>) -> Option<String>) {
    let mut rest = line;
    while let Some(at) = rest.find(['!', '[', '`', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if let Some((reference, length)) = at_start(rest) {
            if let Some(instead) = f(reference) {
                out.push_str(&instead);
                rest = &rest[length..];
                continue;
            }
            length
        } else if let Some((_, length)) = code_span(rest) {
            length
        } else {
            escape(rest).unwrap_or_else(|| ticks(rest).max(1))
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out.push_str(rest);
}

/// The length of a backslash with the sign that it protects.
pub(super) fn escape(text: &str) -> Option<usize> {
    let next = text.strip_prefix('\\')?.bytes().next()?;
    next.is_ascii_punctuation().then_some(2)
}

/// The reference that `text` begins with, and its length.
pub(super) fn at_start(text: &str) -> Option<(Reference<'_>, usize)> {
    let is_image = text.starts_with('!');
    let bracketed = &text[usize::from(is_image)..];
    let words = enclosed(bracketed, b'[', b']', LONGEST_TEXT)?;
    let target = &bracketed[words.len() + 2..];
    let inner = enclosed(target, b'(', b')', LONGEST_URL)?;
    let (url, title) = destination(inner.trim())?;
    let length = usize::from(is_image) + words.len() + 2 + inner.len() + 2;
    Some((
        Reference {
            is_image,
            text: words,
            url,
            title,
        },
        length,
    ))
}

fn destination(inner: &str) -> Option<(&str, &str)> {
    let (url, title) = match inner
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
    {
        Some((url, title)) => (url, title.trim()),
        None => inner.split_once(char::is_whitespace).unwrap_or((inner, "")),
    };
    let title = title.trim();
    let quoted = title.is_empty() || title.starts_with(['"', '\'']);
    (!url.is_empty() && quoted).then_some((url, title))
}

/// What stands between `open` and its matching `close`.
fn enclosed(text: &str, open: u8, close: u8, longest: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&open) {
        return None;
    }
    let mut depth = 0;
    let mut escaped = false;
    for (at, &byte) in bytes.iter().enumerate().take(longest) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' => return None,
            _ if byte == open => depth += 1,
            _ if byte == close => depth -= 1,
            _ => {}
        }
        match depth {
            0 => return Some(&text[1..at]),
            DEEPEST.. => return None,
            _ => {}
        }
    }
    None
}

/// How many backticks `text` begins with.
fn ticks(text: &str) -> usize {
    text.bytes().take_while(|b| *b == b'`').count()
}

/// The longest code span that is looked for, in bytes.
const LONGEST_CODE: usize = 8192;

/// The code between two equal runs of backticks that `text` begins with, and the length of the whole.
pub(super) fn code_span(text: &str) -> Option<(&str, usize)> {
    let run = ticks(text);
    if run == 0 {
        return None;
    }
    let window = text.as_bytes().get(run..)?;
    let window = &window[..window.len().min(LONGEST_CODE)];
    let mut at = 0;
    while let Some(found) = window[at..].iter().position(|b| *b == b'`') {
        at += found;
        let length = window[at..].iter().take_while(|b| **b == b'`').count();
        if length == run {
            return Some((&text[run..run + at], run + at + run));
        }
        at += length;
    }
    None
}
