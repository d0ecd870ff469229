//! Platform events: what each comes to.

use std::time::Duration;

use metrics::counter;

use super::{OpenTurn, Step, origin::Origin};
use crate::{
    bot::Effect,
    chain::{Case, Ending},
    clock::Timestamp,
    conversation::Phase,
    message::{AgentName, Author, Content, Event, NudgeResult, PeerId, Welcome, What},
    store::Confirmation,
    texts::{Text, Texts, excerpt},
};

/// How long after a platform took something it is noted here as sent.
const NOTED_WITHIN: Duration = Duration::from_secs(5);

/// An event: mostly it ends here; a tapped menu with configured words goes on as speech.
pub(super) fn step(filter: &OpenTurn, mut case: Case, event: Event) -> Step {
    if let Event::MenuClicked { key } = &event
        && let Some(words) = filter.menu_words.get(key)
    {
        case.arrival.what = What::Content(Content::text(words.clone()));
        return filter.speech(case);
    }
    Step::Break(ending(filter, &case, event))
}

fn ending(filter: &OpenTurn, case: &Case, event: Event) -> Ending {
    let texts = &filter.texts;
    match event {
        Event::Followed { scene } => followed(texts, case, scene.as_deref()),
        Event::Scanned { scene } => {
            Ending::with(dedicate(case, Some(&scene)), "a code was scanned")
        }
        Event::Entered { from, greet } => entered(filter, case, &from, greet),
        Event::Consent { answers } => Ending::with(
            answers.into_iter().map(Effect::Consent).collect(),
            "the contact says whether they may be nudged",
        ),
        Event::NudgeReport { results } => reported(filter, case, &results),
        Event::Unfollowed => unfollowed(texts, case),
        Event::MenuClicked { key } => {
            Ending::silent(format!("menu key {key} has no words configured"))
        }
        Event::Presence { online } => presence(case, online),
        Event::Typing => Ending::silent("an agent is at an answer"),
        Event::ProfileChanged => Ending::silent("the profile changed"),
        Event::ErasureAsked { scope } => {
            let note = format!("platform asks to erase personal data: {scope}");
            Ending::with(vec![Effect::note(note)], "erasure asked")
        }
        Event::Read { up_to } => read(case, up_to),
        Event::DeliveryReport {
            delivered: true,
            external_id,
            ..
        } => Ending::with(
            vec![Effect::Confirmed(Confirmation::Message { external_id })],
            "delivered, says the platform",
        ),
        Event::DeliveryReport {
            external_id,
            reason,
            used_up,
            ..
        } => failed_later(external_id, reason, used_up),
        Event::Taken => taken(case, texts, None),
        Event::Answered { content } => {
            let mut ending = taken(case, texts, Some(&content));
            ending.effects.push(Effect::Heard(*content));
            ending
        }
        Event::Ended => ended(case),
        Event::Added {
            member,
            scene,
            welcome,
        } => added(texts, case, &member, scene.as_deref(), welcome),
        Event::Handed { .. }
        | Event::Released
        | Event::Welcome(_)
        | Event::CardOver { .. }
        | Event::Rated(_) => Ending::silent("a word of the bridge's own"),
        Event::Other { name, .. } => Ending::silent(format!("event {name}: recorded")),
    }
}

fn followed(texts: &Texts, case: &Case, scene: Option<&str>) -> Ending {
    let mut effects = vec![Effect::Reachable(true)];
    effects.extend(dedicate(case, scene));
    if !texts.silenced(Text::Welcome) {
        let words = texts.say(Text::Welcome, &[]);
        effects.push(Effect::TellContact(Content::text(words)));
    }
    Ending::with(effects, "the contact follows")
}

fn unfollowed(texts: &Texts, case: &Case) -> Ending {
    let mut effects = vec![Effect::Reachable(false)];
    effects.extend(tell_agent(case, texts.say(Text::DeskUnfollowed, &[])));
    Ending::with(effects, "the contact unfollowed")
}

fn added(
    texts: &Texts,
    case: &Case,
    member: &PeerId,
    scene: Option<&str>,
    welcome: Option<Welcome>,
) -> Ending {
    let note = texts.say(Text::NoteAdded, &[("member", member.as_str())]);
    let mut effects = vec![Effect::note(note)];
    effects.extend(dedicate(case, scene));
    effects.extend(welcome.map(Effect::Welcome));
    Ending::with(effects, "the contact added a person of ours")
}

/// Who read everything that was sent to them up to a second, by the platform's clock. What leaves towards its end is noted
/// as sent a moment later.
fn read(case: &Case, up_to: i64) -> Ending {
    let to = match &case.arrival.author {
        Author::Agent(account) => account.clone(),
        Author::Contact => case.arrival.peer.clone(),
        Author::System => return Ending::silent("read by nobody"),
    };
    let end = Timestamp::from_secs(up_to.saturating_add(1));
    let receipt = Confirmation::UpTo {
        inbox: case.arrival.inbox.clone(),
        to,
        decided_by: end,
        sent_by: end + NOTED_WITHIN,
    };
    Ending::with(vec![Effect::Confirmed(receipt)], "read")
}

/// A scene `agent:NAME` makes NAME the contact's dedicated agent; other scenes are recorded.
fn dedicate(case: &Case, scene: Option<&str>) -> Vec<Effect> {
    let Some(name) = scene.and_then(|scene| scene.strip_prefix("agent:")) else {
        return Vec::new();
    };
    dedicated(case, AgentName::new(name))
}

