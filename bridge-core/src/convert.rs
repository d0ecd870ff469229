//! Translating between a platform's words and ours. Pure: N vocabularies make N convertors, and A → B is
//! `b.write(a.read(wire))`. What is lost on the way is reported, never hidden.

use crate::{
    channel::Capabilities,
    message::{Content, ContentKind},
};

/// Translates between a platform's messages and [`Content`], and says what is lost. Pure: no I/O.
pub trait Convertor {
    /// The platform's form of a message.
    type Wire;

    /// What a message says, in order.
    fn read(&self, wire: &Self::Wire) -> Result<Vec<Content>, ConvertError>;

    /// A content in the platform's form, within what the platform can show.
    fn write(
        &self,
        content: &Content,
        within: &Capabilities,
    ) -> Result<Written<Self::Wire>, ConvertError>;
}

/// A content in a platform's form.
#[derive(Debug, Clone, PartialEq)]
pub struct Written<W> {
    /// In order. After planning there is one.
    pub parts: Vec<W>,
    /// What could not be shown.
    pub lost: Vec<Loss>,
}

impl<W> Written<W> {
    /// One part, nothing lost.
    pub fn whole(part: W) -> Self {
        Self {
            parts: vec![part],
            lost: Vec::new(),
        }
    }
}

/// Something a platform cannot show.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Loss {
    /// What kind of content it was.
    pub kind: ContentKind,
    /// What became of it: `"shown as a link"`.
    pub what: String,
}

impl Loss {
    /// Says that of a content of this kind something could not be shown.
    pub fn new(kind: ContentKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
        }
    }
}

/// Why something could not be translated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The wire form lacks something or is out of bounds.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// Which element.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// This content cannot be said on this platform in any form.
    #[error("{kind:?} cannot be sent here: {detail}")]
    Unspeakable {
        /// The content's kind.
        kind: ContentKind,
        /// Why.
        detail: String,
    },
}

impl ConvertError {
    /// This content cannot be said on this platform in any form; `detail` is why.
    pub fn unspeakable(content: &Content, detail: impl Into<String>) -> Self {
        Self::Unspeakable {
            kind: content.kind(),
            detail: detail.into(),
        }
    }
}
