//! Things that happen, as platforms tell them: facts, never speech.

use std::collections::BTreeMap;

use super::{ArrivalId, BotName, Content, PeerId, ThreadKey};
use crate::clock::Timestamp;

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
