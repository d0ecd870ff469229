//! Lines of the transcript.

use crate::{
    clock::Timestamp,
    message::{AgentName, ArrivalId, BotName, Content, EntryId},
};

/// A line of the transcript to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// Who said it.
    pub author: EntryAuthor,
    /// What.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

/// A line of the transcript.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// The arrival that caused it.
    pub trace: ArrivalId,
    /// The episode it was said in.
    pub episode: u32,
    /// Who said it.
    pub author: EntryAuthor,
    /// What.
    pub content: Content,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// Whether the contact may see it: what was said between both sides and what an agent has taken back of it, never a note,
    /// never what merely happened.
    pub fn is_for_contact(&self) -> bool {
        match (&self.content, &self.author) {
            (Content::Event(_) | Content::Unsupported { .. }, _) => false,
            (Content::Recalled { .. }, author) => matches!(author, EntryAuthor::Agent(_)),
            (_, author) => *author != EntryAuthor::Note,
        }
    }
}

/// Who a line of the transcript is by.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "by", content = "name", rename_all = "snake_case")]
pub enum EntryAuthor {
    /// The contact.
    Contact,
    /// An agent, to the contact.
    Agent(AgentName),
    /// A bot, to the contact.
    Bot(BotName),
    /// The bridge, to the contact: notices.
    System,
    /// A note for agents only.
    Note,
}
