//! Who the contact is, where one person writes on several threads. Conversations stay on their threads; what people see
//! is of the whole person.

use std::collections::BTreeSet;

use super::Clerk;
use crate::{
    conversation::{Contact, Conversation},
    message::{AgentName, Author, Content, ConversationId, InboxName},
    store::{Entry, StoreError, Tie},
    texts::Text,
};

/// The most threads of one person: more are a mistake, such as a company's phone number.
pub(super) const MOST: usize = 20;

/// A conversation and what its thread knows of the contact.
pub(super) type Kin = (Conversation, Contact);

/// A line of somebody's transcript; where from, if there is more than one.
pub(super) struct Told {
    pub(super) line: Entry,
    from: Option<InboxName>,
}

impl Clerk<'_> {
    pub(super) async fn kin(&self, tie: Option<&Tie>) -> Result<Vec<Kin>, StoreError> {
        let id = self.changes.conversation.id;
        self.engine.parts.store.kin(id, tie).await
    }

    /// The contact's other threads.
    pub(super) async fn others(&self) -> Result<Vec<Kin>, StoreError> {
        if self.alone {
            return Ok(Vec::new());
        }
        let id = self.changes.conversation.id;
        let mut kin = self.kin(None).await?;
        kin.retain(|(other, _)| other.id != id);
        Ok(kin)
    }

    /// The agent who comes first for this person.
    pub(super) async fn dedicated(&self) -> Result<Option<AgentName>, StoreError> {
        if self.contact.dedicated.is_some() {
            return Ok(self.contact.dedicated.clone());
        }
        let others = self.others().await?;
        Ok(others
            .into_iter()
            .find_map(|(_, contact)| contact.dedicated))
    }

    /// The contact's name, where only another thread knows it.
    pub(super) fn name_among(&self, kin: &[Kin]) -> String {
        let own = self
            .contact
            .display_name(&self.changes.conversation.thread.peer, self.locale());
        let is_named = |contact: &Contact| {
            let name = contact.profile.name.as_ref();
            name.filter(|name| !name.is_empty()).cloned()
        };
        match is_named(&self.contact) {
            Some(_) => own,
            None => kin
                .iter()
                .find_map(|(_, contact)| is_named(contact))
                .unwrap_or(own),
        }
    }

    pub(super) fn show_kin(&mut self, kin: &[Kin]) {
        let threads = self.threads(kin.iter());
        let number = self.changes.conversation.id.to_string();
        match kin.len() {
            0 | 1 => self.notice_agent(Text::NotMerged, &[("number", &number)]),
            _ => self.notice_agent(Text::MergedWith, &[("threads", &threads)]),
        }
    }

    /// Says what a person is now, and what was said last on the other threads.
    pub(super) async fn show_merged(&mut self, text: Text, kin: &[Kin]) {
        let threads = self.threads(kin.iter());
        let mut words = self.words(text, &[("threads", &threads)]);
        let own = self.changes.conversation.id;
        let others: Vec<Kin> = kin
            .iter()
            .filter(|(other, _)| other.id != own)
            .cloned()
            .collect();
        // Only for reading: a merge is not undone because they cannot be had.
        let lines = self.with_kin(Vec::new(), &others).await.unwrap_or_default();
        if !lines.is_empty() {
            let count = lines.len().to_string();
            words.push_str(&format!(
                "\n{}",
                self.words(Text::DeskContext, &[("count", &count)])
            ));
            for line in &lines {
                words.push_str(&format!("\n{}", self.told(line)));
            }
        }
        match self.arrival.author.clone() {
            Author::Agent(account) => {
                self.to_desk(self.arrival.inbox.clone(), account, Content::text(words));
            }
            _ => self.tell_agent(Content::text(words)),
        }
    }

    /// Threads as people read them.
    pub(super) fn threads<'k>(&self, kin: impl Iterator<Item = &'k Kin>) -> String {
        let own = self.changes.conversation.id;
        let named = kin.map(|(conversation, contact)| {
            // Of the one in hand this claim may know more.
            let contact = if conversation.id == own {
                &self.contact
            } else {
                contact
            };
            let values = [
                (
                    "contact",
                    contact.display_name(&conversation.thread.peer, self.locale()),
                ),
                ("number", conversation.id.to_string()),
                ("inbox", conversation.thread.inbox.to_string()),
            ];
            let values = values
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            self.words(Text::DeskThread, &values)
        });
        named
            .collect::<Vec<_>>()
            .join(&self.words(Text::DeskAnd, &[]))
    }

    /// The last messages of all threads in order of time: of each what was said since it was opened last.
    pub(super) async fn with_kin(
        &self,
        own: Vec<Entry>,
        kin: &[Kin],
    ) -> Result<Vec<Told>, StoreError> {
        let limit = self.engine.parts.settings.context_messages;
        let inbox = &self.changes.conversation.thread.inbox;
        let from = (!kin.is_empty()).then(|| inbox.clone());
        let own: Vec<Told> = own
            .into_iter()
            .map(|line| Told {
                line,
                from: from.clone(),
            })
            .collect();
        if limit == 0 {
            return Ok(own);
        }
        let mut others = Vec::new();
        for (other, _) in kin {
            let lines = self.engine.context(other, limit).await?;
            others.extend(lines.into_iter().map(|line| Told {
                line,
                from: Some(other.thread.inbox.clone()),
            }));
        }
        Ok(last_of(own, others, limit))
    }

    /// A line as an agent reads it.
    pub(super) fn told(&self, told: &Told) -> String {
        let said = self.digest(&told.line);
        match &told.from {
            Some(inbox) => format!("[{inbox}] {said}"),
            None => said,
        }
    }

    pub(super) fn words(&self, text: Text, values: &[(&str, &str)]) -> String {
        self.engine.parts.texts.say(text, values)
    }

    /// The agent who speaks, by the name people read.
    pub(super) fn speaker(&self) -> Option<String> {
        let agent = self.desk.agents.get(self.agent.as_ref()?)?;
        Some(agent.display_name.clone())
    }
}

