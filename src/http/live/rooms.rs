//! Who is to look when something happens to a conversation. A bell says only that there is something; what there is,
//! everybody reads for themselves.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bridge_core::message::{ConversationId, ThreadKey};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// One socket's bell.
#[derive(Default)]
pub(super) struct Bell {
    rung: Notify,
    changed: AtomicBool,
    typing: AtomicBool,
}

/// What a bell was rung for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rung {
    /// There may be new lines.
    pub(super) changed: bool,
    /// Somebody is at an answer.
    pub(super) typing: bool,
}

impl Bell {
    fn ring(&self, flag: &AtomicBool) {
        flag.store(true, Relaxed);
        self.rung.notify_one();
    }

    /// Waits until it is rung.
    pub(super) async fn heard(&self) -> Rung {
        self.rung.notified().await;
        Rung {
            changed: self.changed.swap(false, Relaxed),
            typing: self.typing.swap(false, Relaxed),
        }
    }
}

/// Where sockets wait.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Room {
    /// For the visitor's conversation to begin.
    Visitor(ThreadKey),
    /// For lines.
    Conversation(ConversationId),
}

/// All rooms of this node.
#[derive(Default)]
pub(super) struct Rooms(Mutex<HashMap<Room, Vec<Arc<Bell>>>>);

/// A socket's place in the rooms it has entered; it leaves them when it is dropped.
pub(super) struct Place {
    rooms: Arc<Rooms>,
    bell: Arc<Bell>,
    entered: Vec<Room>,
}

impl Rooms {
    /// Somebody comes.
    pub(super) fn enter(self: &Arc<Self>, thread: ThreadKey) -> Place {
        let mut place = Place {
            rooms: self.clone(),
            bell: Arc::default(),
            entered: Vec::new(),
        };
        place.enter(Room::Visitor(thread));
        place
    }

    /// A visitor's conversation may have begun.
    pub(super) fn begun(&self, thread: &ThreadKey) {
        self.ring(&Room::Visitor(thread.clone()), |bell| &bell.changed);
    }

    /// A conversation may have new lines.
    pub(super) fn changed(&self, id: ConversationId) {
        self.ring(&Room::Conversation(id), |bell| &bell.changed);
    }

    /// Somebody is at an answer.
    pub(super) fn typing(&self, id: ConversationId) {
        self.ring(&Room::Conversation(id), |bell| &bell.typing);
    }

    /// Anything may have happened.
    pub(super) fn all(&self) {
        for bell in self.0.lock().values().flatten() {
            bell.ring(&bell.changed);
        }
    }

    fn ring(&self, room: &Room, flag: impl Fn(&Bell) -> &AtomicBool) {
        for bell in self.0.lock().get(room).into_iter().flatten() {
            bell.ring(flag(bell));
        }
    }
}

impl Place {
    /// Waits for lines of this conversation too.
    pub(super) fn follow(&mut self, id: ConversationId) {
        self.enter(Room::Conversation(id));
    }

    /// The bell that rings for all its rooms.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    fn enter(&mut self, room: Room) {
        if !self.entered.contains(&room) {
            let mut rooms = self.rooms.0.lock();
            rooms
                .entry(room.clone())
                .or_default()
                .push(self.bell.clone());
            self.entered.push(room);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut rooms = self.rooms.0.lock();
        for room in &self.entered {
            if let Some(bells) = rooms.get_mut(room) {
                bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
                if bells.is_empty() {
                    rooms.remove(room);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(peer: &str) -> ThreadKey {
        ThreadKey {
            inbox: "site".into(),
            peer: peer.into(),
        }
    }

    #[tokio::test]
    async fn a_bell_rings_for_its_own_rooms_and_says_what_for() {
        let rooms = Arc::new(Rooms::default());
        let (mut one, other) = (rooms.enter(thread("a")), rooms.enter(thread("b")));
        one.follow(ConversationId(1));
        rooms.typing(ConversationId(1));
        rooms.changed(ConversationId(2));
        let heard = one.bell().heard().await;
        assert_eq!(
            heard,
            Rung {
                changed: false,
                typing: true
            }
        );
        rooms.begun(&thread("b"));
        let heard = other.bell().heard().await;
        assert_eq!(
            heard,
            Rung {
                changed: true,
                typing: false
            }
        );
        drop((one, other));
        assert!(rooms.0.lock().is_empty());
    }
}
