//! Conversation: makes a turn of an arrival. Speech goes on down the chain; events and the bridge's own cues end here
//! with their effects: events are facts, never speech.

mod cues;
mod events;
mod lane;
mod origin;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use async_trait::async_trait;

use super::{Case, ChainError, Ending, Filter};
use crate::{
    bot::{Effect, Turn},
    conversation::{Conversation, Move, Phase},
    message::{AgentName, Author, Content, InboxName, What},
    switchboard::Button,
    texts::{Text, Texts},
};

/// The second filter: reopens what was resolved, and turns events into effects.
pub struct OpenTurn {
    /// The words people are spoken to in.
    pub texts: Arc<Texts>,
    /// What a menu key of the account means as words: `[conversation.menu_words]`.
    pub menu_words: std::collections::BTreeMap<String, String>,
    /// Inboxes whose agents have all contacts in one chat.
    pub one_chat: BTreeSet<InboxName>,
    /// What the card of a new contact offers such an agent.
    pub buttons: Vec<Button>,
}

/// What an arrival comes to in this filter.
type Step = ControlFlow<Ending, Turn>;

#[async_trait]
impl Filter<Case> for OpenTurn {
    type Out = Turn;

    async fn apply(&self, case: Case) -> Result<Step, ChainError> {
        if let Some(agent) = self.whose_lane(&case) {
            return Ok(Step::Break(lane::ending(self, &case, &agent)));
        }
        let what = case.arrival.what.clone();
        Ok(match what {
            What::Cue(cue) => Step::Break(cues::ending(&case, cue, &self.texts)),
            What::Content(Content::Event(event)) => events::step(self, case, event),
            What::Content(Content::Recalled { external_id }) => {
                Step::Break(events::recalled(&case, external_id))
            }
            What::Content(Content::Choice { id, .. })
                if rates(&case.conversation, &id).is_some() =>
            {
                Step::Break(self.rated(&case, &id))
            }
            What::Content(content) => match self.rated_in_words(&case, &content) {
                Some(ending) => Step::Break(ending),
                None => self.speech(case),
            },
        })
    }
}

impl OpenTurn {
    /// The agent whose own lane this is.
    fn whose_lane(&self, case: &Case) -> Option<AgentName> {
        let thread = &case.conversation.thread;
        let mut agents = case.desk.agents.values();
        let agent = agents
            .find(|agent| agent.inbox == thread.inbox && agent.account == thread.peer)
            .filter(|_| self.one_chat.contains(&thread.inbox))?;
        Some(agent.name.clone())
    }

    /// Somebody speaks.
    fn speech(&self, case: Case) -> Step {
        match case.arrival.author {
            Author::Contact => Step::Continue(self.contact_speaks(case)),
            Author::Agent(_) => self.agent_speaks(case),
            Author::System => Step::Break(Ending::silent("the platform speaks: recorded")),
        }
    }

    fn contact_speaks(&self, case: Case) -> Turn {
        let mut turn = self.turn(case);
        if matches!(turn.conversation.phase, Phase::Resolved { .. }) {
            // The table allows it: resolved conversations reopen.
            if turn.conversation.apply(Move::Reopen, turn.now).is_ok() {
                turn.preface.push(Effect::Reopen);
            }
        }
        turn
    }

    fn agent_speaks(&self, case: Case) -> Step {
        if case.arrival.inbox == case.conversation.thread.inbox
            && case.arrival.peer == case.conversation.thread.peer
        {
            let sorry = Effect::reply(self.texts.say(Text::DeskNoContact, &[]));
            return Step::Break(Ending::with(
                vec![sorry],
                "an agent writes where no contact is",
            ));
        }
        Step::Continue(self.turn(case))
    }

    fn turn(&self, case: Case) -> Turn {
        let Case {
            id,
            arrival,
            conversation,
            contact,
            desk,
            now,
        } = case;
        Turn::bare(
            id,
            conversation,
            contact,
            &arrival,
            desk,
            self.texts.clone(),
            now,
        )
    }

    fn rated(&self, case: &Case, id: &str) -> Ending {
        let Some(score) = rates(&case.conversation, id) else {
            return Ending::silent("a stale rating");
        };
        let thanks = Effect::TellContact(Content::text(self.texts.say(Text::RatingThanks, &[])));
        Ending::with(vec![Effect::Rate(score), thanks], format!("rated {score}"))
    }
}

impl OpenTurn {
    /// A contact whose platform shows no menus rates in words: exactly one of the choices, after the end.
    fn rated_in_words(&self, case: &Case, content: &Content) -> Option<Ending> {
        let said = match (&case.arrival.author, content) {
            (Author::Contact, Content::Text(text)) => text.text.trim(),
            _ => return None,
        };
        let asked = case.conversation.rating_asked.as_ref()?;
        if !matches!(case.conversation.phase, Phase::Resolved { .. }) {
            return None;
        }
        let choices = self.texts.say(Text::RatingChoices, &[]);
        let (_, score) = choices
            .split('|')
            .zip((1..=5_u8).rev())
            .find(|(label, _)| label.trim() == said)?;
        Some(self.rated(case, &rating_item(asked.episode, score)))
    }
}

/// The score a tapped menu item means, if it belongs to the rating that was asked for last. Old menus stay tappable for
/// ever, so the item's id holds the episode: `episode × 10 + score` (WeChat: message menus, 6.3).
fn rates(conversation: &Conversation, id: &str) -> Option<u8> {
    let asked = conversation.rating_asked.as_ref()?;
    let id: u64 = id.parse().ok()?;
    let score = u8::try_from(id % 10).ok()?;
    (id / 10 == u64::from(asked.episode) && (1..=5).contains(&score)).then_some(score)
}

/// The id of a rating's menu item.
pub(crate) fn rating_item(episode: u32, score: u8) -> String {
    (u64::from(episode) * 10 + u64::from(score)).to_string()
}