fn dedicated(case: &Case, name: AgentName) -> Vec<Effect> {
    if case.desk.agents.contains_key(&name) {
        vec![Effect::Dedicate(Some(name))]
    } else {
        vec![Effect::note(format!("code for unknown agent {name}"))]
    }
}

/// The chat was opened from a page that says something about itself.
fn entered(filter: &OpenTurn, case: &Case, from: &str, greet: bool) -> Ending {
    let origin = Origin::read(from);
    let facts = origin.facts(filter.texts.locale);
    // Who comes by a nudge comes back to what it was about.
    let known = origin.nudge.is_some() && facts.is_empty();
    let mut effects = Vec::new();
    if !known {
        effects.push(Effect::CameFrom(facts));
    }
    effects.extend(
        origin
            .agent
            .into_iter()
            .flat_map(|agent| dedicated(case, agent)),
    );
    if let Some(nudge) = origin.nudge {
        counter!("kefu_nudges_total", "inbox" => case.arrival.inbox.to_string(), "result" => "opened")
            .increment(1);
        let words = filter.texts.say(Text::DeskNudgeOpened, &[]);
        effects.push(Effect::note(format!("{words} ({nudge})")));
        effects.extend(tell_agent(case, words));
    }
    if greet && !filter.texts.silenced(Text::Greeting) {
        effects.push(Effect::TellContact(Content::text(
            filter.texts.say(Text::Greeting, &[]),
        )));
    }
    Ending::with(effects, "the chat was opened")
}

/// What the platform says became of nudges.
fn reported(filter: &OpenTurn, case: &Case, results: &[NudgeResult]) -> Ending {
    let mut effects = Vec::new();
    for result in results {
        let word = if result.delivered { "arrived" } else { "lost" };
        counter!("kefu_nudges_total", "inbox" => case.arrival.inbox.to_string(), "result" => word)
            .increment(1);
        if result.delivered {
            let words = filter.texts.say(Text::DeskNudgeArrived, &[]);
            effects.push(Effect::note(words));
            let external_id = result.external_id.clone();
            effects.push(Effect::Confirmed(Confirmation::Message { external_id }));
        } else {
            let values = [("reason", result.reason.as_str())];
            let words = filter.texts.say(Text::DeskNudgeFailed, &values);
            effects.push(Effect::note(words.clone()));
            effects.extend(tell_agent(case, words));
        }
    }
    Ending::with(effects, "nudges reported")
}

fn presence(case: &Case, online: bool) -> Ending {
    let Author::Agent(account) = &case.arrival.author else {
        return Ending::silent("presence of nobody");
    };
    match case
        .desk
        .agent_by_account(&case.arrival.inbox, account.as_str())
    {
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

/// The platform took a message and then could not deliver it: it counts as failed.
fn failed_later(external_id: String, reason: String, used_up: bool) -> Ending {
    let mut effects = vec![Effect::Undelivered {
        external_id,
        reason,
    }];
    if used_up {
        effects.push(Effect::Exhausted);
    }
    Ending::with(effects, "not delivered, says the platform")
}

/// Somebody has the conversation in the platform's own client. Whoever that is to us has it here, too.
fn taken(case: &Case, texts: &Texts, said: Option<&Content>) -> Ending {
    let Author::Agent(account) = &case.arrival.author else {
        return Ending::silent("taken by nobody");
    };
    let Some(agent) = case
        .desk
        .agent_at(&case.arrival.inbox, account)
        .filter(|agent| case.desk.native.contains(&agent.inbox))
    else {
        return taken_by_stranger(case, texts, account.as_str(), said);
    };
    let assign = Effect::Assign {
        agent: agent.name.clone(),
        note: None,
    };
    let effects = match &case.conversation.phase {
        Phase::Assigned { agent: present, .. } if *present == agent.name => Vec::new(),
        Phase::Resolved { .. } => vec![Effect::Reopen, assign],
        _ => vec![assign],
    };
    Ending::with(effects, "an agent has it in the platform's own client")
}

/// Who has the conversation here has to know that somebody else is at it.
fn taken_by_stranger(case: &Case, texts: &Texts, account: &str, said: Option<&Content>) -> Ending {
    let effects = match said {
        None => {
            let words = texts.say(Text::DeskTaken, &[("account", account)]);
            let mut effects = tell_agent(case, words.clone());
            effects.push(Effect::note(words));
            effects
        }
        Some(said) => {
            let excerpt = excerpt(said, texts.locale);
            let values = [("account", account), ("excerpt", excerpt.as_str())];
            tell_agent(case, texts.say(Text::DeskAnswered, &values))
        }
    };
    Ending::with(effects, "somebody who is no agent here is at it there")
}

/// Ended in the platform's own client: so it is here, unless it is somebody else's by now.
fn ended(case: &Case) -> Ending {
    let theirs = case.conversation.agent().and_then(|name| {
        let agent = case.desk.agents.get(name)?;
        (agent.inbox == case.arrival.inbox).then_some(())
    });
    match theirs {
        Some(()) => Ending::with(vec![Effect::Resolve { rating: true }], "ended there"),
        None => Ending::silent("ended there: nobody of that desk has it"),
    }
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
