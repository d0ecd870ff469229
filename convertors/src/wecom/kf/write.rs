//! Bodies of `kf/send_msg` (WeCom: 3.5): `msgtype` and the object of the same name. Media must be the platform's before
//! they are written: the channel uploads them; what was not uploaded is shown as a link.

use bridge_core::{
    convert::{ConvertError, Loss, Written},
    message::{Content, InboxName, MenuItem},
};
use serde_json::{Value, json};

use super::super::body::{handle, linked, of, words};

/// Limits in bytes (WeCom: 3.5).
const TITLE: usize = 128;
const MINI_TITLE: usize = 64;
const DESCRIPTION: usize = 512;
const MENU: usize = 1024;
const ITEM: usize = 128;
const ITEMS: usize = 10;

/// A content as a message to send.
///
/// # Errors
/// [`ConvertError::Unspeakable`] for what nobody can say.
pub fn message(content: &Content, inbox: &InboxName) -> Result<Written<Value>, ConvertError> {
    let (body, lost) = body(content, inbox)?;
    let lost = lost.map(|what| Loss::new(content.kind(), what));
    Ok(Written {
        parts: vec![body],
        lost: lost.into_iter().collect(),
    })
}

fn body(
    content: &Content,
    inbox: &InboxName,
) -> Result<(Value, Option<&'static str>), ConvertError> {
    let file = |kind, media, what: &str| match handle(media, inbox) {
        Some(id) => Ok((of(kind, json!({ "media_id": id })), None)),
        None => Ok((
            linked(what.trim(), media, content)?,
            Some("shown as a link"),
        )),
    };
    Ok(match content {
        Content::Text(text) if text.text.trim().is_empty() => {
            return Err(ConvertError::unspeakable(content, "an empty text"));
        }
        Content::Text(text) => (words(&text.text), None),
        Content::Choice { label, .. } => (words(label), None),
        Content::Image { media } => return file("image", media, "图片"),
        Content::Voice { media, words, .. } => {
            let said = words.as_deref().unwrap_or_default();
            return file("voice", media, &format!("语音 {said}"));
        }
        Content::Video { media, .. } => return file("video", media, "视频"),
        Content::File { media } => {
            let name = media.name.as_deref().unwrap_or_default();
            return file("file", media, &format!("文件 {name}"));
        }
        Content::Location {
            latitude,
            longitude,
            label,
        } => {
            let place = json!({ "name": label, "address": label, "latitude": latitude, "longitude": longitude });
            (of("location", place), None)
        }
        // A card would need a picture at the platform; most links have none.
        Content::Link {
            title,
            description,
            url,
            ..
        } => {
            let lines = [
                cut(title, TITLE),
                cut(description, DESCRIPTION),
                url.clone(),
            ];
            let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
            (words(&lines.join("\n")), Some("shown as text"))
        }
        Content::MiniProgram {
            app_id,
            title,
            path,
            thumbnail,
        } => match thumbnail.as_ref().and_then(|media| handle(media, inbox)) {
            Some(thumb) => {
                let page = json!({ "appid": app_id, "title": cut(title, MINI_TITLE), "thumb_media_id": thumb, "pagepath": page(path) });
                (of("miniprogram", page), None)
            }
            None => (
                words(&format!("[小程序] {title}\n{path}")),
                Some("shown as its title and path"),
            ),
        },
        Content::Menu { head, items, tail } => menu(head, items, tail),
        other => {
            return Err(ConvertError::unspeakable(
                other,
                "it is nothing that can be said",
            ));
        }
    })
}

fn menu(head: &str, items: &[MenuItem], tail: &str) -> (Value, Option<&'static str>) {
    let list: Vec<Value> = items
        .iter()
        .take(ITEMS)
        .map(|item| {
            json!({ "type": "click", "click": { "id": cut(&item.id, 64), "content": cut(&item.label, ITEM) } })
        })
        .collect();
    let lost = (items.len() > ITEMS).then_some("only the first ten choices are shown");
    let body =
        json!({ "head_content": cut(head, MENU), "list": list, "tail_content": cut(tail, MENU) });
    (of("msgmenu", body), lost)
}

/// Without the suffix the page is not found (WeCom: 3.5).
fn page(path: &str) -> String {
    let (page, query) = path.split_once('?').unwrap_or((path, ""));
    let suffix = if page.ends_with(".html") { "" } else { ".html" };
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    format!("{page}{suffix}{query}")
}

/// At most so many bytes, no character cut in two.
fn cut(text: &str, bytes: usize) -> String {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The message was taken before under the same `msgid`: a repeat is an error there (WeCom: 3.5), and for us a success.
/// Which code says so is not documented; the words do.
pub fn is_repeat(detail: &str) -> bool {
    let detail = detail.to_ascii_lowercase();
    detail.contains("msgid")
        && ["repeat", "duplicate", "exist", "already"]
            .iter()
            .any(|word| detail.contains(word))
}
