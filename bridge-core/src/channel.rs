//! What a platform must be able to do for us. [`Channel`] is short and mandatory; everything more is a small trait
//! of its own that a channel offers or does not.

mod live;

use std::{borrow::Cow, collections::BTreeSet, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use live::{Bounds, Document, Heard, Line, Live, News, Refusal, Shown, Visit};

use crate::{
    clock::Timestamp,
    convert::Loss,
    error::Remedy,
    message::{
        Arrival, ArrivalId, Content, ContentKind, ConversationId, DispatchId, Handle, InboxName,
        Media, PeerId, Profile, ThreadKey, Trigger,
    },
    plugin::{BuildError, Plugin, Tools},
};

/// One kind of platform, configured for one inbox.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Checks and reads one callback. No I/O and no state: the answer depends on the delivery alone.
    fn decode(&self, delivery: &Delivery) -> Result<Decoded, ChannelError>;

    /// What the platform can show, and how much of it.
    fn capabilities(&self) -> &Capabilities;

    /// Sends one dispatch. Sending the same dispatch again must be harmless wherever the platform knows idempotency.
    async fn send(&self, dispatch: &Dispatch) -> Result<Receipt, ChannelError>;

    /// Platforms that are asked for messages.
    fn pull(&self) -> Option<&dyn Pull> {
        None
    }

    /// Platforms whose media need the platform's own download.
    fn fetch(&self) -> Option<&dyn Fetch> {
        None
    }

    /// Platforms that tell who is online.
    fn presence(&self) -> Option<&dyn Presence> {
        None
    }

    /// Platforms that tell who a contact is when they are asked.
    fn people(&self) -> Option<&dyn People> {
        None
    }

    /// Platforms whose client shows pages of ours beside a chat.
    fn sidebar(&self) -> Option<&dyn Sidebar> {
        None
    }

    /// Platforms that show "typing…".
    fn typing(&self) -> Option<&dyn Typing> {
        None
    }

    /// Platforms where something sent can be taken back.
    fn recall(&self) -> Option<&dyn Recall> {
        None
    }

    /// Channels whose contacts come to us and stay connected.
    fn live(&self) -> Option<&dyn Live> {
        None
    }

    /// Platforms where a contact who is away can be told that somebody has written, as often as they allowed it.
    fn nudging(&self) -> Option<&Nudging> {
        None
    }

    /// Platforms that make pictures to scan.
    fn codes(&self) -> Option<&dyn Codes> {
        None
    }

    /// Platforms where a robot can tell a group something.
    fn notify(&self) -> Option<&dyn Notify> {
        None
    }

    /// What `kefu-bridge check` tries on the real platform.
    fn check(&self) -> Option<&dyn Check> {
        None
    }
}

/// One HTTP request to `/callback/{inbox}`, as it came.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// `GET` (URL verification) or `POST`.
    pub verb: Verb,
    /// The raw query string, undecoded.
    pub query: String,
    /// The body; bounded by the server (1 MiB).
    pub body: Bytes,
    /// When it reached us.
    pub received_at: Timestamp,
}

/// The two HTTP methods platforms use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// URL verification.
    Get,
    /// A callback.
    Post,
}

impl Delivery {
    /// The query's parameters, percent-decoded exactly once; `+` stays `+` (platforms send base64 in queries).
    pub fn query_value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| percent_decode(value))
        })
    }
}

pub(crate) fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if first == b'%' => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// What a callback meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// What the platform is answered, once the arrivals are durable.
    pub ack: Ack,
    /// What came in, in order. Empty for verifications, echoes and what is of no use.
    pub arrivals: Vec<Arrival>,
    /// The platform says that there is something to pull.
    pub pull: Option<PullHint>,
}

/// The answer to a callback: always HTTP 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Body.
    pub body: Bytes,
}

impl Ack {
    /// A plain-text answer.
    pub fn text(body: impl Into<Bytes>) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }

    /// A JSON answer.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self {
            content_type: "application/json; charset=utf-8",
            body: body.into(),
        }
    }
}

/// "There is something to pull": what, and the platform's one-time token for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullHint {
    /// Which of the channel's topics.
    pub topic: String,
    /// A token that makes the pull cheaper, where the platform gives one.
    pub token: Option<String>,
}

