//! The same in words: what an account may not send, or its platform cannot show.

use bridge_core::{
    convert::ConvertError,
    message::{Content, Media, MediaSource, MenuItem},
    texts::Locale,
};

use super::send::Message;

/// Clients too old for page links follow this instead (WeChat: 6.2).
const OLD_CLIENTS: &str = "https://mp.weixin.qq.com/";

/// What is said where the account may not send this kind (40008, 40200, 48008): `None` where it is words already. Media
/// are shown as links to where they are.
pub fn in_words(content: &Content, locale: Locale) -> Option<Message> {
    let words = match content {
        Content::Menu { head, items, tail } => menu(head, items, tail),
        Content::Link {
            title,
            description,
            url,
            ..
        } => lines(&[title, description, url]),
        Content::Music {
            title,
            description,
            url,
            ..
        } => titled(title, description, url),
        Content::Hosted { title, url, .. } if !title.is_empty() || url.is_some() => {
            lines(&[title, url.as_deref().unwrap_or_default()])
        }
        Content::MiniProgram {
            app_id,
            title,
            path,
            ..
        } => page(app_id, title, path, locale),
        Content::Image { media } => {
            return linked(locale.pick("图片", "picture"), media, content).ok();
        }
        Content::Voice { media, words, .. } => {
            return linked(&voice(words.as_deref(), locale), media, content).ok();
        }
        Content::Video { media, .. } => {
            return linked(locale.pick("视频", "video"), media, content).ok();
        }
        _ => return None,
    };
    Some(Message::text(words))
}

/// Music in words.
pub(super) fn titled(title: &str, description: &str, url: &str) -> String {
    lines(&[&format!("🎵 {title}"), description, url])
}

/// A voice message's name: with its words, where they were recognised.
pub(super) fn voice(words: Option<&str>, locale: Locale) -> String {
    match words.filter(|words| !words.is_empty()) {
        Some(words) => match locale {
            Locale::Zh => format!("语音“{words}”"),
            Locale::En => format!("voice message \"{words}\""),
        },
        None => locale.pick("语音", "voice message").to_owned(),
    }
}

/// A file, by its name.
pub(super) fn file(name: &str, locale: Locale) -> String {
    format!("{} {name}", locale.pick("文件", "file"))
}

/// A menu whose choices are typed: one of them typed is as good as tapped.
pub(super) fn menu(head: &str, items: &[MenuItem], tail: &str) -> String {
    let choices: Vec<String> = items
        .iter()
        .map(|item| format!("· {}", item.label))
        .collect();
    lines(&[head.trim(), &choices.join("\n"), tail.trim()])
}

/// A mini program's page for whoever must find it by hand.
pub(super) fn page(app_id: &str, title: &str, path: &str, locale: Locale) -> String {
    let named = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{name} {value}"),
    };
    lines(&[
        &named(locale.pick("[小程序]", "[Mini program]"), title),
        &named("AppID:", app_id),
        &named(locale.pick("页面:", "Page:"), path),
    ])
}

/// A link in words that opens a mini program's page (WeChat: 6.2).
pub(super) fn page_link(app_id: &str, title: &str, path: &str, locale: Locale) -> String {
    let attribute = |text: &str| {
        text.replace('"', "%22")
            .replace('<', "%3C")
            .replace('>', "%3E")
    };
    let title = if title.trim().is_empty() {
        locale.pick("打开小程序", "Open the mini program")
    } else {
        title
    };
    let title = title.replace('<', "＜").replace('>', "＞");
    format!(
        "<a href=\"{OLD_CLIENTS}\" data-miniprogram-appid=\"{}\" data-miniprogram-path=\"{}\">{title}</a>",
        attribute(app_id),
        attribute(path)
    )
}

/// Something the platform cannot show, as words with where to find it.
pub(super) fn linked(
    what: &str,
    media: &Media,
    content: &Content,
) -> Result<Message, ConvertError> {
    match &media.source {
        MediaSource::Remote { url: Some(url), .. } => {
            Ok(Message::text(format!("[{}] {url}", what.trim())))
        }
        _ => Err(ConvertError::unspeakable(
            content,
            "it was neither uploaded nor has it a URL",
        )),
    }
}

/// What is there of it, a line each.
fn lines(parts: &[&str]) -> String {
    let there: Vec<&str> = parts
        .iter()
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    there.join("\n")
}
