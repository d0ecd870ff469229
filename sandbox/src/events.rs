//! The numbered stream of everything that happens, for the pages and for whoever waits.
//!
//! Numbers are given under one lock, so their order is the order of the ring and of the broadcast: a page that was cut off
//! asks for what came since number n and misses nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Notify, broadcast};

use crate::content::Message;
use crate::faults::FaultLine;
use crate::kf::KfCustomer;
use crate::tim::{Agent, Chat};
use crate::wechat::Customer;
use crate::wecom::MemberView;
use crate::wire::Line;

/// How many events are kept for catching up.
pub const EVENTS_KEPT: usize = 4096;

/// One thing that happened. The JSON form is described in `sandbox/API.md`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the fields are the words of sandbox/API.md, which explains each"
)]
#[non_exhaustive]
pub enum Happening {
    /// A customer was created or changed.
    Customer { customer: Customer },
    /// A customer of the KF account was created or changed.
    KfCustomer { customer: KfCustomer },
    /// A new bubble in a customer's chat.
    CustomerMessage { openid: String, message: Message },
    /// A customer's bubble got further.
    CustomerMessageChanged { openid: String, message: Message },
    /// The account shows 对方正在输入… or stops to.
    Typing { openid: String, typing: bool },
    /// An agent was created or changed.
    Agent { agent: Agent },
    /// A new bubble in an agent's chat.
    AgentMessage {
        user_id: String,
        peer: String,
        message: Message,
    },
    /// An agent's bubble was recalled, edited, read or got further.
    AgentMessageChanged {
        user_id: String,
        peer: String,
        message: Message,
    },
    /// An agent's chat changed.
    Chat { user_id: String, chat: Chat },
    /// A member of WeCom has more or fewer unread messages.
    Member { member: MemberView },
    /// A new bubble in a member's chat with an app.
    MemberMessage {
        user_id: String,
        agent_id: u64,
        message: Message,
    },
    /// A bubble of such a chat was recalled, changed or got further.
    MemberMessageChanged {
        user_id: String,
        agent_id: u64,
        message: Message,
    },
    /// A group's robot said something.
    GroupMessage { group: String, message: Message },
    /// An exchange on the wire ended.
    Wire { exchange: Line },
    /// The ordered faults changed.
    Faults { faults: Vec<FaultLine> },
}

/// A numbered [`Happening`].
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Grows by one.
    pub id: u64,
    /// Unix milliseconds.
    pub at: i64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// What came since a number, or that too much has been forgotten.
pub(crate) enum Since {
    Events(Vec<Arc<Event>>),
    Reset,
}

pub(crate) struct Hub {
    ring: Mutex<Ring>,
    live: broadcast::Sender<Arc<Event>>,
    changed: Notify,
    keep: bool,
}

struct Ring {
    last: u64,
    kept: VecDeque<Arc<Event>>,
}

impl Hub {
    /// `keep: false` numbers nothing and only wakes waiters: the cheap path of benchmarks.
    pub fn new(keep: bool) -> Self {
        let ring = Ring {
            last: 0,
            kept: VecDeque::new(),
        };
        Self {
            ring: Mutex::new(ring),
            live: broadcast::channel(EVENTS_KEPT).0,
            changed: Notify::new(),
            keep,
        }
    }

    /// Whether anybody can see an event: what costs to describe is not described otherwise.
    pub fn keeps(&self) -> bool {
        self.keep
    }

    /// Numbers, keeps and sends an event, then wakes whoever waits for a change.
    pub fn emit(&self, at: i64, what: Happening) {
        if self.keep {
            let mut ring = self.ring.lock();
            ring.last += 1;
            let id = ring.last;
            let event = Arc::new(Event { id, at, what });
            if ring.kept.len() == EVENTS_KEPT {
                ring.kept.pop_front();
            }
            ring.kept.push_back(event.clone());
            // Sent under the lock, so that the broadcast has the ring's order. Nobody listening is no error.
            let _ = self.live.send(event);
        }
        self.wake();
    }

    /// Wakes whoever waits, without an event.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// The next change after this call. Make the future first, then look, then await: nothing is missed.
    pub fn change(&self) -> tokio::sync::futures::Notified<'_> {
        self.changed.notified()
    }

    pub fn last(&self) -> u64 {
        self.ring.lock().last
    }

    /// A live receiver and what it would have missed since `after`.
    pub fn listen(&self, after: Option<u64>) -> (Since, broadcast::Receiver<Arc<Event>>) {
        let ring = self.ring.lock();
        let live = self.live.subscribe();
        let Some(after) = after else {
            return (Since::Events(Vec::new()), live);
        };
        let oldest = ring.kept.front().map_or(ring.last + 1, |event| event.id);
        if after > ring.last || after + 1 < oldest {
            return (Since::Reset, live);
        }
        let missed = ring.kept.iter().filter(|event| event.id > after);
        (Since::Events(missed.cloned().collect()), live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(hub: &Hub) {
        let openid = "o1".to_owned();
        hub.emit(
            1,
            Happening::Typing {
                openid,
                typing: true,
            },
        );
    }

    fn ids(since: Since) -> Option<Vec<u64>> {
        match since {
            Since::Events(events) => Some(events.iter().map(|event| event.id).collect()),
            Since::Reset => None,
        }
    }

    #[test]
    fn catching_up_gives_what_came_since() {
        let hub = Hub::new(true);
        (0..5).for_each(|_| typing(&hub));
        assert_eq!(ids(hub.listen(Some(3)).0), Some(vec![4, 5]));
        assert_eq!(ids(hub.listen(Some(5)).0), Some(vec![]));
        assert_eq!(ids(hub.listen(None).0), Some(vec![]));
    }

    #[test]
    fn a_number_from_another_run_or_long_ago_means_start_over() {
        let hub = Hub::new(true);
        assert_eq!(ids(hub.listen(Some(9)).0), None);
        (0..EVENTS_KEPT + 10).for_each(|_| typing(&hub));
        assert_eq!(ids(hub.listen(Some(3)).0), None);
        assert_eq!(
            ids(hub.listen(Some(10)).0).map(|ids| ids.len()),
            Some(EVENTS_KEPT)
        );
    }

    #[tokio::test]
    async fn the_live_stream_goes_on_where_the_ring_ends() {
        let hub = Hub::new(true);
        typing(&hub);
        let (since, mut live) = hub.listen(Some(0));
        typing(&hub);
        assert_eq!(ids(since), Some(vec![1]));
        assert_eq!(live.recv().await.map(|event| event.id).ok(), Some(2));
    }
}
