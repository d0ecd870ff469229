//! What a customer can do on the phone, as callback fields and as the bubble it leaves (WeChat notes, 2.2 and 2.3).

use super::allowance::Trigger;
use super::event::Event;
use super::fields::Fields;
use crate::content::Content;
use crate::media::Media;
use crate::settings::Format;

/// What a customer does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Act {
    /// Says something.
    Text(String),
    /// Says something from an article's page.
    ArticleText {
        /// The words.
        text: String,
        /// `MsgDataId`.
        article: u64,
        /// `Idx`, from 1.
        index: u32,
    },
    /// Taps a line of a menu message.
    MenuTap {
        /// The line's id.
        id: String,
        /// The line's words.
        text: String,
    },
    /// Sends a picture.
    Image(Media),
    /// Sends speech.
    Voice {
        /// The recording.
        media: Media,
        /// What was recognised; `Some("")` is the empty element of a switched-off recognition.
        words: Option<String>,
        /// `amr`, `speex`.
        format: String,
    },
    /// Sends a film.
    Video {
        /// The film.
        media: Media,
        /// Its still picture.
        thumb: Option<Media>,
        /// Whether it comes as `shortvideo`, as old clients send it.
        short: bool,
    },
    /// Sends a place.
    Location {
        /// Degrees.
        latitude: f64,
        /// Degrees.
        longitude: f64,
        /// The map's zoom.
        scale: u32,
        /// What the place is called.
        label: String,
    },
    /// Shares a page.
    Link {
        /// Its title.
        title: String,
        /// Its summary.
        description: String,
        /// Its address.
        url: String,
    },
    /// Sends a file (observed only; the platform says it does not support it).
    File(Media),
    /// Shares a mini program's page.
    MiniProgram {
        /// Its title.
        title: String,
        /// Whose page.
        app_id: String,
        /// Which page.
        page_path: String,
    },
    /// Does something that is not speech.
    Event(Event),
}

/// The ids and addresses that the platform gives to what is sent.
pub(crate) struct Desk<'a> {
    pub media_id: &'a mut dyn FnMut(&Media) -> String,
    pub url: &'a dyn Fn(&Media) -> String,
    pub id: &'a mut dyn FnMut(&str) -> String,
}

impl Act {
    /// The fields beside the common ones and `MsgId`.
    pub(crate) fn fields(&self, desk: &mut Desk<'_>, format: Format) -> Fields {
        let kind = |kind: &str| Fields::new().text("MsgType", kind);
        match self {
            Self::Text(text) => kind("text").text("Content", text),
            Self::ArticleText {
                text,
                article,
                index,
            } => kind("text")
                .text("Content", text)
                .number("MsgDataId", article)
                .number("Idx", index),
            Self::MenuTap { id, text } => {
                let numeric = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                // Ids that are no numbers come back as 0 (WeChat notes, 6.3).
                let id = if numeric { id } else { "0" };
                kind("text")
                    .text("Content", text)
                    .number("bizmsgmenuid", id)
            }
            Self::Image(media) => kind("image")
                .text("PicUrl", (desk.url)(media))
                .text("MediaId", (desk.media_id)(media)),
            Self::Voice {
                media,
                words,
                format,
            } => {
                let fields = kind("voice")
                    .text("MediaId", (desk.media_id)(media))
                    .text("Format", format);
                match words {
                    Some(words) => fields.text("Recognition", words),
                    None => fields,
                }
            }
            Self::Video {
                media,
                thumb,
                short,
            } => {
                let thumb = thumb.as_ref().unwrap_or(media);
                kind(if *short { "shortvideo" } else { "video" })
                    .text("MediaId", (desk.media_id)(media))
                    .text("ThumbMediaId", (desk.media_id)(thumb))
            }
            Self::Location {
                latitude,
                longitude,
                scale,
                label,
            } => kind("location")
                .number("Location_X", format!("{latitude:.6}"))
                .number("Location_Y", format!("{longitude:.6}"))
                .number("Scale", scale)
                .text("Label", label),
            Self::Link {
                title,
                description,
                url,
            } => kind("link")
                .text("Title", title)
                .text("Description", description)
                .text("Url", url),
            Self::File(media) => kind("file")
                .text("Title", &media.name)
                .text("Description", "")
                .text("FileKey", (desk.id)("fk"))
                .text("FileMd5", (desk.id)("md5"))
                .number("FileTotalLen", media.bytes.len()),
            Self::MiniProgram {
                title,
                app_id,
                page_path,
            } => kind("miniprogrampage")
                .text("Title", title)
                .text("AppId", app_id)
                .text("PagePath", page_path)
                .text("ThumbUrl", "http://mmbiz.qpic.cn/thumb/sample")
                .text("ThumbMediaId", (desk.id)("thumb")),
            Self::Event(event) => event.fields(format),
        }
    }

    /// The bubble on the phone.
    pub(crate) fn content(&self, url: impl Fn(&Media) -> String) -> Content {
        match self {
            Self::Text(text) | Self::ArticleText { text, .. } | Self::MenuTap { text, .. } => {
                Content::text(text)
            }
            Self::Image(media) => image(media, url(media)),
            Self::Voice {
                media,
                words,
                format,
            } => Content::Voice {
                url: url(media),
                seconds: None,
                words: words.clone().filter(|words| !words.is_empty()),
                format: Some(format.clone()),
            },
            Self::Video { media, thumb, .. } => Content::Video {
                url: url(media),
                thumb_url: thumb.as_ref().map(url),
                seconds: None,
                title: None,
                description: None,
            },
            Self::Location {
                latitude,
                longitude,
                scale,
                label,
            } => Content::Location {
                latitude: *latitude,
                longitude: *longitude,
                label: label.clone(),
                scale: Some(*scale),
            },
            Self::Link {
                title,
                description,
                url,
            } => Content::Link {
                title: title.clone(),
                description: description.clone(),
                url: url.clone(),
                picture_url: None,
            },
            Self::File(media) => Content::File {
                url: Some(url(media)),
                name: media.name.clone(),
                size: u64::try_from(media.bytes.len()).ok(),
            },
            Self::MiniProgram {
                title,
                app_id,
                page_path,
            } => Content::MiniProgram {
                title: title.clone(),
                app_id: app_id.clone(),
                page_path: page_path.clone(),
                thumb_url: None,
            },
            Self::Event(event) => event.content(),
        }
    }

    /// What it allows the account to send.
    pub(crate) fn trigger(&self) -> Trigger {
        match self {
            Self::MenuTap { .. } => Trigger::Moment,
            Self::Event(event) => event.trigger(),
            _ => Trigger::Message,
        }
    }

    /// Whether the customer looks at the chat and would see a fault there.
    pub(crate) fn is_watched(&self) -> bool {
        match self {
            Self::Event(event) => event.trigger() != Trigger::None,
            _ => true,
        }
    }
}

/// A picture's bubble.
pub(crate) fn image(media: &Media, url: String) -> Content {
    Content::Image {
        url,
        width: media.dimensions.map(|(width, _)| width),
        height: media.dimensions.map(|(_, height)| height),
        name: Some(media.name.clone()),
    }
}
