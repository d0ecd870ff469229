//! Giving up: an arrival whose turn keeps failing is dead with a reason that an agent can see, and the conversation moves
//! on. Whoever waits for what it would have come to is told, and gets a person.

use super::Clerk;
use crate::{
    conversation::Phase,
    message::{Author, Content, Cue, What},
    routing::{Decision, ORDINARY, Request, Subject},
    store::{Accepted, EntryAuthor, StoreError, Verdict},
    texts::{Text, excerpt},
};

impl Clerk<'_> {
    /// An arrival that keeps failing is dead with a reason that an agent can see; the conversation moves on.
    pub(in crate::engine) async fn bury(&mut self, accepted: &Accepted) -> Result<(), StoreError> {
        self.receive();
        let reason = format!("its turn failed {} times", accepted.failures);
        tracing::error!(trace = accepted.id.0, reason, "given up");
        self.record(
            EntryAuthor::Note,
            Content::text(format!("arrival {}: {reason}", accepted.id)),
        );
        match self.arrival.what.clone() {
            What::Content(content) => self.bury_words(content),
            What::Cue(cue) => self.bury_cue(cue, &reason),
        }
        self.done(accepted.id, Verdict::Dead { reason });
        Ok(())
    }

    fn bury_words(&mut self, content: Content) {
        match self.arrival.author {
            Author::Contact => {
                self.notice_contact(Text::CannotHandle, &[]);
                if matches!(self.changes.conversation.phase, Phase::Assigned { .. }) {
                    self.tell_agent(content);
                }
            }
            Author::Agent(_) => self.bury_words_of_agent(content),
            Author::System => {}
        }
    }

    /// It may have failed for what happened around it, such as a database that went away again and again: what an agent said
    /// goes to the contact all the same. A command is not carried out by halves; its agent is told.
    fn bury_words_of_agent(&mut self, content: Content) {
        if matches!(content, Content::Event(_) | Content::Recalled { .. }) {
            return;
        }
        match content.words() {
            Some(words) if words.trim_start().starts_with(['#', '＃']) => {
                self.notice_agent(Text::BotFailed, &[]);
            }
            _ => self.relay(content),
        }
    }

    /// A cue of our own: somebody may wait for it who knows nothing of it.
    fn bury_cue(&mut self, cue: Cue, reason: &str) {
        let conversation = &self.changes.conversation;
        match cue {
            Cue::Answered { bot, episode, .. } | Cue::Failed { bot, episode, .. }
                if conversation.episode == episode =>
            {
                self.notice_contact(Text::AssistantFailed, &[]);
                self.wait_for_somebody(format!("{bot}: {reason}"));
            }
            Cue::Undelivered {
                to_contact: true,
                content,
                reason,
                ..
            } => {
                let values = [
                    ("excerpt", &*excerpt(&content, self.locale())),
                    ("reason", &*reason),
                ];
                let words = self.engine.parts.texts.say(Text::DeskUndelivered, &values);
                self.tell_agent(Content::text(words));
            }
            Cue::Deadline { episode, .. } if conversation.episode == episode => {
                self.expect_silence();
            }
            _ => {}
        }
    }

    /// Lets the contact wait for whoever has room. Nothing is read for it: reading may be what failed.
    fn wait_for_somebody(&mut self, note: String) {
        let conversation = &self.changes.conversation;
        let request = Request {
            skill: None,
            agent: None,
            dedicated: None,
            except: None,
            subject: Subject {
                contact: conversation.contact,
                conversation: conversation.id,
            },
            inbox: Some(conversation.thread.inbox.clone()),
        };
        match self.desk.route(&request, self.now) {
            Decision::Assign(_) | Decision::Wait => self.enqueue(None, None, ORDINARY, Some(note)),
            Decision::Closed => self.closed(None, Some(note)),
            Decision::Nobody => self.nobody(None),
        }
    }
}
