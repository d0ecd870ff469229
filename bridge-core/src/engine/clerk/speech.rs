//! Who is told what, and in whose name.

use super::{Clerk, outbox::Draft};
use crate::{
    channel::Persona,
    message::{
        AgentName, ArrivalId, Author, BotName, Content, Event, InboxName, PeerId, ThreadKey,
        Welcome,
    },
    routing::Agent,
    store::{EntryAuthor, StoreError},
    texts::{Text, excerpt},
};

impl Clerk<'_> {
    pub(super) fn reply(&mut self, content: Content, by: Option<&BotName>) {
        match self.arrival.author.clone() {
            Author::Agent(account) => self.to_desk(self.arrival.inbox.clone(), account, content),
            Author::Contact | Author::System => self.tell_contact(content, by),
        }
    }

    pub(super) fn tell_contact(&mut self, content: Content, by: Option<&BotName>) {
        let author = by.map_or(EntryAuthor::System, |bot| EntryAuthor::Bot(bot.clone()));
        let notice = author == EntryAuthor::System;
        self.record(author, content.clone());
        self.changes.conversation.spoke_at = self.now;
        self.outbox.to_contact(self.trace, content, notice, None);
    }

    /// A built-in text to the contact; nothing where the operator silenced it.
    pub(super) fn notice_contact(&mut self, text: Text, values: &[(&str, &str)]) {
        let texts = &self.engine.parts.texts;
        if !texts.silenced(text) {
            let words = texts.say(text, values);
            self.tell_contact(Content::text(words), None);
        }
    }

    pub(super) fn tell_agent(&mut self, content: Content) {
        let content = self.for_agents(content);
        if let Some(agent) = self.changes.conversation.agent().cloned() {
            self.to_agent(&agent, content);
        }
    }

    pub(super) fn notice_agent(&mut self, text: Text, values: &[(&str, &str)]) {
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

    pub(super) fn relay(&mut self, content: Content) {
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

    pub(super) fn to_agent(&mut self, agent: &AgentName, content: Content) {
        if let Some(Agent { inbox, account, .. }) = self.desk.agents.get(agent) {
            let (inbox, account) = (inbox.clone(), account.clone());
            self.to_desk(inbox, account, content);
        }
    }

    pub(super) fn to_desk(&mut self, inbox: InboxName, account: PeerId, content: Content) {
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
    pub(super) fn show(&mut self, label: String, content: Content) {
        let content = self.for_agents(content);
        let ThreadKey { inbox, peer } = self.changes.conversation.thread.clone();
        self.push_own(inbox, peer, label, content);
    }

    /// In the lane of an agent: a word to the platform, in order with what is shown.
    pub(super) fn card_over(&mut self, shown_by: ArrivalId, words: String) {
        let ThreadKey { inbox, peer } = self.changes.conversation.thread.clone();
        let event = Event::CardOver {
            shown_by,
            card: String::new(),
            words,
        };
        self.push_own(inbox, peer, String::new(), Content::Event(event));
    }

    /// A word of welcome goes by the platform's leave, not by the ordinary way; what is read later is its words.
    pub(super) fn welcome(&mut self, welcome: Welcome) {
        self.record(EntryAuthor::System, Content::text(welcome.words.clone()));
        let word = Content::Event(Event::Welcome(welcome));
        self.outbox.to_contact(self.trace, word, true, None);
    }

    /// In the lane of an agent: what they said, on its way to a contact's conversation.
    pub(super) fn pass_on(&mut self, to: PeerId, content: Content) {
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
            name: self.contact.display_name(&thread.peer, self.locale()),
            avatar_url: self.contact.profile.avatar_url.clone(),
        }
    }

    pub(super) fn stand_in_at(&self, inbox: &InboxName) -> ThreadKey {
        ThreadKey {
            inbox: inbox.clone(),
            peer: self.persona().id,
        }
    }

    /// An agent's words to the contact that went past us.
    pub(super) fn heard(&mut self, content: Content) {
        self.changes.conversation.spoke_at = self.now;
        match (&self.agent, &self.arrival.author) {
            (Some(agent), _) => self.record(EntryAuthor::Agent(agent.clone()), content),
            (None, Author::Agent(account)) => {
                let said = content
                    .words()
                    .map_or_else(|| excerpt(&content, self.locale()), str::to_owned);
                let words =
                    Content::text(format!("{account}{}{said}", self.locale().pick("：", ": ")));
                self.record(EntryAuthor::Note, words);
            }
            (None, _) => self.record(EntryAuthor::Note, content),
        }
    }

    /// What the platform took did not arrive after all: it counts as failed, and whoever is with the contact is told.
    pub(super) async fn undelivered(
        &mut self,
        external_id: &str,
        reason: &str,
    ) -> Result<(), StoreError> {
        let id = self.changes.conversation.id;
        let store = &self.engine.parts.store;
        let words = match store.unsent(id, external_id, reason).await? {
            Some(dispatch) => {
                let excerpt = excerpt(&dispatch.content, self.locale());
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
}
