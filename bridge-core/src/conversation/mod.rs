//! What a conversation is and which moves are legal: pure, one match, one table. A conversation is everything said
//! between one contact thread and us; it is opened, handed over, resolved and opened again.

mod grants;
mod ledger;

use std::collections::BTreeMap;

pub use grants::{Denied, Grants};
pub use ledger::Ledger;

use crate::{
    clock::Timestamp,
    message::{
        AgentName, ArrivalId, BotName, ContactId, ConversationId, PeerId, Profile, ThreadKey,
    },
    texts::Locale,
};

/// One conversation: everything said with one contact on one thread, through all its openings.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The contact it is with.
    pub contact: ContactId,
    /// The thread the contact writes on.
    pub thread: ThreadKey,
    /// Who answers now.
    pub phase: Phase,
    /// Rises at every handover and close; what was decided for an earlier episode is dropped.
    pub episode: u32,
    /// When it was opened last.
    pub opened_at: Timestamp,
    /// When the contact spoke last.
    pub contact_spoke_at: Timestamp,
    /// When anybody spoke last.
    pub spoke_at: Timestamp,
    /// Who answers while assisted: a bot's name. Set by the configuration's `entry`.
    pub bot: BotName,
    /// What is left of the allowance to write to the contact.
    #[serde(default)]
    pub ledger: Ledger,
    /// What the contact allows while they are away.
    #[serde(default, skip_serializing_if = "Grants::is_empty")]
    pub grants: Grants,
    /// What the page the contact came from said about itself, for agents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub origin: String,
    /// What bots remember of this conversation, by bot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub memory: BTreeMap<BotName, serde_json::Value>,
    /// The position last told to the waiting contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_position: Option<ToldPosition>,
    /// The rating asked for and not yet given: its menu ids begin with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating_asked: Option<RatingAsked>,
    /// The arrival whose turn was the last to say something in this opening, 0 where nothing was said yet: what the
    /// context in the cache is held against. `None` where nobody knows: an older version wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_upto: Option<ArrivalId>,
    /// What is said to the contact waits until somebody has mended the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
}

/// Messages to the contact that wait for the operator, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Blocked {
    /// Why, in words for an agent.
    pub reason: String,
    /// How many wait.
    pub count: u32,
    /// How many the agent was told last.
    pub told: u32,
    /// When.
    pub told_at: Timestamp,
}

/// A queue position that a contact was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ToldPosition {
    /// From 1.
    pub position: u32,
    /// When.
    pub at: Timestamp,
}

/// A rating that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RatingAsked {
    /// The episode it is about.
    pub episode: u32,
    /// Who is rated.
    pub agent: Option<AgentName>,
    /// When it was asked.
    pub at: Timestamp,
    /// When the conversation was opened that is rated.
    #[serde(default)]
    pub since: Timestamp,
    /// What the bots remembered of it that want to hear ratings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bots: BTreeMap<BotName, serde_json::Value>,
}

/// Who answers: a bot, an agent, or nobody yet or any more.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// A bot.
    Assisted,
    /// Nobody yet: the contact waits for an agent.
    Queued(Waiting),
    /// An agent.
    Assigned {
        /// Who.
        agent: AgentName,
        /// Since when.
        since: Timestamp,
    },
    /// Nobody: it is over until the contact writes again.
    Resolved {
        /// Since when.
        since: Timestamp,
    },
}

impl Phase {
    /// Its name in logs, frames and answers: that of the variant, in small letters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Assisted => "assisted",
            Self::Queued(_) => "queued",
            Self::Assigned { .. } => "assigned",
            Self::Resolved { .. } => "resolved",
        }
    }
}

/// What a waiting contact waits for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    /// Since when: first come, first served within a priority.
    pub since: Timestamp,
    /// 0 to 10, higher sooner.
    pub priority: u8,
    /// A skill the agent must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// A particular agent that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentName>,
}

/// What may happen to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Move {
    /// The contact writes after it was resolved.
    Reopen,
    /// The contact waits for an agent.
    Enqueue(Waiting),
    /// An agent takes it.
    Assign(AgentName),
    /// A bot takes it.
    Assist,
    /// It is over.
    Resolve,
}

