//! Keeps the contacts of one agent apart where all of them come in one chat, as in a WeCom app: every contact is on a
//! numbered line, every word shown begins with its line, and what the agent says goes to the line that is open. Where
//! somebody else spoke meanwhile and the agent names nobody, the agent is asked: guessing would tell one contact what was meant
//! for another.
//!
//! Pure: a board is a value that the agent's own lane remembers, so that it is the same on every node and after every
//! crash, and changes once for whatever is said or shown.

mod keeping;
mod reading;
mod saying;
mod showing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    channel::Persona,
    message::{ArrivalId, Content, ConversationId, PeerId},
};

/// What is kept while the agent has not said for whom it is; more is refused with a word.
const KEPT: usize = 20;

/// The digit by which a tapped choice means "for this one".
const FOR_THIS: u8 = 9;

/// The digit by which a card's button opens its line.
const OPEN: u8 = 0;

/// Who is on which line.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
pub struct Board {
    lines: Vec<Line>,
    /// The number given last, so that the next contact gets another: an answer to who has just gone must not reach who
    /// has just come.
    #[serde(default)]
    last: u32,
    /// To whom the agent speaks.
    #[serde(default)]
    open: Option<PeerId>,
    /// Who was shown since the agent spoke.
    #[serde(default)]
    since: BTreeSet<PeerId>,
    /// What waits for the agent to say for whom it is.
    #[serde(default)]
    kept: Vec<Content>,
    /// What showed the question for whom it is.
    #[serde(default)]
    question: Option<ArrivalId>,
}

/// A contact of the agent's.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Line {
    number: u32,
    stand_in: PeerId,
    name: String,
    conversation: ConversationId,
    /// What showed the contact's card.
    #[serde(default)]
    card: Option<ArrivalId>,
}

impl Line {
    fn label(&self) -> String {
        format!("【{} {}】", self.number, self.name)
    }

    fn title(&self) -> String {
        format!("{} {}", self.number, self.name)
    }

    /// The id of a choice about this line: decimal, as ids of choices are.
    fn choice(&self, digit: u8) -> String {
        (i128::from(self.conversation.0) * 10 + i128::from(digit)).to_string()
    }
}

/// Something for the agent, from a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Whose: the contact's stand-in.
    pub from: Persona,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whether the agent has it now.
    pub seated: bool,
    /// What.
    pub content: Content,
    /// By which arrival in the agent's lane.
    pub by: ArrivalId,
}

/// A button of a hand-over card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// 1 to 8: what a press is told by.
    pub digit: u8,
    /// What is on it.
    pub label: String,
    /// What it says for the agent: a command.
    pub says: String,
}

/// What comes of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Show this to the agent, each part behind the label.
    Show {
        /// `【2 小周】`; empty: none.
        label: String,
        /// What.
        content: Content,
    },
    /// Pass this on as the agent's words.
    PassOn {
        /// To whom: the contact's stand-in.
        to: PeerId,
        /// What.
        content: Content,
    },
    /// A card that was shown is over: its buttons say so, and do nothing more.
    Over {
        /// What showed it.
        shown_by: ArrivalId,
        /// What they say.
        words: String,
    },
    /// The agent comes or goes.
    Presence {
        /// Whether they are there.
        online: bool,
    },
}

impl Act {
    fn show(content: Content) -> Self {
        Self::Show {
            label: String::new(),
            content,
        }
    }

    fn say(words: String) -> Self {
        Self::show(Content::text(words))
    }
}
