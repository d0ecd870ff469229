//! Moving into another store: rows in a form that every store reads and writes, page by page in the order of their keys,
//! so that a move that was cut short carries on where it was; and a comparison of every row afterwards ([`run`]).
//! Nobody works on either store meanwhile: opening one for a move takes it from all others.

mod run;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use run::{Difference, MoveError, Moved, Step, run};

use super::{Entry, Said, StoreError, StoredMedia, TraceDispatch, Verdict};
use crate::{
    channel::Dispatch,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{
        Arrival, ArrivalId, BotName, ConversationId, DeadlineKind, ErrandId, ExternalId, InboxName,
        ThreadKey,
    },
};

/// A store to move from.
#[async_trait]
pub trait Origin: Send + Sync {
    /// Rows of a table whose keys are greater than `after`, in the order of their keys (numbers by size, words by their
    /// bytes), at most `limit`.
    async fn page(&self, table: Table, after: &Key, limit: usize) -> Result<Vec<Row>, StoreError>;

    /// The last numbers given out.
    async fn numbers(&self) -> Result<Numbers, StoreError>;

    /// Another one whenever somebody has worked on the store: what was copied of one edition is no part of another.
    async fn edition(&self) -> Result<String, StoreError>;
}

/// A store to move to.
#[async_trait]
pub trait Destination: Origin {
    /// How far an earlier move of this edition came. What was begun of another edition is thrown away.
    ///
    /// # Errors
    /// [`MoveError::Occupied`] where it holds something that no unfinished move has put there.
    async fn begin(&self, edition: &str) -> Result<Stage, MoveError>;

    /// Writes a page, and how far that is, in one step.
    async fn put(&self, rows: Vec<Row>, reached: &Stage) -> Result<(), StoreError>;

    /// All rows are there: makes of them what the store needs beside, and continues these numbers. Until the move is
    /// [`Stage::Done`] no node uses the store.
    async fn complete(&self, numbers: Numbers) -> Result<(), StoreError>;

    /// Notes how far the move is.
    async fn note(&self, reached: &Stage) -> Result<(), StoreError>;
}

/// How far a move is; the destination keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Rows up to this one are there.
    Filling(Table, Key),
    /// All are there and not yet compared.
    Comparing,
    /// They were compared and differ: the next run begins anew.
    Void,
    /// The store may be used.
    Done,
}

/// What there is, in the order in which it is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Small values kept for ever.
    Facts,
    /// Customers.
    Contacts,
    /// Conversations.
    Conversations,
    /// Which thread leads to which conversation.
    Threads,
    /// Contacts that are one person, or set apart.
    Kin,
    /// What contacts are known by.
    Handles,
    /// What waits for its turn.
    Arrivals,
    /// What had its turn.
    Turned,
    /// Transcripts.
    Entries,
    /// What waits to be sent.
    Dispatches,
    /// What was sent, or given up.
    Sent,
    /// Questions to slow bots.
    Errands,
    /// Deadlines.
    Deadlines,
    /// Where pulls go on.
    Cursors,
    /// What became of media.
    Media,
    /// What repeats are recognised by.
    Seen,
}

impl Table {
    /// All of them, in order.
    pub const ALL: [Self; 16] = [
        Self::Facts,
        Self::Contacts,
        Self::Conversations,
        Self::Threads,
        Self::Kin,
        Self::Handles,
        Self::Arrivals,
        Self::Turned,
        Self::Entries,
        Self::Dispatches,
        Self::Sent,
        Self::Errands,
        Self::Deadlines,
        Self::Cursors,
        Self::Media,
        Self::Seen,
    ];

    /// Its name in every database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Contacts => "contacts",
            Self::Conversations => "conversations",
            Self::Threads => "threads",
            Self::Kin => "kin",
            Self::Handles => "handles",
            Self::Arrivals => "arrivals",
            Self::Turned => "turned",
            Self::Entries => "entries",
            Self::Dispatches => "dispatches",
            Self::Sent => "sent",
            Self::Errands => "errands",
            Self::Deadlines => "deadlines",
            Self::Cursors => "cursors",
            Self::Media => "media",
            Self::Seen => "seen",
        }
    }
}

/// What a row is found and ordered by: two numbers, then two words. What a table has not of them is 0 and empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Key(pub i64, pub i64, pub String, pub String);

