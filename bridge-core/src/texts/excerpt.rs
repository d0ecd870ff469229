//! A content in a few words, for notices about it.

use super::Locale;
use crate::message::Content;

/// A few words of a content, for notices about it: at most 30 characters.
pub fn excerpt(content: &Content, locale: Locale) -> String {
    let words = words_of(content, locale);
    let mut excerpt: String = words.chars().take(30).collect();
    if words.chars().nth(30).is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// The words of a content on one line of at most `most` characters, the last a `…` where something was cut.
pub fn shortened(content: &Content, most: usize, locale: Locale) -> String {
    let line = words_of(content, locale)
        .split_whitespace()
        .collect::<Vec<_>>();
    let line = line.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What was said, or what kind of thing was sent.
fn words_of(content: &Content, locale: Locale) -> &str {
    if let Some(words) = content.words() {
        return words;
    }
    let (zh, en) = match content {
        Content::Music { title, .. } | Content::Hosted { title, .. } if !title.is_empty() => {
            return title;
        }
        Content::Image { .. } => ("[图片]", "[picture]"),
        Content::Voice { .. } => ("[语音]", "[voice message]"),
        Content::Video { .. } => ("[视频]", "[video]"),
        Content::File { .. } => ("[文件]", "[file]"),
        Content::Location { .. } => ("[位置]", "[place]"),
        Content::Link { .. } => ("[链接]", "[link]"),
        Content::MiniProgram { .. } => ("[小程序]", "[mini program]"),
        Content::Music { .. } => ("[音乐]", "[music]"),
        Content::Hosted { .. } => ("[素材]", "[article]"),
        Content::Menu { .. } => ("[菜单]", "[menu]"),
        _ => ("[消息]", "[message]"),
    };
    locale.pick(zh, en)
}