/// What a platform can show. Data, so that planning is pure.
#[derive(Debug, Clone, Default)]
pub struct Capabilities {
    /// Kinds that can be sent as they are; others are rewritten as words and the loss is reported.
    pub kinds: BTreeSet<ContentKind>,
    /// Longest text of one message in UTF-8 bytes; longer ones are split.
    pub text_bytes: Option<usize>,
    /// Whether Markdown is rendered.
    pub markdown: bool,
    /// How often a contact may be written to; empty: no limit.
    pub allowances: Vec<Allowance>,
    /// Media types that can be shown as a picture (others go as files or links); empty: any.
    pub image_types: Vec<&'static str>,
    /// Whether a voice message can be sent as one.
    pub voice_types: Vec<&'static str>,
    /// Whether agents of this inbox answer its contacts in the platform's own client, where they see everything by
    /// themselves. Such an agent takes conversations of this inbox only and is relayed nothing; the channel is told when a
    /// conversation becomes theirs and when it is theirs no more: it sends [`Event::Handed`](crate::message::Event) and
    /// [`Event::Released`](crate::message::Event) "to" the contact, in order with what is said to them.
    pub native_desk: bool,
    /// Whether an agent of this inbox has all contacts in one chat rather than a chat for each: then what is for the agent
    /// goes through the agent's own lane, whose [`Board`](crate::switchboard::Board) keeps them apart. An account that is
    /// an agent's speaks as that agent, any other as a contact.
    pub one_chat: bool,
}

/// So many messages within so long after a trigger. A new trigger starts anew; allowances do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Allowance {
    /// What opens it.
    pub trigger: Trigger,
    /// How many messages.
    pub count: u32,
    /// For how long, in seconds.
    pub seconds: u64,
}

/// One thing to send to one recipient: after planning, one call to the platform.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Dispatch {
    /// Its id; idempotency keys are derived from it.
    pub id: DispatchId,
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// The inbox it leaves by.
    pub inbox: InboxName,
    /// The recipient there.
    pub to: PeerId,
    /// In whose name, where the platform allows it: the contact's stand-in at a desk.
    pub sender: Option<Persona>,
    /// What.
    pub content: Content,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// When it was decided.
    pub created_at: Timestamp,
}

/// A contact's stand-in account at a desk.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Persona {
    /// Its account id there: at most 32 bytes of `[0-9a-zA-Z_-]`.
    pub id: PeerId,
    /// Name to show.
    pub name: String,
    /// Picture to show.
    pub avatar_url: Option<String>,
}

impl Persona {
    /// How every stand-in's id begins, so that a desk's channel knows one when it sees it.
    pub const PREFIX: &str = "kefu_";

    /// The id of the stand-in of whoever writes on a thread: the same for ever and on every desk, at most 32 bytes, and it
    /// tells nothing.
    pub fn id_of(thread: &ThreadKey) -> PeerId {
        let digest = Sha256::digest(format!("{}\n{}", thread.inbox, thread.peer));
        let id: String = digest
            .iter()
            .take(13)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        PeerId::from(format!("{}{id}", Self::PREFIX))
    }

    /// Whether an account at a desk is a contact's stand-in. What people there say to one another is none of ours.
    pub fn is_stand_in(account: &str) -> bool {
        account.starts_with(Self::PREFIX)
    }
}

/// The platform took it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Receipt {
    /// The platform's id for it, where it gives one: what a recall needs.
    pub external_id: Option<String>,
    /// What could not be shown.
    pub lost: Vec<Loss>,
}

/// Platforms that are asked for messages: the intake of those that only say "there is something", and the repair of
/// those whose callbacks are not retried.
#[async_trait]
pub trait Pull: Send + Sync {
    /// Fetches the page after `cursor`. Arrivals carry the same external ids as callbacks do.
    async fn pull(
        &self,
        topic: &str,
        token: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page, ChannelError>;

    /// What to pull without being told, given the desk threads that are open now, and how often.
    fn routine(&self, open: &[DeskThread]) -> Vec<PullHint>;

    /// How often the routine pulls run.
    fn every(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// A contact's stand-in and the agent who talks to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeskThread {
    /// The stand-in's account.
    pub stand_in: PeerId,
    /// The agent's account.
    pub agent: PeerId,
    /// Since when this agent has the conversation.
    pub since: Timestamp,
}

/// One page of pulled messages.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// In order.
    pub arrivals: Vec<Arrival>,
    /// Where the next page begins; stored in the same transaction as the arrivals.
    pub cursor: Option<String>,
    /// Whether there is more right now.
    pub more: bool,
}

/// Downloads a platform's media.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The bytes of one medium, at most `limit` of them.
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError>;
}

