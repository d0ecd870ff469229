//! Taking an arrival in hand: what it says about the contact, the allowance it opens, the line it is in the transcript.

use super::Clerk;
use crate::{
    message::{Author, Content, What},
    store::{Accepted, EntryAuthor},
    texts::Text,
};

impl Clerk<'_> {
    /// Takes an arrival in hand.
    pub(in crate::engine) fn take(&mut self, accepted: &Accepted) {
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
    pub(in crate::engine) fn receive(&mut self) {
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
    pub(super) fn release(&mut self) {
        let ledger = &mut self.changes.conversation.ledger;
        let release = ledger.spend(self.held, self.now);
        self.let_go(release);
    }

    fn let_go(&mut self, release: u32) {
        self.held -= release;
        self.changes.release += release;
        if release > 0 {
            let count = release.to_string();
            let texts = &self.engine.parts.texts;
            let words = texts.say(Text::DeskReleased, &[("count", &count)]);
            self.tell_agent(Content::text(words));
        }
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
}
