//! The embedded store: SQLite with one writer thread and group commit. Whatever has queued goes into one transaction at
//! full fsync; replies leave after the commit. The process owns the file, so what is waiting, due, claimed and seated
//! lives in memory as an index ([`index`]) that is rebuilt at start from small hot tables; history is only appended.

mod confirm;
mod due;
mod home;
mod index;
mod keeper;
mod kin;
mod memo;
mod open;
mod people;
mod private;
mod quiet;
mod read;
mod restore;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bridge_core::{
    clock::{Clock, Timestamp},
    conversation::{Contact, Conversation},
    message::{ArrivalId, DispatchId, WorkerId},
    store::{
        Accepted, Changes, Claim, Committed, Due, DueId, DueKind, Intake, Settlement, Store,
        StoreError,
    },
};
use parking_lot::Mutex;
use rusqlite::Connection;

use index::{Index, Taken, Waiting};
pub use open::Options;
pub use quiet::Quiet;
use read::Readers;
pub use restore::restore;
use writer::Writer;

/// The embedded store: one file, one writer, an index in memory.
pub struct Sqlite {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    index: Arc<Mutex<Index>>,
    writer: Writer,
    readers: Readers,
    /// Held as long as the file is ours.
    _lock: Option<std::fs::File>,
}

/// An SQLite or disk failure: nothing was written as far as is known.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// What is stored cannot be read.
pub(crate) fn damaged(error: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged(error.to_string())
}

impl Sqlite {
    /// Where the database lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Sqlite {
    /// What a claim carries and the index has not at hand.
    async fn fill(
        &self,
        taken: Taken,
    ) -> Result<((Conversation, Contact), Vec<Accepted>), StoreError> {
        let id = taken.conversation;
        let known = self.index.lock().cached(id);
        let whole = taken.arrivals.iter().all(|one| one.arrival.is_some());
        let accepted = |one: Waiting, arrival| Accepted {
            id: one.id,
            failures: one.failures,
            arrival,
        };
        if let (Some(known), true) = (&known, whole) {
            let waiting = taken.arrivals.into_iter();
            let arrivals = waiting
                .filter_map(|mut one| one.arrival.take().map(|arrival| accepted(one, *arrival)));
            return Ok((known.clone(), arrivals.collect()));
        }
        let read = move |db: &Connection| {
            let known = match known {
                Some(known) => known,
                None => read::conversation(db, id)?
                    .ok_or_else(|| damaged(format!("conversation {id} is gone")))?,
            };
            let mut arrivals = Vec::with_capacity(taken.arrivals.len());
            for mut one in taken.arrivals {
                let arrival = match one.arrival.take() {
                    Some(arrival) => *arrival,
                    None => read::arrival(db, one.id)?,
                };
                arrivals.push(accepted(one, arrival));
            }
            Ok((known, arrivals))
        };
        self.readers.run(read).await
    }
}

impl Drop for Sqlite {
    /// The file is ours until the writer has ended.
    fn drop(&mut self) {
        self.writer.close();
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn accept(&self, intake: Intake) -> Result<Vec<Option<ArrivalId>>, StoreError> {
        let request = write::Accept::new(intake, self.clock.now())?;
        self.writer.run(request).await
    }

    async fn claim(&self, _: &WorkerId, lease: Duration) -> Result<Option<Claim>, StoreError> {
        loop {
            let now = self.clock.now();
            let Some(taken) = self.index.lock().claim(now, now + lease) else {
                return Ok(None);
            };
            if taken.arrivals.is_empty() {
                self.index.lock().release(taken.conversation, taken.fence);
                continue;
            }
            let (id, fence) = (taken.conversation, taken.fence);
            let ((conversation, contact), arrivals) = match self.fill(taken).await {
                Ok(filled) => filled,
                Err(error) => {
                    self.index.lock().release(id, fence);
                    return Err(error);
                }
            };
            let held = self.index.lock().held(&conversation.thread).len();
            let held = u32::try_from(held).unwrap_or(u32::MAX);
            return Ok(Some(Claim {
                fence,
                conversation,
                contact,
                arrivals,
                held,
                // A read away: whoever wants to know asks.
                alone: false,
            }));
        }
    }

    async fn commit(&self, claim: Claim, changes: Changes) -> Result<Committed, StoreError> {
        let request = write::Commit::new(claim, changes, self.clock.now())?;
        self.writer.run(request).await
    }

    async fn abandon(&self, claim: Claim) -> Result<(), StoreError> {
        let mut index = self.index.lock();
        if index.release(claim.conversation.id, claim.fence) {
            return Ok(());
        }
        index.acquit(&claim);
        Err(StoreError::Lost)
    }

    async fn due(
        &self,
        kind: DueKind,
        _: &WorkerId,
        limit: usize,
        lease: Duration,
        but: &[String],
    ) -> Result<Vec<Due>, StoreError> {
        let now = self.clock.now();
        let taken = self.index.lock().due(kind, now, limit, now + lease, but);
        let mut due = Vec::with_capacity(taken.len());
        for (id, found) in taken {
            due.push(Due {
                id,
                what: self.describe(found).await?,
            });
        }
        Ok(due)
    }

    async fn take(
        &self,
        dispatch: DispatchId,
        _: &WorkerId,
        lease: Duration,
    ) -> Result<Option<DueId>, StoreError> {
        let (id, now) = (dispatch.0, self.clock.now());
        let fence = self.index.lock().dispatches.take_one(id, now, now + lease);
        Ok(fence.map(|fence| DueId {
            kind: DueKind::Dispatch,
            id,
            deadline: None,
            fence,
        }))
    }

    /// In memory, like all that is taken: it ends with the process.
    async fn renew(&self, taken: &[DueId], lease: Duration) -> Result<Vec<DueId>, StoreError> {
        let (mut index, until) = (self.index.lock(), self.clock.now() + lease);
        let lost = taken.iter().filter(|due| !index.renew(due, until));
        Ok(lost.cloned().collect())
    }

    async fn settle(&self, due: &DueId, settlement: Settlement) -> Result<(), StoreError> {
        let request = write::Settle::new(due.clone(), settlement, self.clock.now())?;
        self.writer.run(request).await
    }

    /// In memory: a start that finds them on the disk recalls them again.
    async fn recall(&self, farther_than: Duration) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(self.index.lock().recall(now, now + farther_than))
    }

    async fn next_due(
        &self,
        kind: DueKind,
        but: &[String],
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.index.lock().next_due(kind, but))
    }
}
