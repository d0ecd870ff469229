//! What a claim's turns want sent, in order; planned at the end into dispatches that fit the platform and the
//! allowance: notices go first when it is short, then texts are merged, and what still does not fit is held until the
//! contact writes again.

use std::collections::BTreeSet;

use super::Clerk;
use crate::{
    channel::{Capabilities, Persona},
    message::{AgentName, ArrivalId, Author, Content, Event, InboxName, PeerId},
    planning,
    store::NewDispatch,
    texts::{Text, excerpt},
};

/// Something for a desk.
pub(super) struct Draft {
    pub(super) trace: ArrivalId,
    pub(super) inbox: InboxName,
    pub(super) to: PeerId,
    pub(super) sender: Option<Persona>,
    /// Put before each part of a text.
    pub(super) label: String,
    pub(super) content: Content,
}

impl Draft {
    /// The messages it takes. What is only passed on to an agent's lane stays whole: it is fitted there.
    fn parts(&self, within: &Capabilities) -> Vec<Content> {
        let own = self
            .sender
            .as_ref()
            .is_none_or(|sender| sender.id == self.to);
        match within.one_chat && !own {
            true => vec![self.content.clone()],
            false => planning::fit_labelled(&self.label, self.content.clone(), within),
        }
    }
}

/// Of an inbox that is not configured here, but may be on another node or tomorrow: what the narrowest platform shows.
static UNKNOWN: Capabilities = Capabilities {
    kinds: BTreeSet::new(),
    text_bytes: Some(600),
    markdown: false,
    allowances: Vec::new(),
    image_types: Vec::new(),
    voice_types: Vec::new(),
    native_desk: false,
    one_chat: false,
};

/// What is to be sent.
#[derive(Default)]
pub(super) struct Outbox {
    desk: Vec<Draft>,
    contact: Vec<Said>,
}

/// Something for the contact.
struct Said {
    trace: ArrivalId,
    content: Content,
    /// A word of the bridge itself: dropped rather than held.
    notice: bool,
    /// The agent who said it.
    by: Option<AgentName>,
}

impl Outbox {
    pub(super) fn to_contact(
        &mut self,
        trace: ArrivalId,
        content: Content,
        notice: bool,
        by: Option<AgentName>,
    ) {
        self.contact.push(Said {
            trace,
            content,
            notice,
            by,
        });
    }

    /// Forgets what these arrivals wanted said to the contact; whether there was any of it.
    pub(super) fn unsay(&mut self, traces: &[ArrivalId]) -> bool {
        let before = self.contact.len();
        self.contact
            .retain(|said| said.by.is_none() || !traces.contains(&said.trace));
        self.contact.len() < before
    }

    pub(super) fn push(&mut self, draft: Draft) {
        self.desk.push(draft);
    }
}

