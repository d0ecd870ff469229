//! What people say to one another, in words of our own.

use super::{Event, Media};

/// One message's content. Rich enough that nothing a platform sends is silently dropped: what has no kind of its own
/// is [`Content::Unsupported`] with the platform's name for it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Content {
    /// Words.
    Text(Text),
    /// A picture.
    Image {
        /// Where it is.
        media: Media,
    },
    /// A voice message.
    Voice {
        /// Where it is.
        media: Media,
        /// What the platform recognised, if it did.
        words: Option<String>,
        /// Length in seconds, where known.
        seconds: Option<u32>,
    },
    /// A video.
    Video {
        /// Where it is.
        media: Media,
        /// Its preview picture.
        thumbnail: Option<Media>,
        /// Length in seconds, where known.
        seconds: Option<u32>,
    },
    /// A file of any other type.
    File {
        /// Where it is; its name is in `media.name`.
        media: Media,
    },
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// Its name or address.
        label: String,
    },
    /// A link with a title.
    Link {
        /// Title.
        title: String,
        /// One or two lines.
        description: String,
        /// Where it leads.
        url: String,
        /// Picture beside it.
        picture_url: Option<String>,
    },
    /// A mini-program page.
    MiniProgram {
        /// The mini program's app id.
        app_id: String,
        /// Title.
        title: String,
        /// Page path with its query.
        path: String,
        /// Preview picture.
        thumbnail: Option<Media>,
    },
    /// A piece of sound with a title, to be played where it stands.
    Music {
        /// Title.
        title: String,
        /// Who plays, or what it is about.
        description: String,
        /// Where it is.
        url: String,
        /// Picture beside it.
        thumbnail: Option<Media>,
    },
    /// Something the account has made on its platform beforehand, by the platform's id for it.
    Hosted {
        /// What it is.
        what: Hosted,
        /// The platform's id.
        id: String,
        /// What people call it.
        title: String,
        /// Where it is to be seen elsewhere.
        url: Option<String>,
    },
    /// A question with choices to tap, such as the rating.
    Menu {
        /// Before the choices.
        head: String,
        /// The choices. Ids are decimal numbers: other ids do not survive WeChat (message menus, 6.3).
        items: Vec<MenuItem>,
        /// After the choices.
        tail: String,
    },
    /// A choice tapped in a menu.
    Choice {
        /// The item's id.
        id: String,
        /// The item's label.
        label: String,
    },
    /// A word by another way than the chat, to a contact who is away: somebody has written. Costs one of the contact's
    /// grants (see [`Grants`](crate::conversation::Grants)).
    Nudge {
        /// What the contact allowed: WeChat's subscription template.
        topic: String,
        /// Who has written.
        from: String,
        /// What about, at most 20 characters.
        summary: String,
    },
    /// Something that happened: a fact, never speech.
    Event(Event),
    /// A message was taken back.
    Recalled {
        /// The external id of the message, as far as the platform tells.
        external_id: String,
    },
    /// Something we have no kind for.
    Unsupported {
        /// The platform's own name for it.
        what: String,
        /// What could be read of it, for the agent.
        summary: String,
    },
}

/// Words and how they are marked up.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Text {
    /// The words.
    pub text: String,
    /// Their markup.
    #[serde(default, skip_serializing_if = "Format::is_plain")]
    pub format: Format,
}

/// How a text is marked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As it stands.
    #[default]
    Plain,
    /// Markdown, as language models write it; made plain where a channel cannot show it.
    Markdown,
}

impl Format {
    fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

/// What an account has made on its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hosted {
    /// An article that was published.
    Article,
    /// Articles among the account's permanent material, as accounts without drafts have them.
    News,
    /// A coupon.
    Coupon,
}

/// One choice of a [`Content::Menu`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MenuItem {
    /// A decimal number.
    pub id: String,
    /// What is shown.
    pub label: String,
}

/// The kinds of [`Content`], for capabilities.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the kind of the Content of that name")]
pub enum ContentKind {
    Text,
    Image,
    Voice,
    Video,
    File,
    Location,
    Link,
    MiniProgram,
    Music,
    Hosted,
    Menu,
    Choice,
    Nudge,
    Event,
    Recalled,
    Unsupported,
}

impl Content {
    /// Plain words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text {
            text: text.into(),
            format: Format::Plain,
        })
    }

    /// A text in Markdown.
    pub fn markdown(text: impl Into<String>) -> Self {
        Self::Text(Text {
            text: text.into(),
            format: Format::Markdown,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> ContentKind {
        match self {
            Self::Text(_) => ContentKind::Text,
            Self::Image { .. } => ContentKind::Image,
            Self::Voice { .. } => ContentKind::Voice,
            Self::Video { .. } => ContentKind::Video,
            Self::File { .. } => ContentKind::File,
            Self::Location { .. } => ContentKind::Location,
            Self::Link { .. } => ContentKind::Link,
            Self::MiniProgram { .. } => ContentKind::MiniProgram,
            Self::Music { .. } => ContentKind::Music,
            Self::Hosted { .. } => ContentKind::Hosted,
            Self::Menu { .. } => ContentKind::Menu,
            Self::Choice { .. } => ContentKind::Choice,
            Self::Nudge { .. } => ContentKind::Nudge,
            Self::Event(_) => ContentKind::Event,
            Self::Recalled { .. } => ContentKind::Recalled,
            Self::Unsupported { .. } => ContentKind::Unsupported,
        }
    }

    /// The words in it, if somebody said or typed any: a text, recognised speech, a tapped choice.
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            Self::Voice { words, .. } => words.as_deref().filter(|words| !words.is_empty()),
            Self::Choice { label, .. } => Some(label),
            _ => None,
        }
    }

    /// The media it refers to, the main one first.
    pub fn media(&self) -> Vec<&Media> {
        match self {
            Self::Image { media } | Self::Voice { media, .. } | Self::File { media } => vec![media],
            Self::Video {
                media, thumbnail, ..
            } => std::iter::once(media).chain(thumbnail).collect(),
            Self::MiniProgram { thumbnail, .. } | Self::Music { thumbnail, .. } => {
                thumbnail.iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// What comes next to it where a platform has no form for it; `None`: there is nothing plainer.
    pub fn plainer(&self) -> Option<Self> {
        let link = |title: &str, description: &str, url: &str| Self::Link {
            title: title.to_owned(),
            description: description.to_owned(),
            url: url.to_owned(),
            picture_url: None,
        };
        match self {
            Self::Music {
                title,
                description,
                url,
                ..
            } => Some(link(&format!("🎵 {title}"), description, url)),
            Self::Hosted {
                title,
                url: Some(url),
                ..
            } => Some(link(title, "", url)),
            Self::Hosted { title, .. } if !title.is_empty() => Some(Self::text(title)),
            _ => None,
        }
    }
}