/// A move that the phase does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{attempted:?} is not possible while {phase:?}")]
pub struct IllegalMove {
    /// The phase it was in.
    pub phase: Phase,
    /// What was tried.
    pub attempted: Move,
}

impl Conversation {
    /// A new conversation, answered by `bot`.
    pub fn open(
        id: ConversationId,
        contact: ContactId,
        thread: ThreadKey,
        bot: BotName,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            contact,
            thread,
            phase: Phase::Assisted,
            episode: 1,
            opened_at: now,
            contact_spoke_at: now,
            spoke_at: now,
            bot,
            ledger: Ledger::default(),
            grants: Grants::default(),
            origin: String::new(),
            memory: BTreeMap::new(),
            told_position: None,
            rating_asked: None,
            said_upto: Some(ArrivalId(0)),
            blocked: None,
        }
    }

    /// Makes a move. The table:
    ///
    /// | phase    | reopen   | enqueue | assign              | assist   | resolve  |
    /// |----------|----------|---------|---------------------|----------|----------|
    /// | assisted | –        | queued  | assigned            | –        | resolved |
    /// | queued   | –        | –       | assigned            | assisted | resolved |
    /// | assigned | –        | queued  | assigned to another | assisted | resolved |
    /// | resolved | assisted | –       | –                   | –        | –        |
    pub fn apply(&mut self, attempted: Move, now: Timestamp) -> Result<(), IllegalMove> {
        use {Move as M, Phase as P};
        let next = match (&self.phase, attempted) {
            (P::Resolved { .. }, M::Reopen) => {
                self.opened_at = now;
                self.said_upto = Some(ArrivalId(0));
                P::Assisted
            }
            (P::Assisted | P::Assigned { .. }, M::Enqueue(waiting)) => P::Queued(waiting),
            (P::Assisted | P::Queued(_), M::Assign(agent)) => P::Assigned { agent, since: now },
            (P::Assigned { agent: present, .. }, M::Assign(agent)) if *present != agent => {
                P::Assigned { agent, since: now }
            }
            (P::Queued(_) | P::Assigned { .. }, M::Assist) => P::Assisted,
            (P::Assisted | P::Queued(_) | P::Assigned { .. }, M::Resolve) => {
                P::Resolved { since: now }
            }
            (phase, attempted) => {
                return Err(IllegalMove {
                    phase: phase.clone(),
                    attempted,
                });
            }
        };
        self.phase = next;
        self.episode = self.episode.saturating_add(1);
        self.told_position = None;
        Ok(())
    }

    /// The agent who has it.
    pub fn agent(&self) -> Option<&AgentName> {
        match &self.phase {
            Phase::Assigned { agent, .. } => Some(agent),
            _ => None,
        }
    }
}

/// A customer, as far as the platforms tell of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Name and picture.
    #[serde(default)]
    pub profile: Profile,
    /// The agent who comes first for this contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedicated: Option<AgentName>,
    /// False once the contact unfollowed: nothing can be delivered.
    #[serde(default = "yes")]
    pub reachable: bool,
    /// Ratings given, newest last, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
}

/// A rating a contact gave.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rating {
    /// 1 (worst) to 5.
    pub score: u8,
    /// Who was rated.
    pub agent: Option<AgentName>,
    /// When.
    pub at: Timestamp,
}

fn yes() -> bool {
    true
}

impl Contact {
    /// A new contact. Its handles are learned by its first turn, which can look for others of the same.
    pub fn new(id: ContactId, profile: Profile) -> Self {
        Self {
            id,
            profile: Profile {
                handles: Vec::new(),
                ..profile
            },
            reachable: true,
            ..Self::default()
        }
    }

    /// A name to show: the profile's, or the peer's id shortened.
    pub fn display_name(&self, peer: &PeerId, locale: Locale) -> String {
        match &self.profile.name {
            Some(name) if !name.is_empty() => name.clone(),
            _ => {
                let id = peer.as_str();
                let tail: String = id
                    .chars()
                    .skip(id.chars().count().saturating_sub(6))
                    .collect();
                format!("{} {tail}", locale.pick("访客", "Visitor"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