impl Clerk<'_> {
    /// Turns the outbox into dispatches.
    pub(super) fn plan(&mut self) {
        let word = self.word_to_platform();
        let (first, last) = match word {
            Some(word) if word.first => (Some(word.event), None),
            word => (None, word.map(|word| word.event)),
        };
        self.plan_word(first);
        let wanted = std::mem::take(&mut self.outbox.contact);
        if !wanted.is_empty() {
            self.plan_contact(wanted);
        }
        self.plan_word(last);
        for draft in std::mem::take(&mut self.outbox.desk) {
            let channel = self.engine.parts.channels.get(&draft.inbox);
            let within = channel.map_or(&UNKNOWN, |channel| channel.capabilities());
            for content in draft.parts(within) {
                self.changes.dispatches.push(NewDispatch {
                    trace: draft.trace,
                    inbox: draft.inbox.clone(),
                    to: draft.to.clone(),
                    sender: draft.sender.clone(),
                    content,
                    held: false,
                });
            }
        }
    }

    /// A word to the platform keeps its place among what is said to the contact, and costs nothing.
    fn plan_word(&mut self, event: Option<Event>) {
        let thread = &self.changes.conversation.thread;
        self.changes
            .dispatches
            .extend(event.map(|event| NewDispatch {
                trace: self.trace,
                inbox: thread.inbox.clone(),
                to: thread.peer.clone(),
                sender: None,
                content: Content::Event(event),
                held: false,
            }));
    }

    fn plan_contact(&mut self, wanted: Vec<Said>) {
        let thread = self.changes.conversation.thread.clone();
        let channel = self.engine.parts.channels.get(&thread.inbox).cloned();
        let within = channel
            .as_ref()
            .map_or(&UNKNOWN, |channel| channel.capabilities());
        let wanted = within_allowance(
            wanted,
            within,
            self.changes.conversation.ledger.left(self.now),
        );
        let limited = !within.allowances.is_empty();
        let count = u32::try_from(wanted.len()).unwrap_or(u32::MAX);
        let granted = match limited {
            // What is held already goes first: nothing overtakes it.
            true if self.held > 0 => 0,
            true => self.changes.conversation.ledger.spend(count, self.now),
            false => count,
        };
        let mut nudge = None;
        for (index, said) in wanted.into_iter().enumerate() {
            let held = u32::try_from(index).is_ok_and(|index| index >= granted);
            if held {
                nudge = said
                    .by
                    .map(|agent| (agent, said.trace, said.content.clone()))
                    .or(nudge);
                let excerpt = excerpt(&said.content, self.locale());
                self.notice_agent(Text::DeskHeld, &[("excerpt", &excerpt)]);
            }
            self.changes.dispatches.push(NewDispatch {
                trace: said.trace,
                inbox: thread.inbox.clone(),
                to: thread.peer.clone(),
                sender: None,
                content: said.content,
                held,
            });
        }
        self.wait_too(granted);
        self.warn_when_low(limited, granted);
        // One for all that is held now: grants are rare.
        if let Some((agent, trace, content)) = nudge {
            self.nudge(&agent, trace, &content);
        }
    }

    /// The agent who just used the allowance sees what is left when it gets low.
    fn warn_when_low(&mut self, limited: bool, granted: u32) {
        let left = self.changes.conversation.ledger.left(self.now);
        let by_agent = matches!(self.arrival.author, Author::Agent(_));
        let still_theirs = self.changes.conversation.agent().is_some();
        if limited
            && granted > 0
            && by_agent
            && still_theirs
            && left <= self.engine.parts.settings.low_allowance
        {
            self.notice_agent(Text::DeskAllowance, &[("left", &left.to_string())]);
        }
    }
}

/// Fits contents to the platform, and to `left` messages as far as that can be done without holding anything.
fn within_allowance(wanted: Vec<Said>, within: &Capabilities, left: u32) -> Vec<Said> {
    let fitted = |wanted: Vec<Said>| -> Vec<Said> {
        let parts = |said: Said| {
            let Said {
                trace,
                notice,
                content,
                by,
            } = said;
            planning::fit(content, within)
                .into_iter()
                .map(move |content| Said {
                    trace,
                    content,
                    notice,
                    by: by.clone(),
                })
        };
        wanted.into_iter().flat_map(parts).collect()
    };
    let mut wanted = fitted(wanted);
    let left = usize::try_from(left).unwrap_or(usize::MAX);
    if within.allowances.is_empty() || wanted.len() <= left {
        return wanted;
    }
    let merged: Vec<Said> = merge(wanted, within);
    wanted = merged;
    while wanted.len() > left
        && let Some(index) = wanted.iter().position(|said| said.notice)
    {
        wanted.remove(index);
    }
    wanted
}

/// Merges neighbouring texts; the merged one is a notice only where all of it is.
fn merge(wanted: Vec<Said>, within: &Capabilities) -> Vec<Said> {
    let mut merged: Vec<Said> = Vec::with_capacity(wanted.len());
    for said in wanted {
        if let Some(before) = merged.last_mut() {
            let joined =
                planning::merge(vec![before.content.clone(), said.content.clone()], within);
            if let [one] = joined.as_slice() {
                before.content = one.clone();
                before.notice &= said.notice;
                before.by = said.by.or(before.by.take());
                continue;
            }
        }
        merged.push(said);
    }
    merged
}
