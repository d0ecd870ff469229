//! Between what people say and `MsgBody`.
//!
//! Inward a message of several elements becomes as many contents, in order. Outward every message
//! holds one element, the subset that every client shows (Tencent IM, trap 7), and weighs at most
//! [`MAX_BODY_BYTES`]; what has no element of its own becomes words, and the loss is told.

mod media;
mod read;
mod write;

pub use self::media::{Placed, file, image, sound, video};
pub use self::write::AS_A_FILE;

use bridge_core::channel::Capabilities;
use bridge_core::convert::{ConvertError, Convertor, Written};
use bridge_core::message::{Content, ContentKind, InboxName};
use bridge_core::texts::Locale;

use super::body::{Element, MAX_BODY_BYTES};

/// The vocabulary of one Tencent IM inbox.
#[derive(Debug, Clone)]
pub struct TencentIm {
    /// Whose media the messages refer to.
    pub inbox: InboxName,
    /// The language of the words that stand in for what cannot be shown.
    pub locale: Locale,
}

/// What an agent's client shows.
pub fn capabilities() -> Capabilities {
    Capabilities {
        kinds: [
            ContentKind::Text,
            ContentKind::Image,
            ContentKind::Voice,
            ContentKind::Video,
            ContentKind::File,
            ContentKind::Location,
        ]
        .into(),
        // Leaves room for the element around it and for a line break in every few words: one that
        // weighs more when escaped is split by `write`.
        text_bytes: Some(7_000),
        markdown: false,
        allowances: Vec::new(),
        image_types: vec!["image/jpeg", "image/png", "image/gif", "image/bmp"],
        native_desk: false,
        voice_types: vec![
            "audio/mpeg",
            "audio/mp4",
            "audio/aac",
            "audio/x-m4a",
            "audio/m4a",
        ],
        ..Capabilities::default()
    }
}

impl TencentIm {
    /// What the elements of one message say, in order.
    pub fn contents(&self, elements: &[Element<'_>]) -> Vec<Content> {
        elements
            .iter()
            .filter_map(|element| read::content(self, element))
            .collect()
    }

    /// What the platform recognised in a voice message, as a line of its own.
    pub fn recognised(&self, words: Option<&str>) -> Option<String> {
        write::recognised(self, words)
    }

    /// A content as messages of one element each. Media must be [`Remote`] and have a URL.
    ///
    /// [`Remote`]: bridge_core::message::MediaSource::Remote
    pub fn messages(
        &self,
        content: &Content,
        text_bytes: usize,
    ) -> Result<Written<Element<'static>>, ConvertError> {
        let written = write::elements(self, content, text_bytes)?;
        match written
            .parts
            .iter()
            .find(|part| weight(part) > MAX_BODY_BYTES)
        {
            Some(part) => Err(ConvertError::Unspeakable {
                kind: content.kind(),
                detail: format!("a {} of more than {MAX_BODY_BYTES} bytes", part.msg_type()),
            }),
            None => Ok(written),
        }
    }
}

impl Convertor for TencentIm {
    type Wire = Vec<Element<'static>>;

    fn read(&self, wire: &Self::Wire) -> Result<Vec<Content>, ConvertError> {
        Ok(self.contents(wire))
    }

    fn write(
        &self,
        content: &Content,
        within: &Capabilities,
    ) -> Result<Written<Self::Wire>, ConvertError> {
        let Written { parts, lost } =
            self.messages(content, within.text_bytes.unwrap_or(MAX_BODY_BYTES))?;
        let parts = parts.into_iter().map(|element| vec![element]).collect();
        Ok(Written { parts, lost })
    }
}

/// What an element weighs as a `MsgBody` of its own, in bytes.
pub(super) fn weight(element: &Element<'_>) -> usize {
    // A text's escapes at most double it once control characters are gone; most need no counting.
    if let Element::Text(text) = element
        && text.text.len() * 2 + 64 <= MAX_BODY_BYTES
    {
        return text.text.len() + 64;
    }
    serde_json::to_vec(element).map_or(usize::MAX, |json| json.len() + 2)
}
