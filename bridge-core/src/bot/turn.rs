//! One turn: the facts a bot decides on.

use std::sync::Arc;

use super::Manual;
use crate::{
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{AgentName, Arrival, ArrivalId, Author, BotName, Content},
    routing::Desk,
    store::{Entry, Said},
    texts::{Locale, Texts},
};

/// The facts of one turn. A value: everything a bot may know, nothing it could change.
#[derive(Clone)]
pub struct Turn {
    /// The arrival that caused it: the trace id of its log lines.
    pub trace: ArrivalId,
    /// The conversation as it stands.
    pub conversation: Conversation,
    /// The contact.
    pub contact: Contact,
    /// Who speaks.
    pub author: Author,
    /// The agent who speaks, where the author is one of ours.
    pub agent: Option<AgentName>,
    /// What was said; a command with its `#`.
    pub said: Option<Content>,
    /// The name a command was called by, in lower case and half width; `None`: plain speech.
    pub called: Option<String>,
    /// For a background bot: everything said since its last answer, merged into one question.
    pub question: Vec<Said>,
    /// For a background bot: which try this is, from 1. From 2 on somebody may have been asked already.
    pub attempt: u32,
    /// The moment it is decided for.
    pub now: Timestamp,
    /// Agents, their loads, the queue, the hours.
    pub desk: Arc<Desk>,
    /// What was said last in this opening, oldest first, without notes and notices, its lines not numbered; given to
    /// background bots only.
    pub recent: Vec<Entry>,
    /// The words people are spoken to in.
    pub texts: Arc<Texts>,
    /// For a background bot: resolves when the answer is no longer wanted.
    pub cancelled: Cancelled,
    /// What the Conversation filter decided before anybody else (reopening and the like).
    pub preface: Vec<super::Effect>,
    /// The commands of this configuration.
    pub manual: Arc<Manual>,
}

impl Turn {
    /// The words that were said, if any.
    pub fn words(&self) -> Option<&str> {
        self.said.as_ref().and_then(Content::words)
    }

    /// What `bot` remembers of this conversation; nothing, or something unreadable: `None`.
    pub fn memory<T: serde::de::DeserializeOwned>(&self, bot: &str) -> Option<T> {
        let value = self.conversation.memory.get(bot)?;
        serde_json::from_value(value.clone()).ok()
    }

    /// An effect that makes `bot` remember.
    pub fn remember<T: serde::Serialize>(bot: &str, value: &T) -> super::Effect {
        let value = serde_json::to_value(value).unwrap_or(serde_json::Value::Null);
        super::Effect::Remember {
            bot: BotName::new(bot),
            value,
        }
    }

    /// The language people are spoken to in.
    pub fn locale(&self) -> Locale {
        self.texts.locale
    }

    /// Whether an agent speaks.
    pub fn by_agent(&self) -> bool {
        matches!(self.author, Author::Agent(_))
    }

    /// Whether the agent who speaks has this conversation.
    pub fn is_theirs(&self) -> bool {
        self.agent.is_some() && self.agent.as_ref() == self.conversation.agent()
    }

    /// A turn for unit tests: a contact says `text` in a fresh, assisted conversation.
    #[cfg(any(test, feature = "testkit"))]
    pub fn of_contact(text: &str) -> Self {
        crate::testkit::turn_of_contact(text)
    }

    #[cfg_attr(
        not(any(test, feature = "engine", feature = "testkit")),
        expect(dead_code, reason = "only who runs turns makes them")
    )]
    pub(crate) fn bare(
        trace: ArrivalId,
        conversation: Conversation,
        contact: Contact,
        arrival: &Arrival,
        desk: Arc<Desk>,
        texts: Arc<Texts>,
        now: Timestamp,
    ) -> Self {
        let agent = match &arrival.author {
            Author::Agent(account) => desk
                .agent_at(&arrival.inbox, account)
                .map(|agent| agent.name.clone()),
            _ => None,
        };
        Self {
            trace,
            conversation,
            contact,
            author: arrival.author.clone(),
            agent,
            said: arrival.content().cloned(),
            called: None,
            question: Vec::new(),
            attempt: 1,
            now,
            desk,
            recent: Vec::new(),
            texts,
            cancelled: Cancelled::never(),
            preface: Vec::new(),
            manual: Arc::default(),
        }
    }
}

/// Resolves when an answer is no longer wanted: the contact asked for a person, or the conversation moved on.
#[derive(Clone, Default)]
pub struct Cancelled {
    #[cfg(feature = "engine")]
    token: tokio_util::sync::CancellationToken,
    interrupted: Arc<std::sync::atomic::AtomicBool>,
}

impl Cancelled {
    /// Never resolves.
    pub fn never() -> Self {
        Self::default()
    }

    /// Whether it is so already.
    #[cfg(feature = "engine")]
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Resolves once the answer is not wanted any more; at once where that was so before.
    #[cfg(feature = "engine")]
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }

    /// Says that the answer is not wanted any more. Saying so again changes nothing.
    #[cfg(feature = "engine")]
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Says it because this process ends: the answer is wanted still, and its next life will ask again. What goes on
    /// elsewhere by itself may be left to go on.
    #[cfg(feature = "engine")]
    pub fn interrupt(&self) {
        self.interrupted
            .store(true, std::sync::atomic::Ordering::Release);
        self.token.cancel();
    }

    /// Whether the question will be asked again.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(std::sync::atomic::Ordering::Acquire)
    }
}
