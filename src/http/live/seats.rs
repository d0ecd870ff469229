//! How many sockets there are: of an inbox, of a visitor, from a place. A seat is free again when it is dropped.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use bridge_core::message::{InboxName, ThreadKey};
use parking_lot::Mutex;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Row {
    /// All of an inbox.
    Inbox(InboxName),
    /// Those from one place.
    Place(InboxName, String),
    /// One visitor's.
    Visitor(ThreadKey),
}

/// All rows.
#[derive(Default)]
pub(super) struct Seats(Mutex<HashMap<Row, usize>>);

/// One socket's seat in a row.
pub(super) struct Seat {
    seats: Arc<Seats>,
    row: Row,
}

impl Seats {
    /// A seat in a row that has so many; `None`: it is full.
    pub(super) fn take(self: &Arc<Self>, row: Row, most: usize) -> Option<Seat> {
        let mut rows = self.0.lock();
        match rows.entry(row.clone()) {
            Entry::Occupied(taken) if *taken.get() >= most => return None,
            Entry::Occupied(mut taken) => *taken.get_mut() += 1,
            Entry::Vacant(free) => drop(free.insert(1)),
        }
        drop(rows);
        Some(Seat {
            seats: self.clone(),
            row,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut taken) = self.seats.0.lock().entry(self.row.clone()) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_row_takes_nobody_and_an_empty_one_is_forgotten() {
        let seats = Arc::new(Seats::default());
        let row = |name: &str| Row::Inbox(InboxName::new(name));
        let (first, second) = (seats.take(row("a"), 2), seats.take(row("a"), 2));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(row("a"), 2).is_none());
        assert!(seats.take(row("b"), 2).is_some(), "another row");
        drop(first);
        assert!(seats.take(row("a"), 2).is_some());
        drop(second);
        assert!(seats.0.lock().is_empty());
    }
}
