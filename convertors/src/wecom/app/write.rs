//! Bodies of `message/send` (WeCom: 4.1): `msgtype` and the object of the same name; the channel adds the receiver and,
//! to a card, its `task_id`. Media must be the platform's before they are written; what was not uploaded is shown as a link.

use bridge_core::{
    channel::Capabilities,
    convert::{ConvertError, Loss, Written},
    markdown,
    message::{Content, Format, InboxName, Media, MenuItem},
};
use serde_json::{Value, json};

use super::{
    super::body::{handle, linked, of, words},
    read::{CARD, cut},
};

/// Limits in bytes, of buttons in number (WeCom: 4.1).
const TITLE: usize = 128;
const DESCRIPTION: usize = 512;
const URL: usize = 2048;
const KEY: usize = 1024;
const BUTTONS: usize = 6;
/// Clients show no more of a card, in characters.
const CARD_TITLE: usize = 26;
const CARD_TEXT: usize = 112;

/// What is written, and what of it was lost.
type Body = (Value, Option<&'static str>);

/// A content as a message to send.
///
/// # Errors
/// [`ConvertError::Unspeakable`] for what nobody can say.
pub fn message(
    content: &Content,
    inbox: &InboxName,
    within: &Capabilities,
) -> Result<Written<Value>, ConvertError> {
    let (body, lost) = body(content, inbox, within)?;
    let lost = lost.map(|what| Loss::new(content.kind(), what));
    Ok(Written {
        parts: vec![body],
        lost: lost.into_iter().collect(),
    })
}

fn body(content: &Content, inbox: &InboxName, within: &Capabilities) -> Result<Body, ConvertError> {
    let medium = |kind: &str, what: &str, media: &Media| match handle(media, inbox) {
        Some(id) => Ok((of(kind, json!({ "media_id": id })), None)),
        None => Ok((linked(what, media, content)?, Some("shown as a link"))),
    };
    Ok(match content {
        Content::Text(text) if text.text.trim().is_empty() => {
            return Err(ConvertError::unspeakable(content, "an empty text"));
        }
        Content::Text(text) => match text.format {
            Format::Markdown if within.markdown => {
                (of("markdown", json!({ "content": text.text })), None)
            }
            Format::Markdown => (words(&markdown::plain(&text.text)), None),
            Format::Plain => (words(&text.text), None),
        },
        Content::Choice { label, .. } => (words(label), None),
        Content::Image { media } => medium("image", "图片", media)?,
        Content::Voice { media, words, .. } => {
            let said = words.as_deref().unwrap_or_default();
            medium("voice", format!("语音 {said}").trim(), media)?
        }
        Content::Video { media, .. } => medium("video", "视频", media)?,
        Content::File { media } => {
            let name = media.name.as_deref().unwrap_or_default();
            medium("file", format!("文件 {name}").trim(), media)?
        }
        Content::Location {
            latitude,
            longitude,
            label,
        } => (
            place(*latitude, *longitude, label),
            Some("shown as a card with a map's link"),
        ),
        Content::Link {
            title,
            description,
            url,
            picture_url,
        } => link(title, description, url, picture_url.as_deref()),
        Content::MiniProgram {
            app_id,
            title,
            path,
            ..
        } => (
            words(&format!("[小程序] {title}\n{app_id} {path}")),
            Some("shown as its title and path"),
        ),
        Content::Menu { head, items, tail } => menu(head, items, tail),
        other => {
            return Err(ConvertError::unspeakable(
                other,
                "it is nothing that can be said",
            ));
        }
    })
}

fn place(latitude: f64, longitude: f64, label: &str) -> Value {
    let label = if label.trim().is_empty() {
        "位置"
    } else {
        label
    };
    let url = url::form_urlencoded::Serializer::new(String::new())
        .append_pair(
            "marker",
            &format!("coord:{latitude},{longitude};title:{}", cut(label, TITLE)),
        )
        .append_pair("referer", "kefu-bridge")
        .finish();
    let url = format!("https://apis.map.qq.com/uri/v1/marker?{url}");
    text_card(label, &format!("{latitude}, {longitude}"), &url)
}

fn text_card(title: &str, description: &str, url: &str) -> Value {
    let card = json!({ "title": cut(title, TITLE), "description": cut(description, DESCRIPTION), "url": url });
    of("textcard", card)
}

/// A picture beside it makes it an article; without one it is a card. An address that is too long is said in words.
fn link(title: &str, description: &str, url: &str, picture: Option<&str>) -> Body {
    let title = if title.trim().is_empty() { url } else { title };
    if url.len() > URL || !(url.starts_with("http://") || url.starts_with("https://")) {
        let lines = [title, description, url].into_iter();
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        return (words(&lines.join("\n")), Some("shown as text"));
    }
    let description = if description.trim().is_empty() {
        title
    } else {
        description
    };
    match picture {
        Some(picture) => {
            let article = json!({ "title": cut(title, TITLE), "description": cut(description, DESCRIPTION), "url": url, "picurl": picture });
            (of("news", json!({ "articles": [article] })), None)
        }
        None => (text_card(title, description, url), None),
    }
}

/// Up to six choices are buttons of a card; more are lines to answer by.
fn menu(head: &str, items: &[MenuItem], tail: &str) -> Body {
    if items.is_empty() || items.len() > BUTTONS {
        let labels = items.iter().map(|item| item.label.as_str());
        let lines = std::iter::once(head).chain(labels).chain([tail]);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        return (words(&lines.join("\n")), Some("choices shown as text"));
    }
    let (title, rest) = head.split_once('\n').unwrap_or((head, ""));
    let under: Vec<&str> = [rest, tail]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    let (title, more) = split(title, CARD_TITLE);
    let under = format!("{more}{}", under.join("\n"));
    let lost = (under.chars().count() > CARD_TEXT).then_some("the words on a card are cut short");
    let button = |(at, item): (usize, &MenuItem)| {
        json!({
            "text": item.label,
            "style": if at == 0 { 1 } else { 2 },
            "key": cut(&format!("{CARD}{}|{}", item.id, item.label), KEY),
        })
    };
    let mut card = json!({
        "card_type": "button_interaction",
        "main_title": { "title": title },
        "button_list": items.iter().enumerate().map(button).collect::<Vec<_>>(),
    });
    if !under.is_empty() {
        card["sub_title_text"] = split(&under, CARD_TEXT).0.into();
    }
    (of("template_card", card), lost)
}

/// The first so many characters, and the rest, which begins a line of its own.
fn split(text: &str, characters: usize) -> (&str, String) {
    match text.char_indices().nth(characters) {
        Some((at, _)) => (&text[..at], format!("{}\n", &text[at..])),
        None => (text, String::new()),
    }
}
