//! One thing that came in: from a platform, from a person at the console, or from the bridge itself.

use super::{
    content::Content,
    handle::Handle,
    ids::{
        AgentName, BotName, ConversationId, DispatchId, ErrandId, ExternalId, InboxName, PeerId,
        ThreadKey,
    },
};
use crate::{bot::Effect, channel::Persona, clock::Timestamp};

/// One thing that came in and changes state once, whatever is repeated.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Arrival {
    /// The inbox it came by.
    pub inbox: InboxName,
    /// Its identity there: the same id is the same arrival.
    pub external_id: ExternalId,
    /// The thread it belongs to: the contact, or the contact's stand-in at a desk.
    pub peer: PeerId,
    /// Who said or did it.
    pub author: Author,
    /// What it is.
    pub what: What,
    /// When, by the platform's clock.
    pub sent_at: Timestamp,
    /// When it reached us.
    pub received_at: Timestamp,
    /// When its signature had been checked and it had been read, where that took until a later millisecond. The engine
    /// notes it; a channel leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded_at: Option<Timestamp>,
    /// Which allowance to write to the contact it opens, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<Trigger>,
    /// What the platform told about the author along with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// Who said or did something.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// The customer.
    Contact,
    /// A person at a desk, by their account there.
    Agent(PeerId),
    /// The platform or the bridge itself.
    System,
}

/// What an arrival is: something said or done by a person, or a cue of the bridge's own.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// From outside.
    Content(Content),
    /// From the bridge itself.
    Cue(Cue),
}

/// What the bridge tells a conversation of its own. Cues enter by `accept`, as everything does.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "cue", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cue {
    /// A slow bot has answered.
    Answered {
        /// Whose answer.
        bot: BotName,
        /// To which errand.
        errand: ErrandId,
        /// The episode it was asked in; a later episode drops it.
        episode: u32,
        /// What it wants done.
        effects: Vec<Effect>,
    },
    /// A slow bot has failed for good or timed out.
    Failed {
        /// Which bot.
        bot: BotName,
        /// Which errand.
        errand: ErrandId,
        /// The episode it was asked in.
        episode: u32,
        /// Why, for agents and logs.
        reason: String,
    },
    /// An agent may be free for this waiting contact.
    SeatFree {
        /// The episode it was meant for.
        episode: u32,
    },
    /// The contact's position in the queue may have changed.
    QueueMoved {
        /// The episode it was meant for.
        episode: u32,
    },
    /// A deadline has come.
    Deadline {
        /// Which.
        kind: DeadlineKind,
        /// The episode it was set in.
        episode: u32,
    },
    /// Something could not be delivered.
    Undelivered {
        /// Which dispatch.
        dispatch: DispatchId,
        /// To whom it was going: the contact, or an agent.
        to_contact: bool,
        /// What it was.
        content: Box<Content>,
        /// Why, in words for an agent.
        reason: String,
        /// The allowance is used up: it waits for the contact's next message.
        held: bool,
        /// Somebody must mend the account first; until then it is tried again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tried_again: bool,
        /// When the try began of which this came.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tried_at: Option<Timestamp>,
    },
    /// Something for the contact was sent after all, which had to be tried again.
    Recovered {
        /// Which dispatch.
        dispatch: DispatchId,
    },
    /// The agent who has the conversation works at another inbox now than the one it was brought to.
    DeskMoved {
        /// Which agent.
        agent: AgentName,
    },
    /// Something for an agent who has all contacts in one chat, on its way to the agent's own lane.
    Show {
        /// Whose words: the contact's stand-in.
        from: Persona,
        /// Which conversation it comes from.
        conversation: ConversationId,
        /// Whether the agent had it then.
        seated: bool,
        /// What is to be shown.
        content: Box<Content>,
    },
    /// Somebody at the console, or an integration, wants something done.
    Order {
        /// Who.
        by: AgentName,
        /// What.
        effects: Vec<Effect>,
    },
}

/// The deadlines a conversation has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DeadlineKind {
    /// Nothing was said for `conversation.idle_timeout`.
    Idle,
    /// A waiting contact is to be told their position, or offered again.
    Queue,
}

/// What opens an allowance to write to a contact. Which of them count, and for how much, is the channel's data.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The contact wrote.
    Message,
    /// The contact tapped a menu.
    Click,
    /// The contact followed.
    Follow,
    /// The contact scanned a code.
    Scan,
    /// The contact opened the chat.
    Enter,
    /// The contact paid.
    Payment,
}

/// What is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Name to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Picture to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// What they are called beyond this one inbox: by these, contacts on several threads are known to be one person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<Handle>,
}

impl Arrival {
    /// Whether it tells what a person of ours did on the platform itself, past the bridge.
    pub fn made_there(&self) -> bool {
        use super::Event::{Answered, Ended, Taken};
        matches!(
            &self.what,
            What::Content(Content::Event(Taken | Answered { .. } | Ended))
        )
    }

    /// When the platform's request had been read.
    pub fn decoded(&self) -> Timestamp {
        self.decoded_at.unwrap_or(self.received_at)
    }

    /// The thread it belongs to.
    pub fn thread(&self) -> ThreadKey {
        ThreadKey {
            inbox: self.inbox.clone(),
            peer: self.peer.clone(),
        }
    }

    /// What was said, unless it is a cue of our own.
    pub fn content(&self) -> Option<&Content> {
        match &self.what {
            What::Content(content) => Some(content),
            What::Cue(_) => None,
        }
    }
}
