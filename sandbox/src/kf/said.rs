//! What a message of the account's says, as the phone shows it; checked as the platform checks it (KF notes, 3.5).

use serde_json::Value;

use super::{Kf, api::Refusal};
use crate::content::{Content, MenuChoice};

impl Kf {
    /// A message's bubble, or why the platform refuses it.
    pub(super) fn said(&self, body: &Value) -> Result<Content, Refusal> {
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let part = &body[kind];
        let field = |name: &str| part[name].as_str().unwrap_or_default().to_owned();
        match kind {
            "text" => match field("content") {
                text if text.is_empty() => Err((44004, "empty content")),
                text if text.len() > 2048 => Err((45002, "content size out of limit")),
                text => Ok(Content::Text { text }),
            },
            "image" | "voice" | "video" | "file" => self.medium(kind, &field("media_id")),
            "msgmenu" => menu(part, field("head_content"), field("tail_content")),
            "location" => Ok(Content::Location {
                latitude: part["latitude"].as_f64().unwrap_or_default(),
                longitude: part["longitude"].as_f64().unwrap_or_default(),
                label: field("name"),
                scale: None,
            }),
            "miniprogram" => match (
                field("thumb_media_id").is_empty(),
                field("pagepath").contains(".html"),
            ) {
                (false, true) => Ok(Content::MiniProgram {
                    title: field("title"),
                    app_id: field("appid"),
                    page_path: field("pagepath"),
                    thumb_url: None,
                }),
                _ => Err((40058, "thumb_media_id and a page are needed")),
            },
            "link" => match field("thumb_media_id").is_empty() {
                true => Err((40058, "thumb_media_id is needed")),
                false => Ok(Content::Link {
                    title: field("title"),
                    description: field("desc"),
                    url: field("url"),
                    picture_url: None,
                }),
            },
            _ => Err((40008, "invalid msgtype")),
        }
    }

    fn medium(&self, kind: &str, handle: &str) -> Result<Content, Refusal> {
        let kept = self.0.state.lock().media.get(handle).cloned();
        let world = &self.0.world;
        let media = kept.and_then(|id| world.media.get(&id));
        let media = media.ok_or((40007, "invalid media_id"))?;
        let url = world.media_url(&media);
        Ok(match kind {
            "image" => Content::Image {
                url,
                width: None,
                height: None,
                name: Some(media.name),
            },
            "voice" => Content::Voice {
                url,
                seconds: None,
                words: None,
                format: Some("amr".into()),
            },
            "video" => Content::Video {
                url,
                thumb_url: None,
                seconds: None,
                title: None,
                description: None,
            },
            _ => Content::File {
                url: Some(url),
                name: media.name,
                size: u64::try_from(media.bytes.len()).ok(),
            },
        })
    }
}

fn menu(part: &Value, head: String, tail: String) -> Result<Content, Refusal> {
    let list = part["list"].as_array().cloned().unwrap_or_default();
    if list.len() > 10 {
        return Err((95008, "too many menu items"));
    }
    let item = |item: &Value| {
        let word = |name: &str| item["click"][name].as_str().unwrap_or_default().to_owned();
        MenuChoice {
            id: word("id"),
            text: word("content"),
        }
    };
    Ok(Content::Menu {
        head,
        items: list.iter().map(item).collect(),
        tail,
    })
}
