//! What a platform can show, and how often a contact may be written to: data, so that planning is pure.

use std::collections::BTreeSet;

use crate::message::{ContentKind, Trigger};

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
    /// an agent's speaks as that agent, any other as a contact. When a card is over the channel is told by
    /// [`Event::CardOver`](crate::message::Event) "to" the agent.
    pub one_chat: bool,
}

/// So many messages within so long after a trigger. A new trigger starts anew; allowances do not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Allowance {
    /// What opens it.
    pub trigger: Trigger,
    /// How many messages it allows.
    pub count: u32,
    /// For how long, in seconds.
    pub seconds: u64,
}
