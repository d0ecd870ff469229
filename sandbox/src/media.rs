//! Pictures, voices and files, in memory: what customers and agents send and what the bridge uploads.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::chance::Chance;

/// The largest file.
pub(crate) const LARGEST: usize = 20 * 1024 * 1024;
/// How much is kept before the oldest go.
const ROOM: usize = 256 * 1024 * 1024;

/// A kept file.
#[derive(Clone, Debug)]
pub struct Media {
    /// Names it in the sandbox's API and URLs.
    pub id: String,
    /// Its file name.
    pub name: String,
    /// Its type, sniffed where possible.
    pub mime: String,
    /// Its content.
    pub bytes: Bytes,
    /// Width and height of a picture.
    pub dimensions: Option<(u32, u32)>,
}

impl Media {
    /// Whether it is a picture, a voice, a video or something else, by its type.
    pub fn family(&self) -> &str {
        self.mime.split('/').next().unwrap_or_default()
    }
}

#[derive(Default)]
pub(crate) struct Store(Mutex<Shelves>);

#[derive(Default)]
struct Shelves {
    files: HashMap<String, Media>,
    age: VecDeque<String>,
    size: usize,
}

impl Store {
    /// Keeps a file; the declared type is believed only when the content does not tell.
    pub fn keep(&self, chance: &Chance, name: &str, declared: Option<&str>, bytes: Bytes) -> Media {
        let (sniffed, dimensions) = sniff(&bytes);
        let declared =
            declared.filter(|mime| !mime.is_empty() && *mime != "application/octet-stream");
        let mime = sniffed
            .or(declared)
            .map_or_else(|| by_extension(name).to_owned(), bare_type);
        let media = Media {
            id: format!("m-{}", chance.hex(24)),
            name: clean_name(name, &mime),
            mime,
            bytes,
            dimensions,
        };
        self.0.lock().put(media.clone());
        media
    }

    pub fn get(&self, id: &str) -> Option<Media> {
        self.0.lock().files.get(id).cloned()
    }
}

impl Shelves {
    fn put(&mut self, media: Media) {
        self.size += media.bytes.len();
        self.age.push_back(media.id.clone());
        self.files.insert(media.id.clone(), media);
        while self.size > ROOM {
            let Some(oldest) = self.age.pop_front() else {
                return;
            };
            if let Some(gone) = self.files.remove(&oldest) {
                self.size -= gone.bytes.len();
            }
        }
    }
}

fn bare_type(mime: &str) -> String {
    mime.split(';').next().unwrap_or_default().trim().to_owned()
}

/// A file name without any path, never empty.
fn clean_name(name: &str, mime: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(100).collect();
    match name.trim_matches(['.', ' ']) {
        "" => format!("file.{}", extension(mime)),
        name => name.to_owned(),
    }
}

const TYPES: &[(&str, &str)] = &[
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("bmp", "image/bmp"),
    ("amr", "audio/amr"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("wav", "audio/wav"),
    ("webm", "audio/webm"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("zip", "application/zip"),
];

/// The type that a file name promises.
pub(crate) fn by_extension(name: &str) -> &'static str {
    let extension = name.rsplit('.').next().unwrap_or_default();
    let known = TYPES
        .iter()
        .find(|(e, _)| extension.eq_ignore_ascii_case(e));
    known.map_or("application/octet-stream", |(_, mime)| mime)
}

/// The usual file name extension of a type.
pub(crate) fn extension(mime: &str) -> &'static str {
    let known = TYPES.iter().find(|(_, m)| *m == mime);
    known.map_or("bin", |(extension, _)| extension)
}

/// Whether a content is a picture by its first bytes.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    sniff(bytes)
        .0
        .is_some_and(|mime| mime.starts_with("image/"))
}

