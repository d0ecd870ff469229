//! What a bubble shows: one vocabulary for the phone's and the agents' chats, for tests and for the pages.
//!
//! This is how the *platforms* show a message to a person. It is deliberately not the bridge's own canonical message.

use serde::Serialize;

/// A message as its reader sees it. The JSON form is described in `sandbox/API.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are the words of sandbox/API.md, which explains each"
)]
#[non_exhaustive]
pub enum Content {
    /// Words.
    Text { text: String },
    /// A picture.
    Image {
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        width: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        height: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Recorded speech, with its words where they were recognised.
    Voice {
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        words: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<String>,
    },
    /// A film.
    Video {
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        thumb_url: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// Any other file.
    File {
        #[serde(skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u64>,
    },
    /// A place.
    Location {
        latitude: f64,
        longitude: f64,
        label: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        scale: Option<u32>,
    },
    /// A card that opens a page.
    Link {
        title: String,
        description: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        picture_url: Option<String>,
    },
    /// A song.
    Music {
        title: String,
        description: String,
        url: String,
    },
    /// A card that opens a mini program.
    MiniProgram {
        title: String,
        app_id: String,
        page_path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        thumb_url: Option<String>,
    },
    /// A list of answers to tap.
    Menu {
        head: String,
        items: Vec<MenuChoice>,
        tail: String,
    },
    /// A coupon or membership card.
    Card { card_id: String },
    /// Words with Markdown in them.
    Markdown { text: String },
    /// Several articles in one bubble.
    News { articles: Vec<Article> },
    /// A card with fields, buttons or choices, as WeCom shows them.
    TemplateCard { card: Box<TemplateCard> },
    /// A sticker.
    Face { index: i64, data: String },
    /// A payload of the application's own.
    Custom {
        data: String,
        description: String,
        extension: String,
    },
    /// Something the customer did that is not speech.
    Event {
        event: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        text: String,
    },
    /// A grey line by the platform itself.
    Notice { text: String },
    /// Anything the sandbox has no picture for.
    Other { kind: String, raw: String },
}

/// One line of a [`Content::Menu`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MenuChoice {
    /// What comes back as `bizmsgmenuid`.
    pub id: String,
    /// What is shown, and comes back as the text.
    pub text: String,
}

/// One article of [`Content::News`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "the fields are the words of sandbox/API.md, which explains each"
)]
pub struct Article {
    pub title: String,
    pub description: String,
    pub url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
}

/// A card of WeCom's (WeCom notes, 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TemplateCard {
    /// `text_notice`, `button_interaction` …
    pub kind: String,
    /// What the bridge calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Who speaks.
    pub source: String,
    /// The main title.
    pub title: String,
    /// What is under the main title.
    pub description: String,
    /// The big words of a notice.
    pub emphasis: String,
    /// The quoted words.
    pub quote: String,
    /// The small text.
    pub text: String,
    /// The picture on top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// Names and values.
    pub rows: Vec<CardRow>,
    /// Questions to answer before a button is pressed.
    pub questions: Vec<CardQuestion>,
    /// The buttons.
    pub buttons: Vec<CardButton>,
    /// The one button under the questions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submit: Option<CardButton>,
    /// Further pages.
    pub links: Vec<CardRow>,
    /// Where a tap on the card leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The entries of the menu at the upper right.
    pub menu: Vec<CardButton>,
    /// What stands in place of the buttons once the card has been dealt with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<String>,
}

/// A line of a [`TemplateCard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardRow {
    /// What it is about.
    pub name: String,
    /// What it says.
    pub value: String,
    /// The page it opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A button of a [`TemplateCard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardButton {
    /// What it says.
    pub text: String,
    /// What comes back as `EventKey`.
    pub key: String,
    /// 1 to 4.
    pub style: i64,
    /// The page a press opens instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A choice of a [`TemplateCard`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardQuestion {
    /// What comes back as `QuestionKey`.
    pub key: String,
    /// What is asked.
    pub title: String,
    /// What may be chosen.
    pub options: Vec<CardOption>,
    /// Whether more than one may be chosen.
    pub several: bool,
    /// The options chosen beforehand.
    pub chosen: Vec<String>,
}

/// An option of a [`CardQuestion`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CardOption {
    /// What comes back as `OptionId`.
    pub id: String,
    /// What it says.
    pub text: String,
}

impl TemplateCard {
    /// Everything that is written on it.
    fn words(&self) -> String {
        let whole = [
            &self.source,
            &self.title,
            &self.description,
            &self.emphasis,
            &self.quote,
            &self.text,
        ];
        let rows = self.rows.iter().flat_map(|row| [&row.name, &row.value]);
        let buttons = self.buttons.iter().map(|button| &button.text);
        let all = whole.into_iter().chain(rows).chain(buttons);
        let all = all.chain(self.done.as_ref()).map(String::as_str);
        all.filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Content {
    /// Everything that is written in the bubble.
    pub fn words(&self) -> String {
        match self {
            Self::Text { text } | Self::Markdown { text } | Self::Notice { text } => text.clone(),
            Self::Link {
                title, description, ..
            } => format!("{title}\n{description}"),
            Self::News { articles } => {
                let titles = articles.iter().map(|article| article.title.as_str());
                titles.collect::<Vec<_>>().join("\n")
            }
            Self::TemplateCard { card } => card.words(),
            _ => String::new(),
        }
    }

    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// A grey line by the platform.
    pub fn notice(text: impl Into<String>) -> Self {
        Self::Notice { text: text.into() }
    }

    /// The words of a text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            _ => None,
        }
    }
}

/// Who wrote a bubble, as its reader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer, on the phone.
    Customer,
    /// The account or the app: what the bridge sent by its API.
    Account,
    /// The agent, at the desk; the member, in WeCom.
    Agent,
    /// The other side of an agent's chat: a contact's stand-in.
    Peer,
    /// The platform itself.
    System,
}

/// How far a bubble got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The callback to the bridge is under way.
    Sending,
    /// The other side has it.
    Delivered,
    /// The bridge did not take it.
    Failed,
    /// Taken back.
    Recalled,
    /// Read by the peer.
    Read,
}

/// One bubble of a chat.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Unique within the sandbox and growing: the order of the chat.
    pub id: u64,
    /// Unix milliseconds.
    pub at: i64,
    /// Who wrote it.
    pub from: Author,
    /// How far it got.
    pub status: Status,
    /// The platform's own id: `MsgId` on the phone, `MsgKey` at the desk.
    pub key: Option<String>,
    /// A short remark for people.
    pub note: Option<String>,
    /// What it shows.
    pub content: Content,
}

impl Message {
    /// The words of a text message, or "".
    pub fn text(&self) -> &str {
        self.content.as_text().unwrap_or_default()
    }
}
