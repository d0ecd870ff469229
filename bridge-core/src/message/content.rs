//! What people say to one another, in words of our own.

use std::collections::BTreeMap;

use super::ids::{ArrivalId, BotName, InboxName, PeerId, ThreadKey};
use crate::clock::Timestamp;

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

/// A picture, sound, film or file, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Media {
    /// Where its bytes are.
    pub source: MediaSource,
    /// File name, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type as the sender claims; what we serve is sniffed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Size in bytes as the sender claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Where a medium's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// With us, by the SHA-256 of its bytes in hex.
    Kept {
        /// 64 hex digits.
        hash: String,
    },
    /// At the platform of an inbox, to be fetched by that inbox's channel or from the URL.
    Remote {
        /// Whose channel fetches it.
        inbox: InboxName,
        /// The platform's id for it; empty where only a URL is known.
        handle: String,
        /// A URL to fetch it from, where the platform gave one.
        url: Option<String>,
    },
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

/// Something that happened, told by a platform.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The contact follows us now; `scene` is the QR code's, without prefix.
    Followed {
        /// Scene of the QR code, if one was scanned.
        scene: Option<String>,
    },
    /// The contact follows us no more.
    Unfollowed,
    /// A contact who follows us scanned a QR code of ours.
    Scanned {
        /// Scene of the QR code.
        scene: String,
    },
    /// A menu entry of the account was tapped.
    MenuClicked {
        /// Its configured key.
        key: String,
    },
    /// The contact opened the chat; `from` is what the page said about itself.
    Entered {
        /// `sessionFrom` and the like.
        from: String,
        /// Whether the platform lets us greet them now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        greet: bool,
    },
    /// An agent came online or went offline. The arrival's author is that agent.
    Presence {
        /// Whether they can be reached.
        online: bool,
    },
    /// An agent is at an answer. It is over in a moment: shown to the contact, and kept nowhere. The arrival's author is that
    /// agent.
    Typing,
    /// Somebody read everything up to a moment.
    Read {
        /// Unix seconds.
        up_to: i64,
    },
    /// A profile changed; the arrival's `profile` has the new one.
    ProfileChanged,
    /// The contact withdrew consent or closed their account: personal data must go.
    ErasureAsked {
        /// What the platform says should go.
        scope: String,
    },
    /// The contact answered whether we may nudge them.
    Consent {
        /// Topic by topic.
        answers: Vec<ConsentAnswer>,
    },
    /// A platform's word on whether nudges arrived.
    NudgeReport {
        /// One by one.
        results: Vec<NudgeResult>,
    },
    /// A platform's word on whether something we sent arrived.
    DeliveryReport {
        /// The platform's message id.
        external_id: String,
        /// Whether it arrived.
        delivered: bool,
        /// Its reason.
        reason: String,
        /// Nothing more reaches the contact until they write again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        used_up: bool,
    },
    /// A person of ours took the conversation on the platform itself, in the platform's own client. The arrival's author
    /// is that agent.
    Taken,
    /// A person of ours said this to the contact on the platform itself. The arrival's author is that agent.
    Answered {
        /// What.
        content: Box<Content>,
    },
    /// The conversation was ended on the platform itself.
    Ended,
    /// To a platform whose agents work in its own client: this conversation is one agent's from now on (see
    /// [`Capabilities::native_desk`](crate::channel::Capabilities)).
    Handed {
        /// The agent's account there.
        agent: PeerId,
    },
    /// To a platform whose agents work in its own client: this conversation is none of theirs any more.
    Released,
    /// The contact added a person of ours in the platform's own client, which is no word to us yet.
    Added {
        /// The account of whom they added.
        member: PeerId,
        /// What the code was made with that they scanned: `agent:NAME` names a dedicated agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scene: Option<String>,
        /// What they may be welcomed with, once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        welcome: Option<Welcome>,
    },
    /// To a platform: welcomes a contact who has just added a person of ours.
    Welcome(Welcome),
    /// To a platform that shows agents cards with buttons: one of them is over, and its buttons say so.
    CardOver {
        /// The arrival whose turn showed it.
        shown_by: ArrivalId,
        /// What the platform calls it; filled in when this leaves, for by then the card has been sent.
        #[serde(default)]
        card: String,
        /// What its buttons say from now on.
        words: String,
    },
    /// To a bot that hears ratings, never to a platform: the contact rated what it took part in.
    Rated(Box<Rated>),
    /// Anything else: recorded, not acted upon.
    Other {
        /// The platform's own name for it.
        name: String,
        /// Its fields as text.
        detail: BTreeMap<String, String>,
    },
}

/// One word of welcome, by the platform's leave.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Welcome {
    /// By which the platform knows whom it is for; good once.
    pub code: String,
    /// What is said.
    pub words: String,
    /// Until when.
    pub until: Timestamp,
}

/// A contact's rating of a conversation, as a bot hears it that took part.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rated {
    /// Which bot.
    pub bot: BotName,
    /// The contact's thread.
    pub thread: ThreadKey,
    /// 1 to 5, higher is better.
    pub score: u8,
    /// What the bot remembered of the conversation when it was rated.
    pub memory: serde_json::Value,
    /// When the conversation was opened that was rated: what the bot did before is not meant.
    pub since: Timestamp,
}

/// What a contact says to being nudged about a topic.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConsentAnswer {
    /// The topic: WeChat's subscription template.
    pub topic: String,
    /// The answer.
    pub answer: Answer,
}

/// Yes, no, or no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// One more nudge is allowed.
    Given,
    /// Not this time; what was given before stays.
    Declined,
    /// None any more, whatever was given before.
    Withdrawn,
}

/// What became of one nudge.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NudgeResult {
    /// Its topic.
    pub topic: String,
    /// The platform's id for it.
    pub external_id: String,
    /// Whether it arrived.
    pub delivered: bool,
    /// The platform's word.
    pub reason: String,
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

    /// Markdown.
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

impl Media {
    /// A medium at an inbox's platform.
    pub fn remote(inbox: &InboxName, handle: impl Into<String>, url: Option<String>) -> Self {
        Self {
            source: MediaSource::Remote {
                inbox: inbox.clone(),
                handle: handle.into(),
                url,
            },
            name: None,
            mime: None,
            size: None,
        }
    }
}
