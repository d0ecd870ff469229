//! `media/upload` and `media/get` (WeChat notes, 4.5).

use serde_json::{Value, json};

use super::Wechat;
use super::errors::{Refusal, refuse};
use crate::call::{Answer, Call};
use crate::media::{by_extension, is_picture};
use crate::multipart;

const KB: usize = 1024;

/// A type's file types, its largest size, and the error when it is larger.
fn limits(kind: &str) -> Option<(&'static [&'static str], usize, i64)> {
    Some(match kind {
        "image" => (
            &["image/jpeg", "image/png", "image/gif"],
            10 * KB * KB,
            40009,
        ),
        "voice" => (&["audio/amr", "audio/mpeg"], 2 * KB * KB, 40010),
        "video" => (&["video/mp4"], 10 * KB * KB, 40011),
        "thumb" => (&["image/jpeg"], 64 * KB, 40012),
        _ => return None,
    })
}

impl Wechat {
    /// `POST /cgi-bin/media/upload?type=`
    pub(super) fn media_upload(&self, account: usize, call: &Call) -> Result<Value, Refusal> {
        let kind = call.param("type").unwrap_or_default();
        // Mini programs upload pictures and nothing else.
        if kind != "image" && self.0.state.lock().mini(account).is_some() {
            return Err(refuse(40004));
        }
        let (types, largest, too_large) = limits(kind).ok_or_else(|| refuse(40004))?;
        let form = call.header("content-type").unwrap_or_default();
        let parts = multipart::read(form, &call.body).unwrap_or_default();
        let part = parts.into_iter().find(|part| part.name == "media");
        let part = part.ok_or_else(|| refuse(41005))?;
        let name = part.file_name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| refuse(41005))?;
        if part.bytes.is_empty() {
            return Err(refuse(44002));
        }
        if part.bytes.len() > largest {
            return Err(refuse(too_large));
        }
        let wants_picture = types[0].starts_with("image");
        if !types.contains(&by_extension(&name)) || (wants_picture && !is_picture(&part.bytes)) {
            return Err(refuse(40005));
        }
        let world = &self.0.world;
        let mime = part.mime.as_deref();
        let media = world.media.keep(&world.chance, &name, mime, part.bytes);
        let now = world.now();
        let mut state = self.0.state.lock();
        let id = state.upload(kind, &media.id, now, &world.chance);
        let key = if kind == "thumb" {
            "thumb_media_id"
        } else {
            "media_id"
        };
        Ok(json!({"type": kind, key: id, "created_at": now / 1000}))
    }

    /// `GET /cgi-bin/media/get?media_id=`
    pub(super) fn media_get(&self, call: &Call) -> Result<Answer, Refusal> {
        let id = call.param("media_id").ok_or_else(|| refuse(41006))?;
        let world = &self.0.world;
        let upload = self.0.state.lock().uploaded(id, world.now()).cloned();
        let upload = upload.ok_or_else(|| refuse(40007))?;
        let media = world
            .media
            .get(&upload.media)
            .ok_or_else(|| refuse(40007))?;
        if upload.kind == "video" {
            let body = json!({"video_url": world.media_url(&media)});
            return Ok(Answer::new(200, "text/plain", body.to_string()));
        }
        let disposition = format!("attachment; filename=\"{}\"", media.name.replace('"', "'"));
        let disposition = disposition
            .chars()
            .map(|c| if c.is_ascii() { c } else { '_' });
        Ok(Answer::new(200, &media.mime, media.bytes)
            .with_header("content-disposition", disposition.collect::<String>()))
    }
}
