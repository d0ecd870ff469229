//! `media/upload` and `media/get`; a media id serves every app of the corp (WeCom notes, 4.6).

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::Wecom;
use super::errors::{Refusal, refuse};
use crate::call::{Answer, Call};
use crate::chance::Chance;
use crate::content::Content;
use crate::media::{Media, by_extension, extension, is_picture};
use crate::multipart;

const KB: usize = 1024;
const LIFE_MS: i64 = 3 * 86_400_000;
const REMEMBERED: usize = 10_000;
/// Every file has more bytes than this.
const SMALLEST: usize = 5;

/// Something with a media id.
#[derive(Clone)]
pub(crate) struct Upload {
    /// `image`, `voice`, `video`, `file`.
    pub kind: String,
    /// The kept file.
    pub media: String,
    expires: i64,
}

/// Media ids and what they stand for.
#[derive(Default)]
pub(crate) struct Uploads {
    known: HashMap<String, Upload>,
    age: VecDeque<String>,
}

impl Uploads {
    pub fn add(&mut self, kind: &str, media: &str, now: i64, chance: &Chance) -> String {
        let id = format!("3{}", chance.letters(63));
        let upload = Upload {
            kind: kind.to_owned(),
            media: media.to_owned(),
            expires: now + LIFE_MS,
        };
        self.known.insert(id.clone(), upload);
        self.age.push_back(id.clone());
        if self.age.len() > REMEMBERED
            && let Some(oldest) = self.age.pop_front()
        {
            self.known.remove(&oldest);
        }
        id
    }

    /// A living upload.
    pub fn get(&self, id: &str, now: i64) -> Option<&Upload> {
        self.known.get(id).filter(|upload| now < upload.expires)
    }
}

/// A type's file types (none: any) and its largest size.
fn limits(kind: &str) -> Option<(&'static [&'static str], usize)> {
    Some(match kind {
        "image" => (&["image/jpeg", "image/png"], 10 * KB * KB),
        "voice" => (&["audio/amr"], 2 * KB * KB),
        "video" => (&["video/mp4"], 10 * KB * KB),
        "file" => (&[], 20 * KB * KB),
        _ => return None,
    })
}

impl Wecom {
    /// `POST media/upload?type=`
    pub(super) fn media_upload(&self, _: usize, call: &Call) -> Result<Value, Refusal> {
        let kind = call.param("type").unwrap_or_default();
        let id = self.take_upload(call, kind, true)?;
        let now = self.0.world.now() / 1000;
        Ok(json!({
            "errcode": 0, "errmsg": "", "type": kind, "media_id": id, "created_at": now.to_string()
        }))
    }

    /// Checks the form and gives the file in it a media id.
    pub(super) fn take_upload(
        &self,
        call: &Call,
        kind: &str,
        checks_type: bool,
    ) -> Result<String, Refusal> {
        let (types, largest) = limits(kind).ok_or_else(|| refuse(40005))?;
        let form = call.header("content-type").unwrap_or_default();
        let parts = multipart::read(form, &call.body).unwrap_or_default();
        let part = parts.into_iter().find(|part| part.name == "media");
        let part = part.ok_or_else(|| refuse(41005))?;
        let name = part.file_name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| refuse(41005))?;
        match part.bytes.len() {
            0 => return Err(refuse(44001)),
            size if size <= SMALLEST => return Err(refuse(40006)),
            size if size > largest => return Err(refuse(45001)),
            _ => {}
        }
        let fits = types.is_empty() || types.contains(&by_extension(&name));
        if checks_type && (!fits || (kind == "image" && !is_picture(&part.bytes))) {
            return Err(refuse(40004));
        }
        let world = &self.0.world;
        let mime = part.mime.as_deref();
        let media = world.media.keep(&world.chance, &name, mime, part.bytes);
        let mut state = self.0.state.lock();
        let now = world.now();
        Ok(state.uploads.add(kind, &media.id, now, &world.chance))
    }

    /// `GET media/get?media_id=`; `Range` cuts (chunks of at most 20 MB, as large as a file may be).
    pub(super) fn media_get(&self, call: &Call) -> Result<Answer, Refusal> {
        let id = call.param("media_id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| refuse(41006))?;
        let world = &self.0.world;
        let upload = self.0.state.lock().uploads.get(id, world.now()).cloned();
        let upload = upload.ok_or_else(|| refuse(40007))?;
        let media = world.media.get(&upload.media);
        let media = media.ok_or_else(|| refuse(40007))?;
        let name = media.name.replace('"', "'");
        let name = name.chars().map(|c| if c.is_ascii() { c } else { '_' });
        let disposition = format!("attachment; filename=\"{}\"", name.collect::<String>());
        let answer = match call.header("range").and_then(|range| span(range, &media)) {
            None => Answer::new(200, &media.mime, media.bytes),
            Some((from, to)) => {
                let range = format!("bytes {from}-{}/{}", to - 1, media.bytes.len());
                Answer::new(206, &media.mime, media.bytes.slice(from..to))
                    .with_header("content-range", range)
            }
        };
        Ok(answer.with_header("content-disposition", disposition))
    }

    /// The bubble of an upload of this kind, or 40007.
    pub(super) fn uploaded(
        &self,
        uploads: &Uploads,
        id: &Value,
        kind: &str,
    ) -> Result<Content, Refusal> {
        let world = &self.0.world;
        let upload = id.as_str().and_then(|id| uploads.get(id, world.now()));
        let upload = upload.filter(|upload| upload.kind == kind);
        let media = upload.and_then(|upload| world.media.get(&upload.media));
        let media = media.ok_or_else(|| refuse(40007))?;
        Ok(bubble(kind, &media, world.media_url(&media)))
    }
}

/// `bytes=from-to`, the end included, as a half-open span of the file.
fn span(range: &str, media: &Media) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let from: usize = from.parse().ok()?;
    let last = media.bytes.len().checked_sub(1)?;
    let to = to.parse().unwrap_or(last).min(last);
    (from <= to).then_some((from, to + 1))
}

/// How a file of a kind shows.
pub(super) fn bubble(kind: &str, media: &Media, url: String) -> Content {
    match kind {
        "image" => Content::Image {
            url,
            width: media.dimensions.map(|(width, _)| width),
            height: media.dimensions.map(|(_, height)| height),
            name: Some(media.name.clone()),
        },
        "voice" => Content::Voice {
            url,
            seconds: None,
            words: None,
            format: Some(extension(&media.mime).to_owned()),
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
            name: media.name.clone(),
            size: u64::try_from(media.bytes.len()).ok(),
        },
    }
}
