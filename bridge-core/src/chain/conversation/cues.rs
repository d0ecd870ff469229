//! The bridge's own cues: what each comes to. A cue of an earlier episode changes nothing: that is the fence that keeps
//! a late answer from talking over a person.

use crate::{
    bot::Effect,
    chain::{Case, Ending},
    conversation::Phase,
    message::{Answer, ConsentAnswer, Content, Cue, DeadlineKind, Event, PeerId},
    routing::ORDINARY,
    texts::{Text, Texts},
};

/// A cue and what it comes to.
pub(super) fn ending(case: &Case, cue: Cue, texts: &Texts) -> Ending {
    match cue {
        Cue::Answered {
            bot,
            episode,
            effects,
            ..
        } => {
            if stale(case, episode) {
                return Ending::silent(format!(
                    "late answer of {bot} dropped: episode {episode} is over"
                ));
            }
            Ending::with(effects, format!("{bot} answered")).by(bot)
        }
        Cue::Failed {
            bot,
            episode,
            reason,
            ..
        } => {
            if stale(case, episode) {
                return Ending::silent(format!("late failure of {bot} dropped"));
            }
            let sorry = Effect::TellContact(Content::text(texts.say(Text::AssistantFailed, &[])));
            let route = Effect::Route {
                skill: None,
                note: Some(format!("{bot}: {reason}")),
            };
            Ending::with(vec![sorry, route], format!("{bot} failed: {reason}"))
        }
        Cue::SeatFree { episode } => seat_free(case, episode),
        Cue::QueueMoved { episode } => queue_moved(case, episode),
        Cue::Deadline { kind, episode } => deadline(case, kind, episode, texts),
        Cue::Undelivered {
            to_contact,
            content,
            reason,
            held,
            tried_again,
            tried_at,
            ..
        } => {
            let is_message = !matches!(*content, Content::Nudge { .. } | Content::Event(_));
            if held && is_message && may_go_now(case, tried_at) {
                let why = "refused while the contact wrote: it may go now";
                return Ending::with(vec![Effect::Release], why);
            }
            let text = match (held, tried_again) {
                (true, _) => Text::DeskHeld,
                (false, true) => Text::DeskTriedAgain,
                (false, false) => Text::DeskUndelivered,
            };
            undelivered(case, to_contact, &content, &reason, text, texts)
        }
        Cue::Recovered { .. } => match case.conversation.blocked {
            Some(_) => Ending::with(vec![Effect::Unblocked(true)], "what waited is sent"),
            None => Ending::silent("sent at last"),
        },
        Cue::DeskMoved { agent } => Ending::silent(format!("{agent} works at another inbox now")),
        Cue::Show { .. } => Ending::silent("the account is no agent's any more"),
        Cue::Order { by, effects } => Ending::with(effects, format!("ordered by {by}")),
    }
}

/// Whether the contact wrote after the try began that the platform refused for want of an allowance. The allowance is open
/// again then; what is refused once more comes of a later try.
fn may_go_now(case: &Case, tried_at: Option<crate::clock::Timestamp>) -> bool {
    let conversation = &case.conversation;
    tried_at.is_some_and(|tried_at| conversation.contact_spoke_at >= tried_at)
        && conversation.ledger.left(case.now) > 0
}

fn stale(case: &Case, episode: u32) -> bool {
    case.conversation.episode != episode
}

fn seat_free(case: &Case, episode: u32) -> Ending {
    match &case.conversation.phase {
        Phase::Queued(waiting) if !stale(case, episode) => {
            let route = Effect::Route {
                skill: case.desk.still_possible(waiting).0,
                note: None,
            };
            Ending::with(vec![route], "an agent may be free")
        }
        _ => Ending::silent("waits no more"),
    }
}

fn queue_moved(case: &Case, episode: u32) -> Ending {
    match case.conversation.phase {
        Phase::Queued(_) if !stale(case, episode) => {
            Ending::with(vec![Effect::TellPosition], "the queue moved")
        }
        _ => Ending::silent("waits no more"),
    }
}

