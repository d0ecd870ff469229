//! `MsgBody`: the elements that a message is made of, both ways.
//!
//! Every element of the protocol notes has its type; whatever else arrives, or arrives in a shape
//! that its type cannot hold, is kept as it came, so that one strange element never costs the
//! message around it. (Tencent IM, 7.)

mod elements;

use std::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::elements::{
    CustomElem, FaceElem, FileElem, ImageElem, ImageInfo, LocationElem, RelayElem, SoundElem,
    StreamChunk, StreamElem, TextElem, VideoElem,
};
use super::lenient::Text;

/// What a serialized body may weigh, in bytes. Three numbers circulate, 8000 the lowest; this
/// stays below all of them with room for the brackets around it. (7.3.)
pub const MAX_BODY_BYTES: usize = 7_500;

/// The most elements of one foreign message that are looked at; the largest message the service
/// takes (12 KB) has no room for more.
pub const MAX_ELEMENTS: usize = 400;

/// One element. Elements of a message stand in display order.
#[derive(Debug, Clone)]
pub enum Element<'a> {
    /// `TIMTextElem`
    Text(TextElem<'a>),
    /// `TIMFaceElem`
    Face(FaceElem<'a>),
    /// `TIMLocationElem`
    Location(LocationElem<'a>),
    /// `TIMCustomElem`: at most one in a message.
    Custom(CustomElem<'a>),
    /// `TIMImageElem`
    Image(ImageElem<'a>),
    /// `TIMSoundElem`
    Sound(SoundElem<'a>),
    /// `TIMFileElem`
    File(FileElem<'a>),
    /// `TIMVideoFileElem`
    Video(Box<VideoElem<'a>>),
    /// `TIMRelayElem`
    Relay(RelayElem<'a>),
    /// `TIMStreamElem`
    Stream(StreamElem<'a>),
    /// Of a type we do not know, or of one we know in a shape we do not.
    Unknown(UnknownElem<'a>),
}

/// An element kept as it came.
#[derive(Debug, Clone)]
pub struct UnknownElem<'a> {
    /// Its `MsgType`.
    pub msg_type: Text<'a>,
    /// Its `MsgContent`, unread.
    pub content: Option<&'a RawValue>,
}

impl<'a> Element<'a> {
    /// A text element.
    pub fn text(text: impl Into<Text<'a>>) -> Self {
        Self::Text(TextElem { text: text.into() })
    }

    /// The element's `MsgType`.
    pub fn msg_type(&self) -> &str {
        match self {
            Self::Text(_) => "TIMTextElem",
            Self::Face(_) => "TIMFaceElem",
            Self::Location(_) => "TIMLocationElem",
            Self::Custom(_) => "TIMCustomElem",
            Self::Image(_) => "TIMImageElem",
            Self::Sound(_) => "TIMSoundElem",
            Self::File(_) => "TIMFileElem",
            Self::Video(_) => "TIMVideoFileElem",
            Self::Relay(_) => "TIMRelayElem",
            Self::Stream(_) => "TIMStreamElem",
            Self::Unknown(element) => &element.msg_type,
        }
    }

    fn known(msg_type: &str, content: &'a RawValue) -> Option<Self> {
        let json = content.get();
        if !json.starts_with('{') {
            return None; // an array would pass for a struct
        }
        match msg_type {
            "TIMTextElem" => serde_json::from_str(json).ok().map(Self::Text),
            "TIMFaceElem" => serde_json::from_str(json).ok().map(Self::Face),
            "TIMLocationElem" => serde_json::from_str(json).ok().map(Self::Location),
            "TIMCustomElem" => serde_json::from_str(json).ok().map(Self::Custom),
            "TIMImageElem" => serde_json::from_str(json).ok().map(Self::Image),
            "TIMSoundElem" => serde_json::from_str(json).ok().map(Self::Sound),
            "TIMFileElem" => serde_json::from_str(json).ok().map(Self::File),
            "TIMVideoFileElem" => serde_json::from_str(json).ok().map(Self::Video),
            "TIMRelayElem" => serde_json::from_str(json).ok().map(Self::Relay),
            "TIMStreamElem" => serde_json::from_str(json).ok().map(Self::Stream),
            _ => None,
        }
    }
}

/// How an element looks from outside: its type first, and contents that the type explains.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Wrapped<'a> {
    #[serde(borrow)]
    msg_type: Text<'a>,
    #[serde(borrow)]
    msg_content: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wrapped {
            msg_type,
            msg_content: content,
        } = Wrapped::deserialize(deserializer)?;
        Ok(content
            .and_then(|content| Self::known(&msg_type, content))
            .unwrap_or(Self::Unknown(UnknownElem { msg_type, content })))
    }
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wrapped = serializer.serialize_struct("Element", 2)?;
        wrapped.serialize_field("MsgType", self.msg_type())?;
        match self {
            Self::Text(content) => wrapped.serialize_field("MsgContent", content),
            Self::Face(content) => wrapped.serialize_field("MsgContent", content),
            Self::Location(content) => wrapped.serialize_field("MsgContent", content),
            Self::Custom(content) => wrapped.serialize_field("MsgContent", content),
            Self::Image(content) => wrapped.serialize_field("MsgContent", content),
            Self::Sound(content) => wrapped.serialize_field("MsgContent", content),
            Self::File(content) => wrapped.serialize_field("MsgContent", content),
            Self::Video(content) => wrapped.serialize_field("MsgContent", content),
            Self::Relay(content) => wrapped.serialize_field("MsgContent", content),
            Self::Stream(content) => wrapped.serialize_field("MsgContent", content),
            Self::Unknown(content) => wrapped.serialize_field("MsgContent", &content.content),
        }?;
        wrapped.end()
    }
}

/// Reads `MsgBody`, at most [`MAX_ELEMENTS`] of it.
pub(super) fn elements<'de: 'a, 'a, D>(deserializer: D) -> Result<Vec<Element<'a>>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Elements)
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<Element<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of elements")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            if elements.len() == MAX_ELEMENTS {
                return Err(A::Error::custom("more elements than a message can hold"));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}
