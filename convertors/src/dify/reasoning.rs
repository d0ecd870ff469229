//! What a model thinks to itself, cut out of what it says (Dify: traps 17 and 18).
//!
//! Two renderings: `<think>…</think>`, where the opening tag is often missing and the closing one sometimes, and the
//! older `<details …><summary> Thinking... </summary>…</details>`. When in doubt text goes: a thought shown to a
//! customer is worse than a lost sentence.

/// `text` without its reasoning.
pub(super) fn strip(text: &str) -> String {
    let without = strip_details(text);
    let without = strip_think(&without);
    match without.len() == text.len() {
        true => without,
        false => without.trim().to_owned(),
    }
}

const NAMES: [&str; 2] = ["think", "thinking"];

fn strip_think(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut thinking = false;
    let mut rest = text;
    while let Some((before, tag, after)) = next_tag(rest, &NAMES) {
        match (tag, thinking) {
            (Tag::Start, false) => {
                out.push_str(before);
                thinking = true;
            }
            (Tag::End, true) => thinking = false,
            // No opening tag: what stood before the closing one was a thought too, and goes.
            (Tag::End, false) | (Tag::Start, true) => {}
        }
        rest = after;
    }
    if !thinking {
        out.push_str(rest);
    }
    out
}

fn strip_details(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag, after)) = next_tag(rest, &["details"]) {
        out.push_str(before);
        let is_thought = tag == Tag::Start && summary(after).is_some_and(tells_thinking);
        if is_thought {
            rest = next_end(after).unwrap_or_default();
        } else {
            out.push_str(&rest[before.len()..rest.len() - after.len()]);
            rest = after;
        }
    }
    out + rest
}

fn next_end(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (_, tag, after) = next_tag(rest, &["details"])?;
        if tag == Tag::End {
            return Some(after);
        }
        rest = after;
    }
}

/// The words of the `<summary>` that `text` begins with.
fn summary(text: &str) -> Option<&str> {
    let (before, tag, after) = next_tag(text, &["summary"])?;
    let (words, ..) = next_tag(after, &["summary"])?;
    (tag == Tag::Start && before.trim().is_empty()).then_some(words)
}

fn tells_thinking(summary: &str) -> bool {
    let words = summary.to_ascii_lowercase();
    ["thinking", "thought", "reasoning", "思考", "推理"]
        .iter()
        .any(|word| words.contains(word))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Start,
    End,
}

/// The longest tag, attributes included, in bytes.
const LONGEST: usize = 1024;

/// What stands before the next tag of one of `names`, which kind it is, and what follows it.
fn next_tag<'a>(text: &'a str, names: &[&str]) -> Option<(&'a str, Tag, &'a str)> {
    let mut from = 0;
    while let Some(at) = text[from..].find('<') {
        let start = from + at;
        if let Some((tag, length)) = tag_at(&text[start..], names) {
            return Some((&text[..start], tag, &text[start + length..]));
        }
        from = start + 1;
    }
    None
}

fn tag_at(text: &str, names: &[&str]) -> Option<(Tag, usize)> {
    let inner = &text[1..];
    let (tag, body) = match inner.trim_start().strip_prefix('/') {
        Some(body) => (Tag::End, body),
        None => (Tag::Start, inner),
    };
    let body = body.trim_start();
    let length = body.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let named = names
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&body[..length]));
    if !named {
        return None;
    }
    let end = body.bytes().take(LONGEST).position(|b| b == b'>')?;
    Some((tag, text.len() - body.len() + end + 1))
}

#[cfg(test)]
mod tests {
    use super::strip;

    #[test]
    fn thoughts_go_and_words_stay() {
        let cases = [
            ("在的。", "在的。"),
            ("<think>a</think>好", "好"),
            ("a</think>好", "好"),
            ("<think>a", ""),
            ("<think>a<think>b</think>c</think>好", "好"),
            ("<think>a</think>好<think>b</think>的", "好的"),
            ("<THINK >a</ Think >\n\n好", "好"),
            ("a<thinking>b</thinking>c", "ac"),
            ("1 < 2, <thinker> stays", "1 < 2, <thinker> stays"),
            (
                "<details open> <summary> Thinking... </summary>\nlet me\n</details>\n\n好",
                "好",
            ),
            (
                "<details><summary>更多</summary>内容</details>",
                "<details><summary>更多</summary>内容</details>",
            ),
            ("<details><summary>思考</summary>没有结尾", ""),
            ("好</details>", "好</details>"),
            ("< think", "< think"),
        ];
        for (said, heard) in cases {
            assert_eq!(strip(said), heard, "{said:?}");
        }
    }

    #[test]
    fn ten_thousand_angle_brackets_are_quick() {
        let text = "<".repeat(200_000) + "</think>" + &"< ".repeat(100_000);
        assert!(!strip(&text).contains("think"));
    }
}
