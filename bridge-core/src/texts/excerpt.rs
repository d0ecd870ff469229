//! A content in a few words, for notices about it.

use crate::message::Content;

/// A few words of a content, for notices about it: at most 30 characters.
pub fn excerpt(content: &Content) -> String {
    let words = words_of(content);
    let mut excerpt: String = words.chars().take(30).collect();
    if words.chars().nth(30).is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// The words of a content on one line of at most `most` characters, the last a `…` where something was cut.
pub fn shortened(content: &Content, most: usize) -> String {
    let line = words_of(content).split_whitespace().collect::<Vec<_>>();
    let line = line.join(" ");
    if line.chars().count() <= most {
        return line;
    }
    let mut cut: String = line.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// What was said, or what kind of thing was sent.
fn words_of(content: &Content) -> &str {
    content.words().unwrap_or(match content {
        Content::Image { .. } => "[图片]",
        Content::Voice { .. } => "[语音]",
        Content::Video { .. } => "[视频]",
        Content::File { .. } => "[文件]",
        Content::Location { .. } => "[位置]",
        Content::Link { .. } => "[链接]",
        Content::MiniProgram { .. } => "[小程序]",
        Content::Music { title, .. } | Content::Hosted { title, .. } if !title.is_empty() => title,
        Content::Music { .. } => "[音乐]",
        Content::Hosted { .. } => "[素材]",
        Content::Menu { .. } => "[菜单]",
        _ => "[消息]",
    })
}
