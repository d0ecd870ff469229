//! Who is whom is learned from what platforms tell, said by agents, and undone by them.

use std::collections::BTreeSet;

use super::{
    Clerk,
    kin::{Kin, MOST, numbers},
};
use crate::{
    message::{Author, Content, ConversationId, Event, Handle, ThreadKey, What},
    store::{EntryAuthor, NewEntry, Noted, StoreError, Tie, Tied},
    texts::Text,
};

/// The most handles of one contact.
const HANDLES: usize = 8;

impl Clerk<'_> {
    /// Whether this claim says who is whom: nothing more is decided in it.
    pub(in crate::engine) fn ties(&self) -> bool {
        self.changes.tie.is_some()
    }

    /// Learns what the platform told along with an arrival.
    pub(in crate::engine) async fn recognise(&mut self) -> Result<(), StoreError> {
        if self.arrival.author != Author::Contact {
            return Ok(());
        }
        let Some(profile) = &self.arrival.profile else {
            self.wonder();
            return Ok(());
        };
        let told = &profile.handles;
        let fresh = self.fresh(told);
        if let What::Content(Content::Event(Event::Added { .. })) = &self.arrival.what {
            // It names an id and nothing more.
            self.engine.wonder(&self.changes.conversation.thread);
        }
        if !fresh.is_empty() && !self.ties() {
            self.learn(fresh, None).await?;
        }
        Ok(())
    }

    /// Has the platform asked who this is, where it can be and nothing is known.
    fn wonder(&self) {
        let thread = &self.changes.conversation.thread;
        let channel = self.engine.parts.channels.get(&thread.inbox);
        let tells = channel.is_some_and(|channel| channel.people().is_some());
        if tells && self.contact.profile.handles.is_empty() {
            self.engine.wonder(thread);
        }
    }

    /// Somebody says what the contact is known by.
    pub(super) async fn identify(&mut self, handles: Vec<Handle>) -> Result<(), StoreError> {
        // Said again is asked again: others may be known by it meanwhile.
        let known = handles
            .iter()
            .filter(|one| self.contact.profile.handles.contains(one));
        let mut said: Vec<Handle> = known.cloned().collect();
        said.extend(self.fresh(&handles));
        let Some(kind) = said.first().map(|first| first.kind(self.locale())) else {
            return Ok(());
        };
        let before = self.kin(None).await?.len();
        let Some(after) = self.learn(said, self.speaker()).await? else {
            return Ok(());
        };
        match after.len() > before {
            true => self.show_merged(Text::Merged, &after).await,
            false if after.len() > 1 => self.notice_agent(
                Text::MergedAlready,
                &[("threads", &self.threads(after.iter()))],
            ),
            false => self.notice_agent(Text::HandleNoted, &[("kind", kind)]),
        }
        Ok(())
    }

    /// Ties the contact to whoever else is known by these; whoever that is, the contact among them. `None`: those are too
    /// many to be one person.
    async fn learn(
        &mut self,
        handles: Vec<Handle>,
        by: Option<String>,
    ) -> Result<Option<Vec<Kin>>, StoreError> {
        let before = self.kin(None).await?;
        let tie = Tie::Known(handles.clone());
        let after = self.kin(Some(&tie)).await?;
        let kinds: BTreeSet<&str> = handles.iter().map(|one| one.kind(self.locale())).collect();
        let kinds = kinds.into_iter().collect::<Vec<_>>().join("、");
        if after.len() > MOST {
            tracing::warn!(trace = self.trace.0, %kinds, "too many contacts share it: not merged");
            let most = MOST.to_string();
            let words = self.words(Text::MergedTooMany, &[("most", &most)]);
            self.record(EntryAuthor::Note, Content::text(words));
            self.notice_agent(Text::MergedTooMany, &[("most", &most)]);
            return Ok(None);
        }
        let known = &mut self.contact.profile.handles;
        known.extend(
            handles
                .into_iter()
                .filter(|one| !known.contains(one))
                .collect::<Vec<_>>(),
        );
        self.contact_changed = true;
        let told = (after.len() > before.len()).then(|| {
            let by = by.map_or_else(|| kinds.clone(), |by| format!("{kinds}，{by}"));
            let threads = self.threads(after.iter());
            self.words(Text::NoteMerged, &[("by", &by), ("threads", &threads)])
        });
        if let (Some(words), Author::Contact) = (&told, &self.arrival.author) {
            self.tell_agent(Content::text(
                self.words(Text::DeskFact, &[("fact", words)]),
            ));
        }
        self.tie(tie, &after, told);
        Ok(Some(after))
    }

    /// Those that the contact is not known by yet.
    fn fresh(&self, handles: &[Handle]) -> Vec<Handle> {
        let known = &self.contact.profile.handles;
        let fresh: BTreeSet<&Handle> = handles.iter().filter(|one| !known.contains(one)).collect();
        let room = HANDLES.saturating_sub(known.len());
        fresh.into_iter().take(room).cloned().collect()
    }

    /// An agent says that the contact is the same person as the one who is meant.
    pub(super) async fn merge(&mut self, who: Option<&str>) -> Result<(), StoreError> {
        let before = self.kin(None).await?;
        let Some(who) = who else {
            self.show_kin(&before);
            return Ok(());
        };
        let mut meant = self.meant(who).await?;
        let ours = numbers(&before);
        // A number that this contact has, too, means the other who has it.
        if meant.iter().any(|(other, _)| !ours.contains(&other.id)) {
            meant.retain(|(other, _)| !ours.contains(&other.id));
        }
        let Some((first, _)) = meant.first() else {
            self.notice_agent(Text::ContactUnknown, &[("who", who)]);
            return Ok(());
        };
        let with = first.id;
        let theirs = numbers(&self.engine.parts.store.kin(with, None).await?);
        if !numbers(&meant).is_subset(&theirs) {
            let values = [("who", who), ("threads", &self.threads(meant.iter()))];
            self.notice_agent(Text::ContactsSeveral, &values);
            return Ok(());
        }
        if ours.contains(&with) {
            let threads = self.threads(before.iter());
            self.notice_agent(Text::MergedAlready, &[("threads", &threads)]);
            return Ok(());
        }
        let tie = Tie::Join(with);
        let after = self.kin(Some(&tie)).await?;
        if after.len() > MOST {
            self.notice_agent(Text::MergedTooMany, &[("most", &MOST.to_string())]);
            return Ok(());
        }
        let threads = self.threads(after.iter());
        let by = self.speaker().unwrap_or_default();
        let words = self.words(Text::NoteMerged, &[("by", &by), ("threads", &threads)]);
        self.tie(tie, &after, Some(words));
        self.show_merged(Text::Merged, &after).await;
        Ok(())
    }

    /// An agent says that one of the threads is somebody else's.
    pub(super) async fn split(&mut self, who: Option<&str>) -> Result<(), StoreError> {
        let before = self.kin(None).await?;
        if before.len() < 2 {
            self.show_kin(&before);
            return Ok(());
        }
        let gone = match who {
            None => Some(self.changes.conversation.id),
            Some(who) => {
                let meant = numbers(&self.meant(who).await?);
                let ours = numbers(&before);
                meant.into_iter().find(|id| ours.contains(id))
            }
        };
        let Some(gone) = gone else {
            self.notice_agent(Text::SplitStranger, &[("who", who.unwrap_or_default())]);
            return Ok(());
        };
        let (one, rest): (Vec<&Kin>, Vec<&Kin>) =
            before.iter().partition(|(other, _)| other.id == gone);
        let (thread, threads) = (
            self.threads(one.into_iter()),
            self.threads(rest.into_iter()),
        );
        let by = self.speaker().unwrap_or_default();
        let values = [
            ("by", by.as_str()),
            ("thread", &thread),
            ("threads", &threads),
        ];
        let words = self.words(Text::NoteSplit, &values);
        self.tie(Tie::Part(gone), &before, Some(words));
        self.notice_agent(Text::SplitDone, &values[1..]);
        Ok(())
    }

    /// Puts a tie in the books, and its note in every transcript it concerns. A later word in one claim counts.
    fn tie(&mut self, tie: Tie, concerned: &[Kin], note: Option<String>) {
        let own = self.changes.conversation.id;
        let mut notes = Vec::new();
        if let Some(words) = note {
            let entry = NewEntry {
                trace: self.trace,
                author: EntryAuthor::Note,
                content: Content::text(words.clone()),
                at: self.now,
            };
            let others = concerned.iter().filter(|(other, _)| other.id != own);
            notes = others
                .map(|(other, _)| Noted {
                    conversation: other.id,
                    episode: other.episode,
                    entry: entry.clone(),
                })
                .collect();
            self.record(EntryAuthor::Note, Content::text(words));
        }
        self.changes.tie = Some(Tied {
            tie,
            seen: concerned.iter().map(|(other, _)| other.id).collect(),
            notes,
        });
    }

    /// Whom an agent means: a number, a phone number, a unionid, or an account on one of the platforms.
    async fn meant(&self, who: &str) -> Result<Vec<Kin>, StoreError> {
        let who = who.trim().trim_start_matches(['#', '＃']).trim();
        let store = &self.engine.parts.store;
        let mut found: BTreeSet<ConversationId> = BTreeSet::new();
        if let (Ok(number), true) = (who.parse(), who.len() <= 10) {
            found.insert(ConversationId(number));
        }
        for handle in [Handle::phone(who), Handle::union_id(who)]
            .into_iter()
            .flatten()
        {
            found.extend(store.known_as(&handle).await?);
        }
        for inbox in self.engine.parts.channels.keys() {
            let thread = ThreadKey {
                inbox: inbox.clone(),
                peer: who.into(),
            };
            found.extend(store.find(&thread).await?);
        }
        let mut kin = Vec::new();
        for id in found.into_iter().take(MOST) {
            kin.extend(store.conversation(id).await?);
        }
        Ok(kin)
    }
}
