//! The clerk keeps the books of one claim: applies effects to the conversation, writes the transcript, and at the end
//! plans what is to be sent. Everything it decides is in the [`Changes`] it hands in; nothing is sent from here.

mod arrival;
mod blocked;
mod bury;
mod card;
mod closing;
mod gone;
mod handover;
mod kin;
mod moves;
mod native;
mod nudge;
mod outbox;
mod presence;
mod rating;
mod recall;
mod silence;
mod speech;
mod ties;

use std::{collections::BTreeSet, sync::Arc};

use self::{outbox::Outbox, recall::Relayed};
use super::Engine;
use crate::{
    bot::Effect,
    clock::Timestamp,
    conversation::{Contact, Conversation},
    message::{AgentName, Arrival, ArrivalId, BotName, Content, Cue, ThreadKey},
    routing::Desk,
    store::{Ask, Changes, Claim, EntryAuthor, NewEntry, Said, StoreError, Verdict},
    texts::Locale,
};

/// The books of one claim.
pub(super) struct Clerk<'a> {
    engine: &'a Engine,
    /// The desk as this turn sees it.
    pub(super) desk: Arc<Desk>,
    changes: Changes,
    contact: Contact,
    contact_changed: bool,
    outbox: Outbox,
    relayed: Vec<Relayed>,
    held: u32,
    /// Nobody else is this person: there is no kin to be read.
    alone: bool,
    /// Whose it was before, and in which episode.
    before: (Option<AgentName>, u32),
    /// The last move was made on the platform itself.
    made_there: bool,
    /// The turn in hand.
    trace: ArrivalId,
    arrival: Arrival,
    agent: Option<AgentName>,
    now: Timestamp,
}

impl<'a> Clerk<'a> {
    pub(super) fn new(engine: &'a Engine, claim: &Claim) -> Self {
        let first = claim
            .arrivals
            .first()
            .map(|accepted| accepted.arrival.clone());
        let now = engine.parts.clock.now();
        Self {
            engine,
            desk: Arc::default(),
            changes: Changes::none(claim.conversation.clone()),
            contact: claim.contact.clone(),
            contact_changed: false,
            outbox: Outbox::default(),
            relayed: Vec::new(),
            held: claim.held,
            alone: claim.alone,
            before: (
                claim.conversation.agent().cloned(),
                claim.conversation.episode,
            ),
            made_there: false,
            trace: ArrivalId(0),
            // A claim has at least one arrival; were there none, this one is never looked at.
            arrival: first
                .unwrap_or_else(|| engine.cue(&claim.conversation.thread, "", none_cue())),
            agent: None,
            now,
        }
    }

    pub(super) fn conversation(&self) -> &Conversation {
        &self.changes.conversation
    }

    /// The language people are spoken to in.
    fn locale(&self) -> Locale {
        self.engine.parts.texts.locale
    }

    pub(super) fn contact(&self) -> &Contact {
        &self.contact
    }

    pub(super) fn done(&mut self, id: ArrivalId, verdict: Verdict) {
        self.changes.done.push((id, verdict));
    }

    /// Writes a line of the transcript.
    fn record(&mut self, author: EntryAuthor, content: Content) {
        self.changes.entries.push(NewEntry {
            trace: self.trace,
            author,
            content,
            // A clock that was set back makes no line older than the opening it belongs to.
            at: self.now.max(self.changes.conversation.opened_at),
        });
    }

    /// Applies one effect.
    pub(super) async fn apply(
        &mut self,
        effect: Effect,
        by: Option<&BotName>,
    ) -> Result<(), StoreError> {
        match effect {
            Effect::Reply(content) => self.reply(content, by),
            Effect::TellContact(content) => self.tell_contact(content, by),
            Effect::TellAgent(content) => self.tell_agent(content),
            Effect::Relay(content) => self.relay(content),
            Effect::Note(text) => self.record(EntryAuthor::Note, Content::text(text)),
            Effect::Remember { bot, value } => self.remember(bot, value),
            Effect::Ask { bot, argv, said } => self.ask(bot, argv, said),
            Effect::Dedicate(agent) => {
                self.contact_changed |= self.contact.dedicated != agent;
                self.contact.dedicated = agent;
            }
            Effect::Reachable(reachable) => {
                self.contact_changed |= self.contact.reachable != reachable;
                self.contact.reachable = reachable;
            }
            Effect::Consent(said) => self.hear_consent(&said),
            Effect::Nudge(content) => self.nudge_for_agent(&content),
            Effect::CameFrom(origin) => self.came_from(origin),
            Effect::Release => self.release(),
            Effect::Exhausted => self.changes.conversation.ledger.exhaust(),
            Effect::Blocked(reason) => self.blocked(reason).await?,
            Effect::Unblocked(sent) => self.unblocked(sent),
            Effect::Presence { agent, online } => self.presence(&agent, online).await,
            Effect::Heard(content) => self.heard(content),
            Effect::Undelivered {
                external_id,
                reason,
            } => self.undelivered(&external_id, &reason).await?,
            Effect::Confirmed(what) => {
                let (id, at) = (self.changes.conversation.id, self.arrival.received_at);
                self.engine.confirm(id, &what, at).await?;
            }
            Effect::Show { label, content } => self.show(label, content),
            Effect::CardOver { shown_by, words } => self.card_over(shown_by, words),
            Effect::Welcome(welcome) => self.welcome(welcome),
            Effect::PassOn { to, content } => self.pass_on(to, content),
            Effect::Recall { external_id } => self.recall(&external_id).await?,
            Effect::Rate(score) => self.rate(score),
            Effect::Identify(handles) => self.identify(handles).await?,
            Effect::Merge { who } => self.merge(who.as_deref()).await?,
            Effect::Split { who } => self.split(who.as_deref()).await?,
            Effect::TellPosition => self.tell_position(),
            Effect::Reopen => self.reopen(),
            Effect::Enqueue {
                skill,
                agent,
                priority,
                note,
            } => self.enqueue(skill, agent, priority, note),
            Effect::Assign { agent, note } => self.assign(&agent, note).await?,
            Effect::Route { skill, note } => self.route(skill, note).await?,
            Effect::Assist => self.assist(),
            Effect::Resolve { rating } => self.resolve(rating),
        }
        Ok(())
    }

    fn remember(&mut self, bot: BotName, value: serde_json::Value) {
        let memory = &mut self.changes.conversation.memory;
        if value.is_null() {
            memory.remove(&bot);
        } else {
            memory.insert(bot, value);
        }
    }

    fn ask(&mut self, bot: BotName, argv: Vec<String>, said: Vec<Said>) {
        let settings = &self.engine.parts.settings;
        let (due_at, latest) = (
            self.now + settings.merge_window,
            self.now + settings.merge_latest,
        );
        self.changes.asks.push(Ask {
            trace: self.trace,
            bot,
            argv,
            said,
            due_at,
            latest,
        });
    }

    /// Plans what is to be sent and closes the books.
    pub(super) fn finish(mut self) -> Changes {
        self.plan();
        if self.contact_changed {
            self.changes.contact = Some(self.contact);
        }
        let names: BTreeSet<ThreadKey> = self.changes.threads.drain(..).collect();
        self.changes.threads = names.into_iter().collect();
        self.changes
    }
}

fn none_cue() -> Cue {
    Cue::QueueMoved { episode: 0 }
}
