//! Fitting what is to be said into what a platform shows: Markdown made plain, long words split at sentences, messages
//! merged when the allowance is short. Pure, and done before anything is sent, so that one dispatch is one call.

use unicode_segmentation::UnicodeSegmentation;

use crate::{
    channel::Capabilities,
    markdown,
    message::{Content, Format, Text},
};

/// A content as the messages it takes on a platform. What the platform has no form for becomes what comes next to it.
pub fn fit(content: Content, within: &Capabilities) -> Vec<Content> {
    let content = match content.plainer() {
        Some(plainer) if !within.kinds.contains(&content.kind()) => plainer,
        _ => content,
    };
    let Content::Text(Text { text, format }) = content else {
        return vec![content];
    };
    let (text, format) = match format {
        Format::Markdown if !within.markdown => (markdown::plain(&text), Format::Plain),
        other => (text, other),
    };
    let parts = match within.text_bytes {
        Some(limit) => split(&text, limit),
        None => vec![text],
    };
    parts
        .into_iter()
        .map(|text| Content::Text(Text { text, format }))
        .collect()
}

/// The same with a label before each part of a text.
pub fn fit_labelled(label: &str, content: Content, within: &Capabilities) -> Vec<Content> {
    if label.is_empty() {
        return fit(content, within);
    }
    let within = Capabilities {
        text_bytes: within
            .text_bytes
            .map(|limit| limit.saturating_sub(label.len())),
        ..within.clone()
    };
    let parts = fit(content, &within).into_iter();
    let labelled = parts.map(|part| match part {
        Content::Text(Text { text, format }) => Content::Text(Text {
            text: format!("{label}{text}"),
            format,
        }),
        other => other,
    });
    labelled.collect()
}

/// Joins neighbouring plain texts as far as the platform's length allows: fewer messages, the same words.
pub fn merge(contents: Vec<Content>, within: &Capabilities) -> Vec<Content> {
    let limit = within.text_bytes.unwrap_or(usize::MAX);
    let mut merged: Vec<Content> = Vec::with_capacity(contents.len());
    for content in contents {
        match (merged.last_mut(), &content) {
            (Some(Content::Text(before)), Content::Text(text))
                if before.format == text.format
                    && before.text.len() + text.text.len() + 2 <= limit =>
            {
                before.text.push_str("\n\n");
                before.text.push_str(&text.text);
            }
            _ => merged.push(content),
        }
    }
    merged
}

/// Splits words into parts of at most `limit` UTF-8 bytes: at an empty line, a line, a sentence, a space or, where there
/// is nothing of the kind in the part's second half, between two characters as people see them. No word is lost; white
/// space at a cut is.
pub fn split(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(16);
    let mut parts = Vec::new();
    let mut rest = text.trim_end();
    while rest.len() > limit {
        let at = cut(rest, limit);
        let (part, tail) = rest.split_at(at);
        if !part.trim().is_empty() {
            parts.push(part.trim_end().to_owned());
        }
        rest = tail.trim_start_matches(['\n', ' ', '\u{3000}']);
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest.to_owned());
    }
    parts
}

/// Where to cut: a byte index in `1..=limit`, on a boundary between graphemes.
fn cut(text: &str, limit: usize) -> usize {
    let mut window = limit;
    while !text.is_char_boundary(window) {
        window -= 1;
    }
    let head = &text[..window];
    for marks in ["\n\n", "\n", "。！？!?；;…", "，,、：: \u{3000}"] {
        let found = match marks {
            "\n\n" | "\n" => head.rfind(marks).map(|at| at + marks.len()),
            _ => head
                .char_indices()
                .rev()
                .find(|(_, c)| marks.contains(*c))
                .map(|(at, c)| at + c.len_utf8()),
        };
        if let Some(at) = found.filter(|at| *at > limit / 2) {
            return at;
        }
    }
    // A grapheme longer than the window (a stranger can write one) is cut between its characters.
    let last = text
        .grapheme_indices(true)
        .map(|(at, _)| at)
        .take_while(|at| *at <= window)
        .last();
    last.filter(|at| *at > 0).unwrap_or(window)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cuts_at_sentences() {
        let parts = split("第一句话。第二句话。第三句话。", 36);
        assert_eq!(parts, ["第一句话。第二句话。", "第三句话。"]);
    }

    #[test]
    fn keeps_a_family_together() {
        let family = "👨‍👩‍👧";
        let parts = split(&family.repeat(4), 40);
        assert!(
            parts.iter().all(|part| part.len() % family.len() == 0),
            "{parts:?}"
        );
    }

    #[test]
    fn merges_within_the_limit() {
        let within = Capabilities {
            text_bytes: Some(20),
            ..Capabilities::default()
        };
        let merged = merge(
            vec![
                Content::text("12345678"),
                Content::text("abcdefgh"),
                Content::text("x"),
            ],
            &within,
        );
        assert_eq!(
            merged,
            [Content::text("12345678\n\nabcdefgh"), Content::text("x")]
        );
    }

    proptest! {
        #[test]
        fn loses_no_word_and_keeps_the_limit(text in "\\PC{0,400}", limit in 16_usize..200) {
            let parts = split(&text, limit);
            let longest = text.graphemes(true).map(str::len).max().unwrap_or(0);
            prop_assert!(parts.iter().all(|part| part.len() <= limit.max(longest)));
            let dense = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(dense(&parts.concat()), dense(&text));
        }
    }
}
