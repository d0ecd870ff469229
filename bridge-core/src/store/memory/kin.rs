//! Who is whom, in memory. A person is called by the smallest number of their conversations.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    message::{ConversationId, Handle},
    store::Tie,
};

/// Ties and handles.
#[derive(Default)]
pub(super) struct People {
    /// Whose contact is tied to others: the person.
    tied: BTreeMap<ConversationId, ConversationId>,
    /// Set apart. Whoever is apart is tied to nobody.
    apart: BTreeSet<ConversationId>,
    handles: BTreeSet<(Handle, ConversationId)>,
}

type Group = BTreeSet<ConversationId>;

impl People {
    /// Whoever is one person with this one, itself among them.
    fn members(&self, id: ConversationId) -> Group {
        let Some(person) = self.tied.get(&id) else {
            return Group::from([id]);
        };
        let same = self.tied.iter().filter(|(_, other)| *other == person);
        same.map(|(id, _)| *id).collect()
    }

    /// Whoever is known by a handle.
    pub(super) fn known_as(&self, handle: &Handle) -> Vec<ConversationId> {
        let same = self.handles.iter().filter(|(other, _)| other == handle);
        same.map(|(_, id)| *id).take(100).collect()
    }

    /// Whom a tie concerns.
    pub(super) fn concerned(&self, id: ConversationId, tie: Option<&Tie>) -> Group {
        let mut group = self.members(id);
        match tie {
            Some(Tie::Join(with)) => group.extend(self.members(*with)),
            Some(Tie::Known(handles)) if !self.apart.contains(&id) => {
                let same = handles.iter().flat_map(|handle| self.known_as(handle));
                for other in same.filter(|other| !self.apart.contains(other)) {
                    group.extend(self.members(other));
                }
            }
            Some(Tie::Known(_) | Tie::Part(_)) | None => {}
        }
        group
    }

    /// Writes a tie.
    pub(super) fn tie(&mut self, id: ConversationId, tie: &Tie) {
        let mut group = self.concerned(id, Some(tie));
        match tie {
            Tie::Known(handles) => {
                let ours = handles.iter().map(|handle| (handle.clone(), id));
                self.handles.extend(ours);
            }
            Tie::Join(_) => self.apart.retain(|other| !group.contains(other)),
            Tie::Part(who) => {
                group.remove(who);
                self.tied.remove(who);
                self.apart.insert(*who);
            }
        }
        for one in &group {
            self.tied.remove(one);
        }
        if let (Some(person), true) = (group.first(), group.len() > 1) {
            self.tied.extend(group.iter().map(|one| (*one, *person)));
        }
    }
}
