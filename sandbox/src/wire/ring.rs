//! The ring that keeps the latest exchanges.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::{Exchange, PeerName};

pub(crate) struct Log {
    enabled: AtomicBool,
    capacity: usize,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    last: u64,
    kept: VecDeque<Arc<Exchange>>,
}

/// Which page of the log.
#[derive(Default)]
pub(crate) struct Page {
    pub after: Option<u64>,
    pub before: Option<u64>,
    pub peer: Option<PeerName>,
    pub limit: usize,
}

impl Log {
    /// A log of `capacity` exchanges; 0 keeps none and is off from the start.
    pub fn new(capacity: usize) -> Self {
        Self {
            enabled: AtomicBool::new(capacity > 0),
            capacity,
            ring: Mutex::default(),
        }
    }

    pub fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Switches recording; a log without room stays off. Returns what is now so.
    pub fn enable(&self, on: bool) -> bool {
        self.enabled
            .store(on && self.capacity > 0, Ordering::Relaxed);
        self.enabled()
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    pub fn last(&self) -> u64 {
        self.ring.lock().last
    }

    /// Numbers and keeps an exchange.
    pub fn add(&self, mut exchange: Exchange) -> Arc<Exchange> {
        let mut ring = self.ring.lock();
        ring.last += 1;
        exchange.line.id = ring.last;
        let exchange = Arc::new(exchange);
        if ring.kept.len() >= self.capacity {
            ring.kept.pop_front();
        }
        ring.kept.push_back(exchange.clone());
        exchange
    }

    pub fn get(&self, id: u64) -> Option<Arc<Exchange>> {
        let ring = self.ring.lock();
        ring.kept.iter().find(|e| e.line.id == id).cloned()
    }

    pub fn clear(&self) {
        self.ring.lock().kept.clear();
    }

    /// A page, oldest first, and whether there is more beyond it (later with `after`, earlier without).
    pub fn page(&self, page: &Page) -> (Vec<Arc<Exchange>>, bool) {
        let ring = self.ring.lock();
        let wanted = ring.kept.iter().filter(|e| {
            page.peer.is_none_or(|peer| e.line.peer == peer)
                && page.after.is_none_or(|after| e.line.id > after)
                && page.before.is_none_or(|before| e.line.id < before)
        });
        let mut found: Vec<_> = match page.after {
            Some(_) => wanted.take(page.limit + 1).cloned().collect(),
            None => wanted.rev().take(page.limit + 1).cloned().collect(),
        };
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        if page.after.is_none() {
            found.reverse();
        }
        (found, more)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, Line, Side};
    use super::*;

    fn exchange(peer: PeerName) -> Exchange {
        Exchange {
            line: Line {
                id: 0,
                at: 0,
                peer,
                direction: Direction::In,
                operation: "tim.send".into(),
                method: "POST".into(),
                url: "/".into(),
                status: Some(200),
                ms: 1.0,
                code: None,
                fault: None,
            },
            request: Side::default(),
            answer: Side::default(),
            attempt: None,
            error: None,
        }
    }

    fn ids(log: &Log, page: Page) -> (Vec<u64>, bool) {
        let (found, more) = log.page(&page);
        (found.iter().map(|e| e.line.id).collect(), more)
    }

    #[test]
    fn the_oldest_goes_when_it_is_full() {
        let log = Log::new(3);
        (0..5).for_each(|_| drop(log.add(exchange(PeerName::Tim))));
        let all = Page {
            limit: 10,
            ..Page::default()
        };
        assert_eq!(ids(&log, all), (vec![3, 4, 5], false));
        assert!(log.get(2).is_none() && log.get(3).is_some());
    }

    #[test]
    fn pages_go_both_ways_and_by_peer() {
        let log = Log::new(10);
        for n in 0..6 {
            let peer = [PeerName::Tim, PeerName::Wechat][n % 2];
            log.add(exchange(peer));
        }
        let page = |after, before, peer| Page {
            after,
            before,
            peer,
            limit: 2,
        };
        assert_eq!(ids(&log, page(None, None, None)), (vec![5, 6], true));
        assert_eq!(ids(&log, page(None, Some(3), None)), (vec![1, 2], false));
        assert_eq!(ids(&log, page(Some(1), None, None)), (vec![2, 3], true));
        let tim = Some(PeerName::Tim);
        assert_eq!(ids(&log, page(Some(1), None, tim)), (vec![3, 5], false));
    }

    #[test]
    fn a_log_without_room_cannot_be_switched_on() {
        assert!(!Log::new(0).enable(true));
        let log = Log::new(1);
        assert!(log.enabled() && !log.enable(false) && !log.enabled());
    }
}