fn deadline(case: &Case, kind: DeadlineKind, episode: u32, texts: &Texts) -> Ending {
    if stale(case, episode) {
        return Ending::silent("deadline of an earlier episode");
    }
    match (kind, &case.conversation.phase) {
        (DeadlineKind::Idle, Phase::Assisted) => {
            Ending::with(vec![Effect::Resolve { rating: false }], "idle")
        }
        (DeadlineKind::Idle, Phase::Assigned { .. }) => {
            let words = Effect::TellContact(Content::text(texts.say(Text::ClosedIdle, &[])));
            Ending::with(vec![words, Effect::Resolve { rating: false }], "idle")
        }
        (DeadlineKind::Queue, Phase::Queued(_)) => queue_moved(case, episode),
        _ => Ending::silent("the deadline does not apply"),
    }
}

/// The platform's own desk did not take the conversation: somebody else is found, or the contact waits. Where it takes none
/// before the contact writes, the conversation is over until they do.
fn not_handed(case: &Case, account: &PeerId, not_yet: bool, why: String) -> Ending {
    let mut effects = vec![Effect::note(why.clone())];
    let meant = case.desk.agent_at(&case.arrival.inbox, account);
    let meant = meant.filter(|agent| case.conversation.agent() == Some(&agent.name));
    if meant.is_some() && not_yet {
        effects.push(Effect::Resolve { rating: false });
    } else if let Some(agent) = meant {
        effects.push(Effect::Presence {
            agent: agent.name.clone(),
            online: false,
        });
        effects.push(Effect::Enqueue {
            skill: None,
            agent: None,
            priority: ORDINARY,
            note: None,
        });
    }
    Ending::with(effects, why)
}

fn undelivered(
    case: &Case,
    to_contact: bool,
    content: &Content,
    reason: &str,
    text: Text,
    texts: &Texts,
) -> Ending {
    let why = format!("undelivered: {reason}");
    let held = text == Text::DeskHeld;
    if let Content::Nudge { topic, .. } = content {
        return not_nudged(case, topic, reason, held, texts);
    }
    if let Content::Event(event) = content {
        return match event {
            Event::Handed { agent } => not_handed(case, agent, held, why),
            _ => Ending::with(vec![Effect::note(why.clone())], why),
        };
    }
    if !to_contact {
        let mut effects = vec![Effect::note(why.clone())];
        effects.extend(not_shown(content, texts).map(Effect::TellAgent));
        return Ending::with(effects, why);
    }
    let excerpt = crate::texts::excerpt(content, texts.locale);
    let words = texts.say(text, &[("excerpt", &excerpt), ("reason", reason)]);
    let mut effects = vec![Effect::note(words.clone())];
    match text {
        Text::DeskHeld => effects.insert(0, Effect::Exhausted),
        Text::DeskTriedAgain => effects.insert(0, Effect::Blocked(reason.to_owned())),
        _ if case.conversation.blocked.is_some() => effects.insert(0, Effect::Unblocked(false)),
        _ => {}
    }
    if let Phase::Assigned { .. } = case.conversation.phase {
        effects.push(Effect::TellAgent(Content::text(words)));
        if held {
            effects.push(Effect::Nudge(content.clone()));
        }
    }
    Ending::with(effects, why)
}

/// What an agent is told instead of what they cannot be shown, so that nobody waits for an answer to it. `None`: it was
/// this word itself.
pub(super) fn not_shown(content: &Content, texts: &Texts) -> Option<Content> {
    let words = texts.say(Text::DeskNotShown, &[]);
    (!content.words().is_some_and(|said| said.ends_with(&words))).then(|| Content::text(words))
}

/// A nudge was not sent. The contact refused (`held`: there was no grant): none is left. Anything else: the grant was not
/// used.
fn not_nudged(case: &Case, topic: &str, reason: &str, refused: bool, texts: &Texts) -> Ending {
    let answer = match refused {
        true => Answer::Withdrawn,
        false => Answer::Given,
    };
    let topic = topic.to_owned();
    let words = texts.say(Text::DeskNudgeFailed, &[("reason", reason)]);
    let mut effects = vec![
        Effect::Consent(ConsentAnswer { topic, answer }),
        Effect::note(words.clone()),
    ];
    if let Phase::Assigned { .. } = case.conversation.phase {
        effects.push(Effect::TellAgent(Content::text(words)));
    }
    Ending::with(effects, format!("not nudged: {reason}"))
}