pub(super) fn numbers(kin: &[Kin]) -> BTreeSet<ConversationId> {
    kin.iter()
        .map(|(conversation, _)| conversation.id)
        .collect()
}

/// The last `limit` lines in order of time, among them at least so many of the conversation's own as make half of them:
/// what is said elsewhere meanwhile, or by the clock of another node later, does not crowd out what is to be answered.
fn last_of(own: Vec<Told>, others: Vec<Told>, limit: usize) -> Vec<Told> {
    let kept = own
        .len()
        .min(limit.div_ceil(2).max(limit.saturating_sub(others.len())));
    let begin = own.len() - kept;
    let mut own = own.into_iter().map(|told| (true, told));
    let older = own.by_ref().take(begin).map(|(_, told)| (false, told));
    let mut all: Vec<(bool, Told)> = older.collect();
    all.extend(own);
    all.extend(others.into_iter().map(|told| (false, told)));
    // Stable: lines of one thread keep their order.
    all.sort_by_key(|(_, told)| told.line.at);
    let mut surplus = all.len().saturating_sub(limit);
    all.retain(|(stays, _)| {
        let goes = !stays && surplus > 0;
        surplus -= usize::from(goes);
        !goes
    });
    all.into_iter().map(|(_, told)| told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        message::{ArrivalId, EntryId},
        store::EntryAuthor,
    };

    fn lines(words: &str, at: impl IntoIterator<Item = i64>) -> Vec<Told> {
        let told = |at| Told {
            line: Entry {
                id: EntryId(0),
                trace: ArrivalId(1),
                episode: 0,
                author: EntryAuthor::Contact,
                content: Content::text(format!("{words}{at}")),
                at: Timestamp(at),
            },
            from: None,
        };
        at.into_iter().map(told).collect()
    }

    fn said(own: Vec<Told>, others: Vec<Told>, limit: usize) -> Vec<String> {
        let told = last_of(own, others, limit);
        let words = told.iter().map(|told| told.line.content.words());
        words.flatten().map(str::to_owned).collect()
    }

    /// Another node's clock is ahead, or somebody talks a lot: what this conversation is about is there.
    #[test]
    fn what_is_said_elsewhere_does_not_crowd_out_the_conversations_own_words() {
        let told = said(lines("own", [1, 2, 3]), lines("other", 10..20), 4);
        assert_eq!(told, ["own2", "own3", "other18", "other19"]);
    }

    #[test]
    fn the_last_lines_are_in_order_of_time() {
        let told = said(lines("own", [1, 5, 9]), lines("other", [4, 6]), 4);
        assert_eq!(told, ["other4", "own5", "other6", "own9"]);
        assert_eq!(
            said(lines("own", 1..9), Vec::new(), 3),
            ["own6", "own7", "own8"]
        );
        assert_eq!(
            said(Vec::new(), lines("other", 1..9), 2),
            ["other7", "other8"]
        );
    }
}