/// A downloaded medium, or where to get it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Its bytes, with the file name and type the platform claims.
    Bytes {
        /// The bytes.
        bytes: Bytes,
        /// File name.
        name: Option<String>,
        /// Claimed media type.
        mime: Option<String>,
    },
    /// A URL to be fetched under the ordinary rules.
    At(String),
}

/// Tells who is online.
#[async_trait]
pub trait Presence: Send + Sync {
    /// For each account whether it can be reached; accounts the platform does not know are left out.
    async fn online(&self, accounts: &[PeerId]) -> Result<Vec<(PeerId, bool)>, ChannelError>;
}

/// Tells who a contact is.
#[async_trait]
pub trait People: Send + Sync {
    /// What the platform knows of a contact: names, and handles that tie them to the same person elsewhere. Asked once in a
    /// while for each contact who writes; errors are for the log.
    async fn person(&self, contact: &PeerId) -> Result<Profile, ChannelError>;
}

/// A page of ours that the platform's client shows beside a chat.
#[async_trait]
pub trait Sidebar: Send + Sync {
    /// What the page at this address hands to the client so that it is let in: signed, as the platform's scripts want it.
    async fn pass(&self, url: &str) -> Result<serde_json::Value, ChannelError>;

    /// What the contact of a chat is known by, whose id the client tells; no I/O.
    fn handle(&self, contact: &str) -> Option<Handle>;

    /// What the platform's own people know of that contact.
    async fn known(&self, contact: &str) -> Result<Acquaintance, ChannelError>;
}

/// What the platform's own people know of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acquaintance {
    /// Names, and handles beside the one that was asked by.
    pub profile: Profile,
    /// Their tags for the contact, each once.
    pub tags: Vec<String>,
}

/// Shows "typing…" to a contact. Best effort: errors are for the log.
#[async_trait]
pub trait Typing: Send + Sync {
    /// Starts or stops showing it.
    async fn typing(&self, to: &PeerId, on: bool) -> Result<(), ChannelError>;
}

/// Takes back something sent.
#[async_trait]
pub trait Recall: Send + Sync {
    /// Takes back what was sent under this receipt's id.
    async fn recall(
        &self,
        to: &PeerId,
        sender: Option<&PeerId>,
        external_id: &str,
    ) -> Result<(), ChannelError>;
}

/// The key under which the page that a nudge opens says which nudge it was, when the contact comes back by it.
pub const NUDGE_KEY: &str = "kefu_nudge";

/// When a contact who is away is nudged: data, so that deciding is pure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nudging {
    /// What the contact's grants are about: WeChat's subscription template.
    pub topic: String,
    /// At most so many in an hour.
    pub most_per_hour: u32,
    /// The least time between two.
    pub pause: Duration,
}

/// Makes codes to scan.
#[async_trait]
pub trait Codes: Send + Sync {
    /// A code that brings `scene` along: `agent:NAME` for a dedicated agent. `page` is where it leads, for platforms
    /// that have pages; `None`: the configured one.
    async fn code(&self, scene: &str, page: Option<&str>) -> Result<Code, ChannelError>;
}

/// A code to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The picture.
    pub picture: Bytes,
    /// Its media type.
    pub mime: &'static str,
}

/// Tells groups something: nobody's conversation, and nothing that is answered.
#[async_trait]
pub trait Notify: Send + Sync {
    /// The names of the groups that are configured.
    fn groups(&self) -> Vec<&str>;

    /// Tells one of them.
    async fn notify(&self, group: &str, notice: &GroupNotice) -> Result<(), ChannelError>;
}

/// What a group is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupNotice {
    /// The words.
    pub words: String,
    /// Whether they are Markdown.
    pub markdown: bool,
    /// Whose attention is called, by account; `@all`: everybody's.
    pub mentioned: Vec<String>,
    /// The same by phone number.
    pub mentioned_phones: Vec<String>,
}

/// What `kefu-bridge check` tries.
#[async_trait]
pub trait Check: Send + Sync {
    /// Tries the credentials and whatever else can be wrong; one finding per thing tried.
    async fn check(&self) -> Vec<Finding>;
}

