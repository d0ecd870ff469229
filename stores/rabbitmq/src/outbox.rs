//! Notices on their way out, first in, first out: each once, however often it is published before it leaves, and never
//! more than a bound.

use std::collections::{HashSet, VecDeque};

use bridge_core::broker::Notice;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Notices that wait at most; beyond that they become one: look at everything.
const LIMIT: usize = 4096;
/// Notices that leave in one message.
const BATCH: usize = 256;

/// Notices that wait to be carried.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    bell: Notify,
    left: Notify,
}

#[derive(Default)]
struct Waiting {
    line: VecDeque<Notice>,
    known: HashSet<Notice>,
    /// What was taken last is on its way.
    on_its_way: bool,
}

impl Waiting {
    fn put(&mut self, notice: Notice) {
        // What tells to look at everything has told all that was before it.
        if notice == Notice::All {
            self.line.clear();
            self.known.clear();
        }
        if self.known.insert(notice) {
            self.line.push_back(notice);
        }
    }
}

impl Outbox {
    /// Puts a notice in; never waits.
    pub(crate) fn put(&self, notice: Notice) {
        let mut waiting = self.waiting.lock();
        if waiting.line.len() >= LIMIT {
            waiting.put(Notice::All);
        }
        waiting.put(notice);
        drop(waiting);
        self.bell.notify_one();
    }

    /// Takes the next out.
    pub(crate) fn take(&self) -> Vec<Notice> {
        let Waiting {
            line,
            known,
            on_its_way,
        } = &mut *self.waiting.lock();
        *on_its_way = true;
        let next = line.len().min(BATCH);
        let some: Vec<Notice> = line.drain(..next).collect();
        for notice in &some {
            known.remove(notice);
        }
        some
    }

    /// What was taken last has left, or is given up.
    pub(crate) fn left(&self) {
        self.waiting.lock().on_its_way = false;
        self.left.notify_waiters();
    }

    /// Returns once nothing waits and all has left.
    pub(crate) async fn emptied(&self) {
        loop {
            let left = self.left.notified();
            let is_empty = {
                let waiting = self.waiting.lock();
                waiting.line.is_empty() && !waiting.on_its_way
            };
            if is_empty {
                return;
            }
            left.await;
        }
    }

    /// Returns once something waits.
    pub(crate) async fn filled(&self) {
        loop {
            let rung = self.bell.notified();
            if !self.waiting.lock().line.is_empty() {
                return;
            }
            rung.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge_core::message::ConversationId;

    fn changed(number: usize) -> Notice {
        Notice::Changed(ConversationId(number as i64))
    }

    #[tokio::test]
    async fn equal_notices_leave_once() {
        let outbox = Outbox::default();
        for _ in 0..1000 {
            outbox.put(Notice::Arrivals);
            outbox.put(changed(1));
        }
        outbox.filled().await;
        assert_eq!(outbox.take(), [Notice::Arrivals, changed(1)]);
        assert!(outbox.take().is_empty());
        outbox.put(changed(1));
        assert_eq!(outbox.take(), [changed(1)], "what has left may come again");
    }

    #[test]
    fn more_than_fits_becomes_one() {
        let outbox = Outbox::default();
        (0..=LIMIT).for_each(|number| outbox.put(changed(number)));
        assert_eq!(outbox.take(), [Notice::All, changed(LIMIT)]);
    }

    #[test]
    fn messages_are_bounded_and_nothing_is_left_behind() {
        let outbox = Outbox::default();
        (0..BATCH * 2 + 1).for_each(|number| outbox.put(changed(number)));
        let sizes = [(); 4].map(|()| outbox.take().len());
        assert_eq!(sizes, [BATCH, BATCH, 1, 0]);
    }

    #[tokio::test]
    async fn it_is_empty_when_the_last_has_left() {
        let outbox = Outbox::default();
        outbox.emptied().await;
        outbox.put(Notice::Arrivals);
        outbox.take();
        let emptied = outbox.emptied();
        tokio::select! {
            biased;
            () = emptied => panic!("it is on its way"),
            () = std::future::ready(()) => {}
        }
        let emptied = async { tokio::join!(outbox.emptied(), async { outbox.left() }) };
        emptied.await;
    }
}
