//! The clerk keeps the books of one claim: applies effects to the conversation, writes the transcript, and at the end
//! plans what is to be sent. Everything it decides is in the [`Changes`] it hands in; nothing is sent from here.

mod gone;
mod handover;
mod kin;
mod nudge;
mod outbox;
mod presence;
mod recall;
mod silence;

use std::{collections::BTreeSet, sync::Arc};

use self::{
    outbox::{Draft, Outbox},
    recall::Relayed,
};
use super::Engine;
use crate::{
    bot::Effect,
    channel::Persona,
    clock::Timestamp,
    conversation::{Contact, Conversation, Move, Phase, Rating},
    message::{
        AgentName, Arrival, ArrivalId, Author, BotName, Content, Event, InboxName, PeerId,
        ThreadKey, Welcome, What,
    },
    routing::{Agent, Desk},
    store::{Accepted, Ask, Changes, Claim, EntryAuthor, NewEntry, StoreError, Verdict},
    texts::{Text, excerpt},
};

/// Ratings kept with a contact.
const RATINGS: usize = 20;

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

    pub(super) fn contact(&self) -> &Contact {
        &self.contact
    }

    pub(super) fn asks(&self) -> bool {
        !self.changes.asks.is_empty()
    }

    pub(super) fn done(&mut self, id: ArrivalId, verdict: Verdict) {
        self.changes.done.push((id, verdict));
    }

    /// Takes an arrival in hand.
    pub(super) fn take(&mut self, accepted: &Accepted) {
        self.now = self.engine.parts.clock.now();
        self.trace = accepted.id;
        self.arrival = accepted.arrival.clone();
        self.agent = match &self.arrival.author {
            Author::Agent(account) => self
                .desk
                .agent_at(&self.arrival.inbox, account)
                .map(|agent| agent.name.clone()),
            _ => None,
        };
    }

    /// What the arrival in hand says about the contact, the allowance it opens, the line it is in the transcript.
    pub(super) fn receive(&mut self) {
        self.learn_profile();
        self.refill();
        if self.arrival.author == Author::Contact {
            self.contact_did();
        }
    }

    fn learn_profile(&mut self) {
        if self.arrival.author != Author::Contact {
            return;
        }
        let Some(profile) = self.arrival.profile.clone() else {
            return;
        };
        let known = &mut self.contact.profile;
        let before = known.clone();
        known.name = profile.name.or(known.name.take());
        known.avatar_url = profile.avatar_url.or(known.avatar_url.take());
        self.contact_changed |= before != *known;
    }

    /// A trigger opens the allowance anew; what was held goes first.
    fn refill(&mut self) {
        let Some(trigger) = self.arrival.trigger else {
            return;
        };
        let Some(channel) = self.engine.parts.channels.get(&self.arrival.inbox) else {
            return;
        };
        let allowances = &channel.capabilities().allowances;
        if allowances.is_empty() {
            // Nobody counts: the platform itself said what had to wait.
            return self.let_go(self.held);
        }
        let at = self.arrival.sent_at.min(self.now);
        let ledger = &mut self.changes.conversation.ledger;
        ledger.refill(trigger, at, allowances);
        self.release();
    }

    /// Lets go what is held, as far as the allowance goes.
    fn release(&mut self) {
        let ledger = &mut self.changes.conversation.ledger;
        let release = ledger.spend(self.held, self.now);
        self.let_go(release);
    }

    fn let_go(&mut self, release: u32) {
        self.held -= release;
        self.changes.release += release;
    }

    fn contact_did(&mut self) {
        let What::Content(content) = &self.arrival.what else {
            return;
        };
        let content = content.clone();
        let speech = !matches!(content, Content::Event(_) | Content::Recalled { .. });
        if speech {
            self.changes.conversation.contact_spoke_at = self.now;
            self.changes.conversation.spoke_at = self.now;
            if !self.contact.reachable {
                self.contact.reachable = true;
                self.contact_changed = true;
            }
            if self.changes.conversation.episode == 1 && self.changes.deadlines.is_empty() {
                self.expect_silence();
            }
        }
        self.record(EntryAuthor::Contact, content);
    }

    /// Writes a line of the transcript.
    fn record(&mut self, author: EntryAuthor, content: Content) {
        self.changes.entries.push(NewEntry {
            trace: self.trace,
            author,
            content,
            at: self.now,
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
            Effect::Presence { agent, online } => self.presence(&agent, online).await,
            Effect::Heard(content) => self.heard(content),
            Effect::Undelivered {
                external_id,
                reason,
            } => self.undelivered(&external_id, &reason).await?,
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

    fn reply(&mut self, content: Content, by: Option<&BotName>) {
        match self.arrival.author.clone() {
            Author::Agent(account) => self.to_desk(self.arrival.inbox.clone(), account, content),
            Author::Contact | Author::System => self.tell_contact(content, by),
        }
    }

    fn tell_contact(&mut self, content: Content, by: Option<&BotName>) {
        let author = by.map_or(EntryAuthor::System, |bot| EntryAuthor::Bot(bot.clone()));
        let notice = author == EntryAuthor::System;
        self.record(author, content.clone());
        self.changes.conversation.spoke_at = self.now;
        self.outbox.to_contact(self.trace, content, notice, None);
    }

    /// A built-in text to the contact; nothing where the operator silenced it.
    fn notice_contact(&mut self, text: Text, values: &[(&str, &str)]) {
        let texts = &self.engine.parts.texts;
        if !texts.silenced(text) {
            let words = texts.say(text, values);
            self.tell_contact(Content::text(words), None);
        }
    }

    fn tell_agent(&mut self, content: Content) {
        let content = self.for_agents(content);
        if let Some(agent) = self.changes.conversation.agent().cloned() {
            self.to_agent(&agent, content);
        }
    }

    fn notice_agent(&mut self, text: Text, values: &[(&str, &str)]) {
        let words = self.engine.parts.texts.say(text, values);
        match self.arrival.author.clone() {
            Author::Agent(account) => {
                self.to_desk(self.arrival.inbox.clone(), account, Content::text(words))
            }
            _ => self.tell_agent(Content::text(words)),
        }
    }

    /// What no desk can show becomes words.
    fn for_agents(&self, content: Content) -> Content {
        let texts = &self.engine.parts.texts;
        match content {
            Content::Unsupported { what, summary } => Content::text(texts.say(
                Text::DeskUnsupported,
                &[("what", &what), ("summary", &summary)],
            )),
            Content::Recalled { .. } => Content::text(texts.say(Text::DeskContactRecalled, &[])),
            other => other,
        }
    }

    fn relay(&mut self, content: Content) {
        match self.arrival.author {
            Author::Agent(_)
                if self.agent.is_some()
                    && self.agent.as_ref() == self.changes.conversation.agent() =>
            {
                let agent = self.agent.clone().unwrap_or_else(|| AgentName::new(""));
                self.record(EntryAuthor::Agent(agent.clone()), content.clone());
                self.changes.conversation.spoke_at = self.now;
                self.note_relayed();
                self.outbox
                    .to_contact(self.trace, content, false, Some(agent));
            }
            Author::Agent(_) => self.notice_agent(Text::DeskNotYours, &[]),
            Author::Contact | Author::System => self.tell_agent(content),
        }
    }

    fn to_agent(&mut self, agent: &AgentName, content: Content) {
        if let Some(Agent { inbox, account, .. }) = self.desk.agents.get(agent) {
            let (inbox, account) = (inbox.clone(), account.clone());
            self.to_desk(inbox, account, content);
        }
    }

    fn to_desk(&mut self, inbox: InboxName, account: PeerId, content: Content) {
        // Their own client shows them everything.
        if self.native(&inbox) {
            return;
        }
        let sender = self.persona();
        self.outbox.push(Draft {
            trace: self.trace,
            inbox,
            to: account,
            sender: Some(sender),
            label: String::new(),
            content,
        });
    }

    /// In the lane of an agent: to the agent, in the agent's own name, so that it is sent and not shown once more.
    fn show(&mut self, label: String, content: Content) {
        let content = self.for_agents(content);
        let ThreadKey { inbox, peer } = self.changes.conversation.thread.clone();
        self.push_own(inbox, peer, label, content);
    }

    /// In the lane of an agent: a word to the platform, in order with what is shown.
    fn card_over(&mut self, shown_by: ArrivalId, words: String) {
        let ThreadKey { inbox, peer } = self.changes.conversation.thread.clone();
        let event = Event::CardOver {
            shown_by,
            card: String::new(),
            words,
        };
        self.push_own(inbox, peer, String::new(), Content::Event(event));
    }

    /// A word of welcome goes by the platform's leave, not by the ordinary way; what is read later is its words.
    fn welcome(&mut self, welcome: Welcome) {
        self.record(EntryAuthor::System, Content::text(welcome.words.clone()));
        let word = Content::Event(Event::Welcome(welcome));
        self.outbox.to_contact(self.trace, word, true, None);
    }

    /// In the lane of an agent: what they said, on its way to a contact's conversation.
    fn pass_on(&mut self, to: PeerId, content: Content) {
        let inbox = self.changes.conversation.thread.inbox.clone();
        self.push_own(inbox, to, String::new(), content);
    }

    fn push_own(&mut self, inbox: InboxName, to: PeerId, label: String, content: Content) {
        let sender = Persona {
            id: self.changes.conversation.thread.peer.clone(),
            name: String::new(),
            avatar_url: None,
        };
        self.outbox.push(Draft {
            trace: self.trace,
            inbox,
            to,
            sender: Some(sender),
            label,
            content,
        });
    }

    /// The contact's stand-in.
    fn persona(&self) -> Persona {
        let thread = &self.changes.conversation.thread;
        Persona {
            id: Persona::id_of(thread),
            name: self.contact.display_name(&thread.peer),
            avatar_url: self.contact.profile.avatar_url.clone(),
        }
    }

    fn stand_in_at(&self, inbox: &InboxName) -> ThreadKey {
        ThreadKey {
            inbox: inbox.clone(),
            peer: self.persona().id,
        }
    }

    /// An agent's words to the contact that went past us.
    fn heard(&mut self, content: Content) {
        self.changes.conversation.spoke_at = self.now;
        match (&self.agent, &self.arrival.author) {
            (Some(agent), _) => self.record(EntryAuthor::Agent(agent.clone()), content),
            (None, Author::Agent(account)) => {
                let said = content
                    .words()
                    .map_or_else(|| excerpt(&content), str::to_owned);
                let words = Content::text(format!("{account}：{said}"));
                self.record(EntryAuthor::Note, words);
            }
            (None, _) => self.record(EntryAuthor::Note, content),
        }
    }

    /// What the platform took did not arrive after all: it counts as failed, and whoever is with the contact is told.
    async fn undelivered(&mut self, external_id: &str, reason: &str) -> Result<(), StoreError> {
        let id = self.changes.conversation.id;
        let store = &self.engine.parts.store;
        let words = match store.unsent(id, external_id, reason).await? {
            Some(dispatch) => {
                let excerpt = excerpt(&dispatch.content);
                let values = [("excerpt", excerpt.as_str()), ("reason", reason)];
                self.engine.parts.texts.say(Text::DeskUndelivered, &values)
            }
            None => {
                let values = [("reason", reason)];
                self.engine.parts.texts.say(Text::DeskReported, &values)
            }
        };
        self.record(EntryAuthor::Note, Content::text(words.clone()));
        self.tell_agent(Content::text(words));
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

    fn ask(&mut self, bot: BotName, argv: Vec<String>, said: Vec<crate::store::Said>) {
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

    fn rate(&mut self, score: u8) {
        let agent = self
            .changes
            .conversation
            .rating_asked
            .take()
            .and_then(|asked| asked.agent);
        self.contact.ratings.push(Rating {
            score,
            agent,
            at: self.now,
        });
        let surplus = self.contact.ratings.len().saturating_sub(RATINGS);
        self.contact.ratings.drain(..surplus);
        self.contact_changed = true;
    }

    /// Makes a move; one that the table does not allow is noted and changes nothing.
    fn make(&mut self, attempted: Move) -> bool {
        let before = self.changes.conversation.phase.clone();
        match self.changes.conversation.apply(attempted, self.now) {
            Ok(()) => {
                tracing::info!(trace = self.trace.0, conversation = %self.changes.conversation.id,
                    from = phase_name(&before), to = phase_name(&self.changes.conversation.phase), "moved");
                if let Phase::Assigned { since, .. } = before {
                    self.engine.desk.finished(self.now.since(since));
                }
                self.made_there = self.arrival.made_there();
                // Whatever a bot was asked in the episode before is not wanted any more.
                self.changes.cancel_errands = true;
                self.changes.asks.clear();
                self.expect_silence();
                true
            }
            Err(illegal) => {
                self.record(EntryAuthor::Note, Content::text(illegal.to_string()));
                false
            }
        }
    }

    /// An arrival that keeps failing is dead with a reason that an agent can see; the conversation moves on.
    pub(super) async fn bury(&mut self, accepted: &Accepted) -> Result<(), StoreError> {
        self.receive();
        let reason = format!("its turn failed {} times", accepted.failures);
        tracing::error!(trace = accepted.id.0, reason, "given up");
        self.record(
            EntryAuthor::Note,
            Content::text(format!("arrival {}: {reason}", accepted.id)),
        );
        if self.arrival.author == Author::Contact {
            self.notice_contact(Text::CannotHandle, &[]);
            if matches!(self.changes.conversation.phase, Phase::Assigned { .. })
                && let What::Content(content) = self.arrival.what.clone()
            {
                self.tell_agent(content);
            }
        }
        self.done(accepted.id, Verdict::Dead { reason });
        Ok(())
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

fn none_cue() -> crate::message::Cue {
    crate::message::Cue::QueueMoved { episode: 0 }
}

fn phase_name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Assisted => "assisted",
        Phase::Queued(_) => "queued",
        Phase::Assigned { .. } => "assigned",
        Phase::Resolved { .. } => "resolved",
    }
}