/// One row, as every store understands it.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A small value.
    Fact {
        /// Its name.
        key: String,
        /// What is kept.
        value: String,
    },
    /// A customer.
    Contact(Contact),
    /// A conversation.
    Conversation {
        /// Its state.
        conversation: Box<Conversation>,
        /// The last line of its transcript; 0: none.
        tail: i64,
    },
    /// A thread.
    Thread {
        /// Which.
        thread: ThreadKey,
        /// Where it leads.
        conversation: ConversationId,
        /// Whether it is a stand-in at a desk.
        desk: bool,
    },
    /// A contact that is one person with others, or set apart.
    Kin {
        /// Their conversation.
        conversation: ConversationId,
        /// The person: the smallest of their conversations.
        person: ConversationId,
        /// Whether handles do not tie it.
        apart: bool,
    },
    /// What a contact is known by.
    Handle {
        /// The handle.
        handle: String,
        /// Their conversation.
        conversation: ConversationId,
    },
    /// An arrival that waits.
    Arrival {
        /// Its number.
        id: ArrivalId,
        /// Whose.
        conversation: ConversationId,
        /// When it was made durable.
        at: Timestamp,
        /// How often it was claimed and not committed.
        failures: u32,
        /// What came in.
        arrival: Box<Arrival>,
    },
    /// An arrival that had its turn.
    Turned {
        /// Its number.
        id: ArrivalId,
        /// Whose.
        conversation: ConversationId,
        /// When it was made durable.
        at: Timestamp,
        /// When its turn was committed.
        turned_at: Timestamp,
        /// What became of it.
        verdict: Verdict,
        /// What came in.
        arrival: Box<Arrival>,
    },
    /// A line of a transcript.
    Entry {
        /// Whose.
        conversation: ConversationId,
        /// The line before it in the same conversation; 0: none.
        prev: i64,
        /// The line.
        entry: Box<Entry>,
    },
    /// Something that waits to be sent.
    Dispatch {
        /// What, and how often it was tried.
        dispatch: Box<Dispatch>,
        /// Whether it waits for the contact.
        held: bool,
        /// Not before this.
        due_at: Timestamp,
        /// Why it failed last.
        reason: Option<String>,
    },
    /// Something that was sent, or given up.
    Sent {
        /// The arrival that caused it.
        trace: ArrivalId,
        /// What became of it.
        line: Box<TraceDispatch>,
    },
    /// A question to a slow bot.
    Errand(Box<ErrandRow>),
    /// A deadline.
    Deadline {
        /// Whose.
        conversation: ConversationId,
        /// Which.
        kind: DeadlineKind,
        /// When.
        at: Timestamp,
        /// The episode it was set in.
        episode: u32,
    },
    /// Where a pull goes on.
    Cursor {
        /// The inbox.
        inbox: InboxName,
        /// The channel's topic.
        topic: String,
        /// The cursor.
        cursor: String,
    },
    /// What became of a medium.
    Media {
        /// The channel's name for it.
        key: String,
        /// What became of it.
        media: StoredMedia,
    },
    /// What a repeat is recognised by.
    Seen {
        /// The inbox.
        inbox: InboxName,
        /// The platform's id.
        external_id: ExternalId,
        /// When it came first.
        at: Timestamp,
    },
}

/// A question to a slow bot that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrandRow {
    /// Its id.
    pub id: ErrandId,
    /// Whose.
    pub conversation: ConversationId,
    /// The arrival that caused it first.
    pub trace: ArrivalId,
    /// The episode it was asked in.
    pub episode: u32,
    /// The bot.
    pub bot: BotName,
    /// The command's words.
    pub argv: Vec<String>,
    /// Everything said, in order.
    pub said: Vec<Said>,
    /// Not before this.
    pub due_at: Timestamp,
    /// However much is added, not later than this.
    pub latest: Timestamp,
    /// How often it was asked; from 1 on nothing is added to it.
    pub attempts: u32,
}

impl Row {
    /// Where it stands in its table.
    pub fn key(&self) -> Key {
        let number = |id: i64| Key(id, 0, String::new(), String::new());
        let word = |word: &str| Key(0, 0, word.to_owned(), String::new());
        let words = |one: &str, two: &str| Key(0, 0, one.to_owned(), two.to_owned());
        match self {
            Self::Fact { key, .. } | Self::Media { key, .. } => word(key),
            Self::Contact(contact) => number(contact.id.0),
            Self::Conversation { conversation, .. } => number(conversation.id.0),
            Self::Thread { thread, .. } => words(thread.inbox.as_str(), thread.peer.as_str()),
            Self::Kin { conversation, .. } => number(conversation.0),
            Self::Handle {
                handle,
                conversation,
            } => Key(conversation.0, 0, handle.clone(), String::new()),
            Self::Arrival { id, .. } | Self::Turned { id, .. } => number(id.0),
            Self::Entry { entry, .. } => number(entry.id.0),
            Self::Dispatch { dispatch, .. } => number(dispatch.id.0),
            Self::Sent { trace, line } => Key(trace.0, line.id.0, String::new(), String::new()),
            Self::Errand(errand) => number(errand.id.0),
            Self::Deadline {
                conversation, kind, ..
            } => {
                // As it is written in JSON, without the quotes.
                let kind = match kind {
                    DeadlineKind::Idle => "idle",
                    DeadlineKind::Queue => "queue",
                };
                Key(conversation.0, 0, kind.to_owned(), String::new())
            }
            Self::Cursor { inbox, topic, .. } => words(inbox.as_str(), topic),
            Self::Seen {
                inbox, external_id, ..
            } => words(inbox.as_str(), external_id.as_str()),
        }
    }
}

/// The last numbers given out: none of them is given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Numbers {
    /// Arrivals, which are trace ids too.
    pub arrival: i64,
    /// Conversations.
    pub conversation: i64,
    /// Contacts.
    pub contact: i64,
    /// Dispatches: what idempotency keys are made of.
    pub dispatch: i64,
    /// Errands.
    pub errand: i64,
    /// Lines of transcripts.
    pub entry: i64,
}
