//! What a bot wants done. The core applies effects; nobody else writes a conversation.

use crate::{
    message::{AgentName, ArrivalId, BotName, ConsentAnswer, Content, Handle, PeerId, Welcome},
    store::{Confirmation, Said},
};

/// One thing to be done. Effects of an earlier episode are dropped; an effect that the phase does not allow is
/// dropped with a note.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Says something to whoever this turn's author is.
    Reply(Content),
    /// Says something to the contact.
    TellContact(Content),
    /// Says something to the agent who has the conversation.
    TellAgent(Content),
    /// Passes what was said on to the other side: the contact's words to the agent, the agent's to the contact.
    Relay(Content),
    /// Lets the contact wait for an agent.
    Enqueue {
        /// A skill the agent must have.
        skill: Option<String>,
        /// A particular agent.
        agent: Option<AgentName>,
        /// 0 to 10, higher sooner.
        priority: u8,
        /// What the next agent should know.
        note: Option<String>,
    },
    /// Gives the conversation to an agent. Dropped with a word to the author when that agent's seats are taken meanwhile.
    Assign {
        /// Who.
        agent: AgentName,
        /// What that agent should know.
        note: Option<String>,
    },
    /// Finds an agent by the routing rules; where none is free the contact waits, where nobody works the contact is
    /// told so.
    Route {
        /// A skill the agent must have.
        skill: Option<String>,
        /// What that agent should know.
        note: Option<String>,
    },
    /// Gives the conversation (back) to the entry bot.
    Assist,
    /// Ends the conversation.
    Resolve {
        /// Whether the contact is asked for a rating.
        rating: bool,
    },
    /// For agents only; kept in the transcript.
    Note(String),
    /// Sets what this bot remembers of the conversation; `null` forgets.
    Remember {
        /// Which bot.
        bot: BotName,
        /// What.
        value: serde_json::Value,
    },
    /// Asks a slow bot; its answer comes as an arrival. The core makes these from the bot's [`Pace`](super::Pace).
    Ask {
        /// Which bot.
        bot: BotName,
        /// The command's words; empty for plain speech.
        argv: Vec<String>,
        /// What was said.
        said: Vec<Said>,
    },
    /// The contact's dedicated agent from now on; `None`: nobody.
    Dedicate(Option<AgentName>),
    /// The contact is known by these handles, too: whoever else is known by one of them is the same person, but for those
    /// who were set apart.
    Identify(Vec<Handle>),
    /// The contact is the same person as the one who is meant: by number, phone number, unionid, or as their platform
    /// calls them. `None`: tells the agent whom the contact is merged with.
    Merge {
        /// Who is meant.
        who: Option<String>,
    },
    /// One of the contact's threads is somebody else's after all; `None`: this very one.
    Split {
        /// Which is meant.
        who: Option<String>,
    },
    /// Tells the contact their position in the queue.
    TellPosition,
    /// The contact gave a rating, 1 to 5.
    Rate(u8),
    /// The contact writes after the conversation was resolved.
    Reopen,
    /// Whether anything can be delivered to the contact at all.
    Reachable(bool),
    /// The contact says whether they may be nudged while they are away; or a nudge that was not sent gives its grant back.
    Consent(ConsentAnswer),
    /// Nudges a contact who is away: this was written to them. Nothing where they gave no grant.
    Nudge(Content),
    /// What the page the contact came from says about itself, for agents; empty: nothing.
    CameFrom(String),
    /// What is held for the contact may go, as far as the allowance goes.
    Release,
    /// The platform says that the allowance to write to the contact is used up.
    Exhausted,
    /// What is said to the contact waits until the operator has mended the account, for this reason.
    Blocked(String),
    /// What waited for the operator goes out: one was sent (`true`), or one was given up.
    Unblocked(bool),
    /// An agent came or went.
    Presence {
        /// Who.
        agent: AgentName,
        /// Whether they can be reached.
        online: bool,
    },
    /// An agent said this to the contact in the platform's own client: recorded, not sent.
    Heard(Content),
    /// The platform says that what it took under this id did not reach the contact.
    Undelivered {
        /// The platform's id of what was sent.
        external_id: String,
        /// Why, in words for an agent.
        reason: String,
    },
    /// Somebody says that what was sent has arrived, or was read: kept for the trace.
    Confirmed(Confirmation),
    /// In the lane of an agent who has all contacts in one chat: shows the agent something, each part behind a label.
    Show {
        /// Whose it is; empty: nobody's.
        label: String,
        /// What.
        content: Content,
    },
    /// In such a lane: a card is over, and its buttons say so.
    CardOver {
        /// The arrival whose turn showed it.
        shown_by: ArrivalId,
        /// What its buttons say from now on.
        words: String,
    },
    /// Welcomes a contact who has just added a person of ours.
    Welcome(Welcome),
    /// In such a lane: passes on what the agent said to the contact with this stand-in.
    PassOn {
        /// The stand-in.
        to: PeerId,
        /// What.
        content: Content,
    },
    /// An agent takes back a message, by the external id it arrived under.
    Recall {
        /// That id.
        external_id: String,
    },
}

impl Effect {
    /// Replies with plain words.
    pub fn reply(text: impl Into<String>) -> Self {
        Self::Reply(Content::text(text))
    }

    /// A line of the transcript that agents read and the contact never sees.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note(text.into())
    }
}