/// The type a content shows by its first bytes, and a picture's size.
fn sniff(bytes: &[u8]) -> (Option<&'static str>, Option<(u32, u32)>) {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => (Some("image/png"), png_size(bytes)),
        [b'G', b'I', b'F', b'8', ..] => (Some("image/gif"), gif_size(bytes)),
        [0xff, 0xd8, 0xff, ..] => (Some("image/jpeg"), jpeg_size(bytes)),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => (Some("image/webp"), webp_size(bytes)),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'A',
            b'V',
            b'E',
            ..,
        ] => (Some("audio/wav"), None),
        [b'B', b'M', ..] if bytes.len() > 26 => (Some("image/bmp"), None),
        [b'#', b'!', b'A', b'M', b'R', ..] => (Some("audio/amr"), None),
        [b'I', b'D', b'3', ..] => (Some("audio/mpeg"), None),
        [_, _, _, _, b'f', b't', b'y', b'p', b'M', b'4', b'A', ..] => (Some("audio/mp4"), None),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => (Some("video/mp4"), None),
        [b'%', b'P', b'D', b'F', ..] => (Some("application/pdf"), None),
        _ => (None, None),
    }
}

fn big(bytes: &[u8], at: usize, width: usize) -> Option<u32> {
    let part = bytes.get(at..at + width)?;
    Some(part.iter().fold(0, |n, byte| (n << 8) | u32::from(*byte)))
}

fn little(bytes: &[u8], at: usize, width: usize) -> Option<u32> {
    let part = bytes.get(at..at + width)?;
    let part = part.iter().rev();
    Some(part.fold(0, |n, byte| (n << 8) | u32::from(*byte)))
}

fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((big(bytes, 16, 4)?, big(bytes, 20, 4)?))
}

fn gif_size(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((little(bytes, 6, 2)?, little(bytes, 8, 2)?))
}

/// Only the extended form carries the size in plain bytes.
fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.get(12..16)? != b"VP8X" {
        return None;
    }
    Some((little(bytes, 24, 3)? + 1, little(bytes, 27, 3)? + 1))
}

/// Walks the segments to the frame header.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1)?;
        if bytes.get(at)? != &0xff {
            return None;
        }
        let is_frame = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            return Some((big(bytes, at + 7, 2)?, big(bytes, at + 5, 2)?));
        }
        at += 2 + big(bytes, at + 2, 2)? as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG header of 3 × 2.
    fn png() -> Bytes {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend([0, 0, 0, 3, 0, 0, 0, 2, 8, 6, 0, 0, 0]);
        bytes.into()
    }

    #[test]
    fn content_outranks_what_was_declared() {
        let (store, chance) = (Store::default(), Chance::new(Some(1)));
        let kept = store.keep(&chance, "../../a\0.jpg", Some("text/html"), png());
        assert_eq!(
            (kept.mime.as_str(), kept.name.as_str()),
            ("image/png", "a.jpg")
        );
        assert_eq!(kept.dimensions, Some((3, 2)));
        assert_eq!(store.get(&kept.id).map(|m| m.bytes), Some(png()));
    }

    #[test]
    fn without_a_sign_the_declaration_then_the_name_decide() {
        let (store, chance) = (Store::default(), Chance::new(Some(1)));
        let kept = |name, mime| store.keep(&chance, name, mime, Bytes::from_static(b"x"));
        assert_eq!(
            kept("a", Some("text/plain; charset=utf-8")).mime,
            "text/plain"
        );
        assert_eq!(kept("a.PDF", None).mime, "application/pdf");
        assert_eq!(kept("", None).name, "file.bin");
    }

    #[test]
    fn a_jpeg_tells_its_size_after_other_segments() {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2];
        bytes.extend([0xff, 0xc0, 0, 11, 8, 0, 20, 0, 30, 1, 0, 0, 0]);
        assert_eq!(jpeg_size(&bytes), Some((30, 20)));
        assert_eq!(jpeg_size(&bytes[..12]), None);
        assert_eq!(jpeg_size(&[0xff, 0xd8, 0xff, 0xe0, 0, 0]), None);
    }

    #[test]
    fn the_oldest_goes_when_room_ends() {
        let mut shelves = Shelves::default();
        let big = Bytes::from(vec![0; ROOM / 2 + 1]);
        for id in ["a", "b"] {
            shelves.put(Media {
                id: id.into(),
                name: id.into(),
                mime: "x/y".into(),
                bytes: big.clone(),
                dimensions: None,
            });
        }
        assert!(!shelves.files.contains_key("a") && shelves.files.contains_key("b"));
    }
}
