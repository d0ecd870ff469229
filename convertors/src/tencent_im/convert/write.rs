//! Contents as elements.

use std::borrow::Cow;

use bridge_core::convert::{ConvertError, Loss, Written};
use bridge_core::message::{Content, Format, Media, MenuItem, Text};
use bridge_core::texts::Locale;
use bridge_core::{markdown, planning};

use super::media::{self, Placed};
use super::{MAX_BODY_BYTES, TencentIm, weight};
use crate::tencent_im::body::{Element, LocationElem};

/// What becomes of a video without a still.
pub const AS_A_FILE: &str = "shown as a file";
/// The longest label of a place, in characters.
const LABEL: usize = 500;

pub(super) fn elements(
    im: &TencentIm,
    content: &Content,
    text_bytes: usize,
) -> Result<Written<Element<'static>>, ConvertError> {
    let as_words = |words: &str, what: &str| Written {
        parts: texts(words, text_bytes),
        lost: vec![Loss::new(content.kind(), what)],
    };
    Ok(match content {
        Content::Text(Text {
            text,
            format: Format::Plain,
        }) => words(text, text_bytes),
        Content::Text(Text {
            text,
            format: Format::Markdown,
        }) => words(&markdown::plain(text), text_bytes),
        Content::Choice { label, .. } => words(label, text_bytes),
        Content::Location {
            latitude,
            longitude,
            label,
        } => Written::whole(place(*latitude, *longitude, label)),
        Content::Image { media } => Written::whole(media::image(&placed(content, media)?, None)),
        Content::File { media } => Written::whole(media::file(&placed(content, media)?)),
        Content::Video {
            media,
            thumbnail,
            seconds,
        } => video(content, media, thumbnail.as_ref(), *seconds)?,
        Content::Voice {
            media,
            words,
            seconds,
        } => {
            let sound = media::sound(&placed(content, media)?, *seconds);
            let words = recognised(im, words.as_deref());
            let words = words.iter().flat_map(|words| texts(words, text_bytes));
            Written {
                parts: std::iter::once(sound).chain(words).collect(),
                lost: Vec::new(),
            }
        }
        Content::Link {
            title,
            description,
            url,
            ..
        } => as_words(
            &lines(&[title, description, url]),
            "shown as words with the address",
        ),
        Content::MiniProgram { title, path, .. } => {
            let heading = format!("{} {title}", say(im, "[小程序]", "[Mini program]"));
            as_words(
                &lines(&[&heading, path]),
                "shown as words with the page's path",
            )
        }
        Content::Menu { head, items, tail } => {
            as_words(&menu(head, items, tail), "shown as words, nothing to tap")
        }
        Content::Unsupported { what, summary } => {
            as_words(&format!("[{what}] {summary}"), "only named")
        }
        Content::Recalled { .. } => words(
            say(im, "[对方撤回了一条消息]", "[A message was taken back]"),
            text_bytes,
        ),
        _ => return Err(ConvertError::unspeakable(content, "a fact, not a message")),
    })
}

/// A film with its still; without one it is a file.
fn video(
    content: &Content,
    media: &Media,
    thumbnail: Option<&Media>,
    seconds: Option<u32>,
) -> Result<Written<Element<'static>>, ConvertError> {
    let video = placed(content, media)?;
    Ok(match thumbnail.and_then(Placed::at_its_url) {
        Some(still) => Written::whole(media::video(&video, &still, seconds)),
        None => Written {
            parts: vec![media::file(&video)],
            lost: vec![Loss::new(content.kind(), AS_A_FILE)],
        },
    })
}

fn words(text: &str, text_bytes: usize) -> Written<Element<'static>> {
    Written {
        parts: texts(text, text_bytes),
        lost: Vec::new(),
    }
}

/// A text in as few elements as its length allows.
fn texts(text: &str, text_bytes: usize) -> Vec<Element<'static>> {
    let text = visible(text);
    let pieces = match text.len() <= text_bytes {
        true => vec![text.into_owned()],
        false => planning::split(&text, text_bytes),
    };
    pieces.into_iter().flat_map(light).collect()
}

/// A text whose escapes weigh too much, in lighter pieces.
fn light(text: String) -> Vec<Element<'static>> {
    let whole = Element::text(text);
    match &whole {
        Element::Text(heavy) if weight(&whole) > MAX_BODY_BYTES => {
            // Half the weight: every escape that is left doubles its character at most.
            let pieces = planning::split(&heavy.text, MAX_BODY_BYTES / 2 - 64);
            pieces.into_iter().map(Element::text).collect()
        }
        _ => vec![whole],
    }
}

/// Without control characters, which nobody sees and JSON spells in six bytes each.
fn visible(text: &str) -> Cow<'_, str> {
    let unseen = |c: char| c.is_ascii_control() && c != '\n' && c != '\t';
    match text.contains(unseen) {
        true => Cow::Owned(text.replace(unseen, "")),
        false => Cow::Borrowed(text),
    }
}

fn place(latitude: f64, longitude: f64, label: &str) -> Element<'static> {
    let desc: String = visible(label).chars().take(LABEL).collect();
    Element::Location(LocationElem {
        desc: desc.into(),
        latitude,
        longitude,
    })
}

/// What the platform recognised in a voice message, as a line of its own.
pub(super) fn recognised(im: &TencentIm, words: Option<&str>) -> Option<String> {
    let words = words.filter(|words| !words.is_empty())?;
    Some(format!("{} {words}", say(im, "[语音识别]", "[In words]")))
}

fn menu(head: &str, items: &[MenuItem], tail: &str) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| format!("• {}", item.label))
        .collect();
    lines(&[head, &items.join("\n"), tail])
}

fn lines(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

fn say(im: &TencentIm, zh: &'static str, en: &'static str) -> &'static str {
    match im.locale {
        Locale::Zh => zh,
        Locale::En => en,
    }
}

fn placed<'a>(content: &Content, media: &'a Media) -> Result<Placed<'a>, ConvertError> {
    Placed::at_its_url(media).ok_or_else(|| ConvertError::Unspeakable {
        kind: content.kind(),
        detail: "a medium without a URL".to_owned(),
    })
}