/// One line of `kefu-bridge check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is well.
    pub ok: bool,
    /// The setting it is about, below the section: `app_secret`.
    pub key: &'static str,
    /// What was found, in Chinese and English.
    pub what: Words,
    /// How to mend it; empty where nothing is to mend.
    pub mend: Words,
}

/// A text for people in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Both texts.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    /// The text in a language.
    pub fn get(&self, locale: crate::texts::Locale) -> &str {
        match locale {
            crate::texts::Locale::Zh => &self.zh,
            crate::texts::Locale::En => &self.en,
        }
    }
}

/// Why a channel could not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ChannelError {
    /// What kind of failure.
    pub kind: ChannelErrorKind,
    /// What may be done about it.
    pub remedy: Remedy,
    /// The platform's own code, where it gave one.
    pub code: Option<i64>,
    /// For logs: no secrets.
    pub detail: String,
    /// For the agent whose message it was, where there is more to say than "not delivered".
    pub advice: Option<Words>,
}

/// What kind of failure; decides what a callback is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelErrorKind {
    /// A signature, a key or an account id does not fit: 401, nothing is stored.
    Forged,
    /// It cannot be read: 400.
    Malformed,
    /// It is too large: 413.
    TooLarge,
    /// The platform refused.
    Refused,
    /// The network, or no answer in time.
    Network,
    /// Our own configuration or the operator's account: somebody must act.
    Configuration,
    /// Nothing was sent yet: so many a second are allowed, and those are used up. It is no failed try.
    Busy,
}

impl fmt::Display for ChannelErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forged => "forged",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::Configuration => "configuration",
            Self::Busy => "busy",
        })
    }
}

impl ChannelError {
    /// A failure without code or advice.
    pub fn new(kind: ChannelErrorKind, remedy: Remedy, detail: impl Into<String>) -> Self {
        Self {
            kind,
            remedy,
            code: None,
            detail: detail.into(),
            advice: None,
        }
    }

    /// A callback that is not the platform's.
    pub fn forged(detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Forged, Remedy::Never, detail)
    }

    /// A callback that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Malformed, Remedy::Never, detail)
    }

    /// The platform said no.
    pub fn refused(code: i64, remedy: Remedy, detail: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(ChannelErrorKind::Refused, remedy, detail)
        }
    }

    /// The network failed.
    pub fn network(remedy: Remedy, detail: impl Into<String>) -> Self {
        Self::new(ChannelErrorKind::Network, remedy, detail)
    }

    /// Adds what an agent should read.
    pub fn advise(mut self, zh: impl Into<String>, en: impl Into<String>) -> Self {
        self.advice = Some(Words::new(zh, en));
        self
    }
}

/// A [`Channel`] that can be registered: `bridge_core::register!(ChannelSpec::new::<WeChat>("wechat"))`.
pub trait ChannelPlugin: Channel + Plugin {}
impl<T: Channel + Plugin> ChannelPlugin for T {}

/// What a channel's crate registers.
#[derive(Clone, Copy)]
pub struct ChannelSpec {
    /// What `channel = "…"` says.
    pub name: &'static str,
    /// The crate it comes from.
    pub from_crate: &'static str,
    pub(crate) build:
        fn(serde_json::Value, &Tools) -> Result<std::sync::Arc<dyn Channel>, BuildError>,
    pub(crate) schema: fn() -> schemars::Schema,
}

impl ChannelSpec {
    /// Describes the channel `C` under `name`.
    pub const fn new<C: ChannelPlugin>(name: &'static str) -> Self {
        Self {
            name,
            from_crate: "",
            build: |config, tools| {
                Ok(std::sync::Arc::new(C::build(
                    crate::plugin::read_config(config)?,
                    tools,
                )?))
            },
            schema: || schemars::schema_for!(C::Config),
        }
    }

    /// Set by [`register!`](crate::register).
    pub const fn from_crate(mut self, name: &'static str) -> Self {
        self.from_crate = name;
        self
    }

    /// Builds the channel from its section.
    pub fn build(
        &self,
        config: serde_json::Value,
        tools: &Tools,
    ) -> Result<std::sync::Arc<dyn Channel>, BuildError> {
        (self.build)(config, tools)
    }

    /// The JSON Schema of its section.
    pub fn schema(&self) -> schemars::Schema {
        (self.schema)()
    }
}
