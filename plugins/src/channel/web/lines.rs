//! A line of the transcript as the page gets it. Words stay words: what is markup is for the page to say, and it makes
//! elements of it, never HTML.

use bridge_core::{
    channel::{Line, Shown},
    message::{Content, Format},
    store::EntryAuthor,
    texts::{Locale, excerpt},
};
use serde_json::{Value, json};

/// One line.
pub(super) fn json(line: &Line, public_url: &str, locale: Locale) -> Value {
    let entry = &line.entry;
    let by = match &entry.author {
        EntryAuthor::Contact => "contact",
        EntryAuthor::Agent(_) => "agent",
        EntryAuthor::Bot(_) => "bot",
        EntryAuthor::System | EntryAuthor::Note => "system",
    };
    json!({
        "n": entry.id,
        "trace": entry.trace,
        "by": by,
        "name": line.agent,
        "at": entry.at,
        "content": content(&entry.content, &line.media, public_url, locale),
    })
}

fn content(content: &Content, media: &[Option<Shown>], public_url: &str, locale: Locale) -> Value {
    let first = || media.first().and_then(Option::as_ref);
    let source = |shown: &Shown| source(shown, public_url);
    match content {
        Content::Text(text) => json!({
            "kind": "text", "text": text.text, "markdown": text.format == Format::Markdown,
        }),
        Content::Image { .. } => match first() {
            Some(shown) => json!({
                "kind": "image", "src": source(shown), "name": shown.kept.name,
                "width": shown.kept.dimensions.map(|size| size.0),
                "height": shown.kept.dimensions.map(|size| size.1),
            }),
            None => lost(content, locale),
        },
        Content::Voice { words, seconds, .. } => match first() {
            Some(shown) => json!({
                "kind": "voice", "src": source(shown), "words": words, "seconds": seconds,
            }),
            None => lost(content, locale),
        },
        Content::Video { seconds, .. } => match first() {
            Some(shown) => json!({
                "kind": "video", "src": source(shown), "seconds": seconds,
                "poster": media.get(1).and_then(Option::as_ref).map(source),
            }),
            None => lost(content, locale),
        },
        Content::File { .. } => match first() {
            Some(shown) => json!({
                "kind": "file", "src": source(shown), "name": shown.kept.name, "size": shown.kept.size,
            }),
            None => lost(content, locale),
        },
        Content::Location {
            latitude,
            longitude,
            label,
        } => json!({
            "kind": "location", "latitude": latitude, "longitude": longitude, "label": label,
        }),
        Content::Link {
            title,
            description,
            url,
            ..
        } => json!({ "kind": "link", "title": title, "description": description, "url": url }),
        Content::Menu { head, items, tail } => {
            json!({ "kind": "menu", "head": head, "items": items, "tail": tail })
        }
        Content::MiniProgram { title, .. } => {
            json!({ "kind": "text", "text": format!("{} {title}", locale.pick("[小程序]", "[Mini program]")), "markdown": false })
        }
        // By the number that the lines of what was taken back carry.
        Content::Recalled { external_id } => {
            json!({ "kind": "recalled", "trace": external_id.parse::<i64>().ok() })
        }
        Content::Choice { label, .. } => {
            json!({ "kind": "text", "text": label, "markdown": false })
        }
        other => match other.plainer() {
            Some(plainer) => self::content(&plainer, media, public_url, locale),
            None => json!({ "kind": "text", "text": excerpt(other, locale), "markdown": false }),
        },
    }
}

/// Below our own address it is a path: the page may have been reached by another name.
fn source(shown: &Shown, public_url: &str) -> String {
    let path = shown.url.strip_prefix(public_url);
    path.map_or_else(
        || shown.url.clone(),
        |path| path.trim_start_matches('/').to_owned(),
    )
}

fn lost(content: &Content, locale: Locale) -> Value {
    let name = content.media().first().and_then(|media| media.name.clone());
    json!({ "kind": "lost", "what": excerpt(content, locale), "name": name })
}

/// What the page gets of a content whose media are all there.
#[cfg(test)]
pub(in super::super) fn shown(said: &Content) -> Value {
    let one = Some(Shown {
        kept: bridge_core::media::KeptMedia {
            hash: "h".to_owned(),
            mime: "image/png".to_owned(),
            size: 1,
            name: "m".to_owned(),
            dimensions: None,
        },
        url: "https://k.example/m".to_owned(),
    });
    content(said, &[one.clone(), one], "https://k.example", Locale::Zh)
}
