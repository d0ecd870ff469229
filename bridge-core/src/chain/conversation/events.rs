//! Platform events: what each comes to.

use super::{OpenTurn, Step};
use crate::{
    bot::Effect,
    chain::{Case, Ending},
    conversation::Phase,
    message::{AgentName, Author, Content, Event},
    texts::Text,
};

/// An event: mostly it ends here; a tapped menu with configured words goes on as speech.
pub(super) fn step(filter: &OpenTurn, mut case: Case, event: Event) -> Step {
    let texts = &filter.texts;
    match event {
        Event::Followed { scene } => {
            let mut effects = dedicate(&case, scene.as_deref());
            effects.insert(0, Effect::Reachable(true));
            if !texts.silenced(Text::Welcome) {
                effects.push(Effect::TellContact(Content::text(
                    texts.say(Text::Welcome, &[]),
                )));
            }
            Step::Break(Ending::with(effects, "the contact follows"))
        }
        Event::Scanned { scene } => Step::Break(Ending::with(
            dedicate(&case, Some(&scene)),
            "a code was scanned",
        )),
        Event::Entered { from, greet } => {
            let mut effects = dedicate(&case, Some(&from));
            if greet && !texts.silenced(Text::Welcome) {
                effects.push(Effect::TellContact(Content::text(
                    texts.say(Text::Welcome, &[]),
                )));
            }
            Step::Break(Ending::with(effects, "the chat was opened"))
        }
        Event::Unfollowed => {
            let mut effects = vec![Effect::Reachable(false)];
            effects.extend(tell_agent(&case, texts.say(Text::DeskUnfollowed, &[])));
            Step::Break(Ending::with(effects, "the contact unfollowed"))
        }
        Event::MenuClicked { key } => match filter.menu_words.get(&key) {
            Some(words) => {
                case.arrival.what = crate::message::What::Content(Content::text(words.clone()));
                filter.speech(case)
            }
            None => Step::Break(Ending::silent(format!(
                "menu key {key} has no words configured"
            ))),
        },
        Event::Presence { online } => Step::Break(presence(&case, online)),
        Event::ProfileChanged => Step::Break(Ending::silent("the profile changed")),
        Event::ErasureAsked { scope } => {
            let effects = vec![Effect::note(format!(
                "platform asks to erase personal data: {scope}"
            ))];
            Step::Break(Ending::with(effects, "erasure asked"))
        }
        Event::Read { .. } => Step::Break(Ending::silent("read")),
        Event::DeliveryReport {
            delivered: true, ..
        } => Step::Break(Ending::silent("delivered, says the platform")),
        Event::DeliveryReport { reason, .. } => Step::Break(failed_later(&case, texts, &reason)),
        Event::Other { name, .. } => Step::Break(Ending::silent(format!("event {name}: recorded"))),
    }
}

/// A scene `agent:NAME` makes NAME the contact's dedicated agent; other scenes are recorded.
fn dedicate(case: &Case, scene: Option<&str>) -> Vec<Effect> {
    let Some(name) = scene.and_then(|scene| scene.strip_prefix("agent:")) else {
        return Vec::new();
    };
    let name = AgentName::new(name);
    if case.desk.agents.contains_key(&name) {
        vec![Effect::Dedicate(Some(name))]
    } else {
        vec![Effect::note(format!("code for unknown agent {name}"))]
    }
}

fn presence(case: &Case, online: bool) -> Ending {
    let Author::Agent(account) = &case.arrival.author else {
        return Ending::silent("presence of nobody");
    };
    match case.desk.agent_by_account(&case.arrival.inbox, account) {
        Some(agent) => {
            let effects = vec![Effect::Presence {
                agent: agent.name.clone(),
                online,
            }];
            Ending::with(
                effects,
                if online {
                    "agent online"
                } else {
                    "agent offline"
                },
            )
        }
        None => Ending::silent("presence of an account that is no agent's"),
    }
}

/// The platform took a message and then could not deliver it: whoever is with the contact is told.
fn failed_later(case: &Case, texts: &crate::texts::Texts, reason: &str) -> Ending {
    let words = texts.say(Text::DeskReported, &[("reason", reason)]);
    let mut effects = tell_agent(case, words);
    effects.push(Effect::note(format!(
        "the platform reports: not delivered: {reason}"
    )));
    Ending::with(effects, "not delivered, says the platform")
}

/// A message was taken back: what has not left yet is stopped; of the rest the other side is told.
pub(super) fn recalled(case: &Case, external_id: String) -> Ending {
    match case.arrival.author {
        Author::Agent(_) => Ending::with(
            vec![Effect::Recall { external_id }],
            "an agent takes a message back",
        ),
        _ => Ending::with(
            vec![Effect::TellAgent(Content::Recalled { external_id })],
            "the contact took a message back",
        ),
    }
}

fn tell_agent(case: &Case, words: String) -> Vec<Effect> {
    match case.conversation.phase {
        Phase::Assigned { .. } => vec![Effect::TellAgent(Content::text(words))],
        _ => Vec::new(),
    }
}
