//! The lane of an agent who has all contacts in one chat. It is a conversation of the agent's own, so that everything shown
//! to the agent and everything the agent says is worked on once and in order, whichever node does it; its memory holds the
//! [`Board`]. Nothing of it is a transcript: that is in the contacts' conversations.

use super::OpenTurn;
use crate::{
    bot::{Effect, Turn},
    chain::{Case, Ending},
    message::{AgentName, Author, Content, Cue, What},
    switchboard::{Act, Board, Shown},
};

/// Under which name the lane remembers its board.
const BOARD: &str = "switchboard";

pub(super) fn ending(filter: &OpenTurn, case: &Case, agent: &AgentName) -> Ending {
    if let What::Cue(Cue::Undelivered {
        reason, content, ..
    }) = &case.arrival.what
    {
        let why = format!("not shown to {agent}: {reason}");
        let mut effects = vec![Effect::note(why.clone())];
        effects.extend(
            super::cues::not_shown(content, &filter.texts).map(|content| Effect::Show {
                label: String::new(),
                content,
            }),
        );
        return Ending::with(effects, why);
    }
    let memory = case.conversation.memory.get(BOARD).cloned();
    let before: Board = memory
        .and_then(|memory| serde_json::from_value(memory).ok())
        .unwrap_or_default();
    let mut board = before.clone();
    let Some((acts, why)) = acts(filter, case, &mut board) else {
        return Ending::silent("recorded");
    };
    let mut effects: Vec<Effect> = acts.into_iter().map(|act| effect(act, agent)).collect();
    if board != before {
        effects.push(Turn::remember(BOARD, &board));
    }
    Ending::with(effects, why)
}

fn acts(filter: &OpenTurn, case: &Case, board: &mut Board) -> Option<(Vec<Act>, String)> {
    let (buttons, texts) = (&filter.buttons, &filter.texts);
    match (&case.arrival.author, case.arrival.what.clone()) {
        (
            _,
            What::Cue(Cue::Show {
                from,
                conversation,
                seated,
                content,
            }),
        ) => {
            let shown = Shown {
                from,
                conversation,
                seated,
                content: *content,
                by: case.id,
            };
            let acts = board.show(shown, buttons, texts);
            Some((acts, format!("shown from conversation {conversation}")))
        }
        (_, What::Content(Content::Event(_) | Content::Recalled { .. })) => None,
        (Author::Agent(_), What::Content(content)) => Some((
            board.said(content, case.id, buttons, texts),
            "the agent speaks".to_owned(),
        )),
        _ => None,
    }
}

fn effect(act: Act, agent: &AgentName) -> Effect {
    match act {
        Act::Show { label, content } => Effect::Show { label, content },
        Act::Over { shown_by, words } => Effect::CardOver { shown_by, words },
        Act::PassOn { to, content } => Effect::PassOn { to, content },
        Act::Presence { online } => Effect::Presence {
            agent: agent.clone(),
            online,
        },
    }
}
