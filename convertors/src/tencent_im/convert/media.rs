//! Media as elements: the service takes no upload, only a URL that any client may fetch. (7.2.)

use std::borrow::Cow;

use bridge_core::message::{Media, MediaSource};

use crate::tencent_im::body::{Element, FileElem, ImageElem, ImageInfo, SoundElem, VideoElem};

/// "Fetch it from the URL", in every `…Download_Flag`.
const FROM_URL: u32 = 2;

/// A medium that lies under a public URL, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<'a> {
    /// Where any client may fetch it.
    pub url: Cow<'a, str>,
    /// Names these bytes and no others.
    pub uuid: Cow<'a, str>,
    /// The name that people see.
    pub name: Cow<'a, str>,
    /// Its media type, or `""`.
    pub mime: Cow<'a, str>,
    /// Bytes; 0 where not known.
    pub size: u64,
    /// Width and height of a picture; zeros where not known.
    pub dimensions: (u32, u32),
}

impl<'a> Placed<'a> {
    /// A medium that has a URL already; `None` for one that has not.
    pub fn at_its_url(media: &'a Media) -> Option<Self> {
        let MediaSource::Remote {
            handle,
            url: Some(url),
            ..
        } = &media.source
        else {
            return None;
        };
        let uuid = if handle.is_empty() { url } else { handle };
        Some(Self {
            url: url.into(),
            uuid: uuid.into(),
            name: media.name.as_deref().unwrap_or_default().into(),
            mime: media.mime.as_deref().unwrap_or_default().into(),
            size: media.size.unwrap_or_default(),
            dimensions: (0, 0),
        })
    }

    fn shown_as(&self, kind: u32) -> ImageInfo<'static> {
        ImageInfo {
            kind,
            size: self.size,
            width: self.dimensions.0,
            height: self.dimensions.1,
            url: self.url.clone().into_owned().into(),
        }
    }
}

/// A picture. Clients expect three sizes; without a thumbnail the original stands for it.
pub fn image(original: &Placed<'_>, thumbnail: Option<&Placed<'_>>) -> Element<'static> {
    const OTHER: u32 = 255;
    let image_format = match &*original.mime {
        "image/jpeg" => 1,
        "image/gif" => 2,
        "image/png" => 3,
        "image/bmp" => 4,
        _ => OTHER,
    };
    Element::Image(ImageElem {
        uuid: original.uuid.clone().into_owned().into(),
        image_format,
        image_info_array: vec![
            original.shown_as(1),
            original.shown_as(2),
            thumbnail.unwrap_or(original).shown_as(3),
        ],
    })
}

/// A voice message of so many seconds.
pub fn sound(sound: &Placed<'_>, seconds: Option<u32>) -> Element<'static> {
    Element::Sound(SoundElem {
        url: sound.url.clone().into_owned().into(),
        uuid: sound.uuid.clone().into_owned().into(),
        size: sound.size,
        second: seconds.unwrap_or_default(),
        download_flag: FROM_URL,
    })
}

/// A file.
pub fn file(file: &Placed<'_>) -> Element<'static> {
    Element::File(FileElem {
        url: file.url.clone().into_owned().into(),
        uuid: file.uuid.clone().into_owned().into(),
        file_size: file.size,
        file_name: file.name.clone().into_owned().into(),
        download_flag: FROM_URL,
    })
}

/// A video with its still, without which clients have nothing to show: one that has none is a [`file()`].
pub fn video(video: &Placed<'_>, still: &Placed<'_>, seconds: Option<u32>) -> Element<'static> {
    let format = if still.mime == "image/png" {
        "PNG"
    } else {
        "JPG"
    };
    Element::Video(Box::new(VideoElem {
        video_url: video.url.clone().into_owned().into(),
        video_uuid: video.uuid.clone().into_owned().into(),
        video_size: video.size,
        video_second: seconds.unwrap_or_default(),
        video_format: video
            .mime
            .strip_prefix("video/")
            .unwrap_or("mp4")
            .to_owned()
            .into(),
        video_download_flag: FROM_URL,
        thumb_url: still.url.clone().into_owned().into(),
        thumb_uuid: still.uuid.clone().into_owned().into(),
        thumb_size: still.size,
        thumb_width: still.dimensions.0,
        thumb_height: still.dimensions.1,
        thumb_format: format.into(),
        thumb_download_flag: FROM_URL,
    }))
}
