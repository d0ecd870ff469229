//! Elements as contents.

use bridge_core::message::{Content, Media};
use bridge_core::texts::Locale;

use super::TencentIm;
use crate::tencent_im::body::{
    CustomElem, Element, FaceElem, FileElem, ImageElem, ImageInfo, RelayElem, SoundElem,
    StreamElem, UnknownElem, VideoElem,
};

/// The longest summary of something that cannot be shown, in characters.
const SUMMARY: usize = 200;

/// What one element says; `None` for one that says nothing.
pub(super) fn content(im: &TencentIm, element: &Element<'_>) -> Option<Content> {
    match element {
        Element::Text(text) if text.text.is_empty() => None,
        Element::Text(text) => Some(Content::text(text.text.to_string())),
        Element::Face(face) => Some(face_content(face)),
        Element::Location(place) => Some(Content::Location {
            latitude: place.latitude,
            longitude: place.longitude,
            label: place.desc.to_string(),
        }),
        Element::Image(image) => Some(image_content(im, image)),
        Element::Sound(sound) => Some(sound_content(im, sound)),
        Element::File(file) => Some(file_content(im, file)),
        Element::Video(video) => Some(video_content(im, video)),
        Element::Custom(custom) => Some(custom_content(custom)),
        Element::Relay(relay) => Some(relay_content(relay)),
        Element::Stream(stream) => stream_content(stream),
        Element::Unknown(unknown) => Some(unknown_content(unknown)),
    }
}

/// A sticker that goes by a name, such as `[smile]`, is that name; others cannot be shown elsewhere.
fn face_content(face: &FaceElem<'_>) -> Content {
    match &*face.data {
        name if name.starts_with('[') && name.ends_with(']') => Content::text(name),
        data => unsupported("TIMFaceElem", format!("{} {data}", face.index)),
    }
}

fn image_content(im: &TencentIm, image: &ImageElem<'_>) -> Content {
    const ORIGINAL: u32 = 1;
    let sizes = || {
        image
            .image_info_array
            .iter()
            .filter(|size| !size.url.is_empty())
    };
    let Some(best) = sizes()
        .find(|size| size.kind == ORIGINAL)
        .or_else(|| sizes().max_by_key(area))
    else {
        return unavailable(im, "TIMImageElem");
    };
    let mime = match image.image_format {
        1 => Some("image/jpeg"),
        2 => Some("image/gif"),
        3 => Some("image/png"),
        4 => Some("image/bmp"),
        _ => None,
    };
    let media = Media {
        mime: mime.map(str::to_owned),
        ..medium(im, &image.uuid, &best.url, best.size)
    };
    Content::Image { media }
}

fn area(size: &&ImageInfo<'_>) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}

fn sound_content(im: &TencentIm, sound: &SoundElem<'_>) -> Content {
    if sound.url.is_empty() {
        return unavailable(im, "TIMSoundElem");
    }
    let media = medium(im, &sound.uuid, &sound.url, sound.size);
    Content::Voice {
        media,
        words: None,
        seconds: known(sound.second),
    }
}

fn file_content(im: &TencentIm, file: &FileElem<'_>) -> Content {
    if file.url.is_empty() {
        return unavailable(im, "TIMFileElem");
    }
    let name = Some(file.file_name.to_string()).filter(|name| !name.is_empty());
    Content::File {
        media: Media {
            name,
            ..medium(im, &file.uuid, &file.url, file.file_size)
        },
    }
}

fn video_content(im: &TencentIm, video: &VideoElem<'_>) -> Content {
    if video.video_url.is_empty() {
        return unavailable(im, "TIMVideoFileElem");
    }
    let media = medium(im, &video.video_uuid, &video.video_url, video.video_size);
    let still = (!video.thumb_url.is_empty())
        .then(|| medium(im, &video.thumb_uuid, &video.thumb_url, video.thumb_size));
    Content::Video {
        media,
        thumbnail: still,
        seconds: known(video.video_second),
    }
}

fn custom_content(custom: &CustomElem<'_>) -> Content {
    let says = if custom.desc.is_empty() {
        &custom.data
    } else {
        &custom.desc
    };
    unsupported("TIMCustomElem", says.to_string())
}

/// The heading and the lines that its sender saw before forwarding.
fn relay_content(relay: &RelayElem<'_>) -> Content {
    let lines = relay.abstract_list.iter().map(|line| &**line);
    let lines: Vec<&str> = std::iter::once(&*relay.title)
        .chain(lines)
        .filter(|line| !line.is_empty())
        .collect();
    match lines.is_empty() {
        true => unsupported("TIMRelayElem", relay.compatible_text.to_string()),
        false => Content::text(lines.join("\n")),
    }
}

fn stream_content(stream: &StreamElem<'_>) -> Option<Content> {
    let words: String = stream.chunks.iter().map(|chunk| &*chunk.markdown).collect();
    match (words.is_empty(), stream.compatible_text.is_empty()) {
        (false, _) => Some(Content::markdown(words)),
        (true, false) => Some(Content::text(stream.compatible_text.to_string())),
        (true, true) => None,
    }
}

fn unknown_content(unknown: &UnknownElem<'_>) -> Content {
    let raw = unknown.content.map_or("", |content| content.get());
    unsupported(&unknown.msg_type, raw.to_owned())
}

/// Clients on SDK 2.x and 3.x send media without a URL: nothing that could be fetched. (7.1.)
fn unavailable(im: &TencentIm, what: &str) -> Content {
    let summary = match im.locale {
        Locale::Zh => "客户端版本过旧，媒体没有下载地址",
        Locale::En => "sent by an outdated client, without an address to fetch it from",
    };
    unsupported(what, summary.to_owned())
}

fn unsupported(what: &str, summary: String) -> Content {
    let summary = match summary.char_indices().nth(SUMMARY) {
        Some((end, _)) => format!("{}…", &summary[..end]),
        None => summary,
    };
    let what = what.chars().take(64).collect();
    Content::Unsupported { what, summary }
}

fn medium(im: &TencentIm, uuid: &str, url: &str, size: u64) -> Media {
    let size = (size > 0).then_some(size);
    Media {
        size,
        ..Media::remote(&im.inbox, uuid, Some(url.to_owned()))
    }
}

fn known(seconds: u32) -> Option<u32> {
    (seconds > 0).then_some(seconds)
}
