//! The one writer: a thread that takes whatever has queued, writes it in one transaction, and answers after the commit.
//! Each request is a savepoint: one that is refused or fails writes nothing and harms no other. Only a commit that fails
//! fails its whole group. The index changes after the commit; what it notes before ([`Undo`]) is taken back.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
};

use bridge_core::{
    message::{AgentName, ConversationId, DeadlineKind},
    store::StoreError,
};
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::{index::Index, unavailable};

/// Requests that may wait; more are refused at once, so that a slow disk is answered with 503 and not with memory.
const QUEUE: usize = 8192;
/// The most requests of one transaction.
const GROUP: usize = 1024;
/// Entries of the small caches below; they are emptied when full.
const CACHED: usize = 50_000;

/// The handle of the writer thread.
pub(crate) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

/// Applied to the index after the commit, and answers.
type After = Box<dyn FnOnce(&mut Index) + Send>;
/// Answers a request whose group failed.
type Failed = Box<dyn FnOnce(StoreError) + Send>;
/// A request: writes, and says what comes after the commit, and what if there is none.
type Job = Box<dyn FnOnce(&mut Tx<'_>) -> (Result<After, StoreError>, Failed) + Send>;

/// A note in the index that a request makes before the commit, and that is taken back where it is not written.
pub(crate) enum Undo {
    /// A commit of this claim is being written.
    Claim(ConversationId),
    /// A settlement is being written.
    Dispatch(i64),
    /// A settlement is being written.
    Errand(i64),
    /// A settlement is being written.
    Deadline(i64),
    /// An errand is kept from being taken while it is changed.
    Kept(i64),
}

impl Undo {
    fn take_back(self, index: &mut Index) {
        match self {
            Self::Claim(id) => index.unpin(id),
            Self::Dispatch(id) => index.dispatches.unpin(id),
            Self::Errand(id) => index.errands.unpin(id),
            Self::Deadline(id) => index.deadlines.unpin(id),
            Self::Kept(id) => index.errands.change(id, |item| item.held = false),
        }
    }
}

/// What requests of one group write with.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a Transaction<'a>,
    pub(crate) memo: &'a mut Memo,
    pub(crate) index: &'a Mutex<Index>,
    pub(crate) undo: &'a mut Vec<Undo>,
}

/// What the writer remembers between groups, so that it need not ask the database; empty after a failed group.
#[derive(Default)]
pub(crate) struct Memo {
    pub(crate) ids: Ids,
    pub(crate) inboxes: HashMap<String, i64>,
    pub(crate) threads: HashMap<(i64, String), ConversationId>,
    pub(crate) tails: HashMap<ConversationId, i64>,
    /// Who has which conversation by requests of this very group.
    pub(crate) seated: HashMap<ConversationId, Option<AgentName>>,
    /// Deadlines set or unset by requests of this very group: who settles one of these has lost it.
    pub(crate) moved: HashSet<(ConversationId, DeadlineKind)>,
}

/// The last numbers given out.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ids {
    pub(crate) arrival: i64,
    pub(crate) conversation: i64,
    pub(crate) contact: i64,
    pub(crate) dispatch: i64,
    pub(crate) errand: i64,
    pub(crate) entry: i64,
    /// Numbers up to here are spoken for in the database: a number that was ever given out is never given again.
    pub(crate) dispatch_reserved: i64,
    pub(crate) errand_reserved: i64,
}

impl Memo {
    /// What was remembered of the database may have been rolled back. Numbers are not given again; what was reserved of
    /// them is reserved anew. What the group has seated and moved so far stays: at worst a seat counts that is free.
    fn forget(&mut self) {
        self.ids.dispatch_reserved = 0;
        self.ids.errand_reserved = 0;
        self.inboxes.clear();
        self.threads.clear();
        self.tails.clear();
    }

    fn trim(&mut self) {
        self.seated.clear();
        self.moved.clear();
        if self.threads.len() > CACHED {
            self.threads.clear();
        }
        if self.tails.len() > CACHED {
            self.tails.clear();
        }
    }
}

impl Writer {
    pub(crate) fn start(
        db: Connection,
        index: Arc<Mutex<Index>>,
        ids: Ids,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let work = move || {
            Thread {
                db,
                index,
                memo: Memo {
                    ids,
                    ..Memo::default()
                },
            }
            .run(queue)
        };
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(work)
            .map_err(unavailable)?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs one request in the next group; answers once it is durable.
    pub(crate) async fn run<T, A>(
        &self,
        write: impl FnOnce(&mut Tx<'_>) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        A: FnOnce(&mut Index) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T, StoreError>>();
        let job: Job = Box::new(move |tx| {
            let answer = Arc::new(Mutex::new(Some(answer)));
            let failed = answer.clone();
            let say = |cell: &Mutex<Option<oneshot::Sender<_>>>, result| {
                if let Some(answer) = cell.lock().take() {
                    // Whoever asked may have gone; what was written stays.
                    let _ = answer.send(result);
                }
            };
            let fail: Failed = Box::new(move |error| say(&failed, Err(error)));
            let written = write(tx)
                .map(|after| -> After { Box::new(move |index| say(&answer, Ok(after(index)))) });
            (written, fail)
        });
        let jobs = self
            .jobs
            .lock()
            .clone()
            .ok_or_else(|| unavailable("it is closed"))?;
        jobs.try_send(job)
            .map_err(|_| unavailable("too much is waiting to be written"))?;
        answered
            .await
            .map_err(|_| unavailable("the writer has stopped"))?
    }

    /// A writer that refuses everything.
    pub(crate) fn closed() -> Self {
        Self {
            jobs: Mutex::new(None),
            thread: Mutex::new(None),
        }
    }

    /// Writes what is queued and ends the thread.
    pub(crate) fn close(&self) {
        self.jobs.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread has been logged by it; there is nothing to add.
            let _ = thread.join();
        }
    }
}

struct Thread {
    db: Connection,
    index: Arc<Mutex<Index>>,
    memo: Memo,
}

impl Thread {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.blocking_recv_many(&mut group, GROUP) > 0 {
            self.write(&mut group);
        }
    }

    fn write(&mut self, group: &mut Vec<Job>) {
        let mut done: Vec<(After, Failed)> = Vec::with_capacity(group.len());
        let mut undo = Vec::new();
        let result = self.write_all(group, &mut done, &mut undo);
        let mut index = self.index.lock();
        match result {
            Ok(()) => done.into_iter().for_each(|(after, _)| after(&mut index)),
            Err(error) => {
                tracing::error!(%error, requests = done.len(), "a group was not written");
                let backwards = undo.into_iter().rev();
                backwards.for_each(|undo: Undo| undo.take_back(&mut index));
                done.into_iter()
                    .for_each(|(_, failed)| failed(error.clone()));
                self.memo.forget();
            }
        }
        drop(index);
        self.memo.trim();
    }

    /// Writes a group. `undo` holds what the written requests noted in the index.
    fn write_all(
        &mut self,
        group: &mut Vec<Job>,
        done: &mut Vec<(After, Failed)>,
        undo: &mut Vec<Undo>,
    ) -> Result<(), StoreError> {
        let begun = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(unavailable);
        let tx = match begun {
            Ok(tx) => tx,
            Err(error) => {
                // Dropping the jobs answers them: their channels close.
                group.clear();
                return Err(error);
            }
        };
        for job in group.drain(..) {
            let before = undo.len();
            say(&tx, "SAVEPOINT request")?;
            let (written, failed) = job(&mut Tx {
                db: &tx,
                memo: &mut self.memo,
                index: &self.index,
                undo,
            });
            match written {
                Ok(after) => done.push((after, failed)),
                Err(error) => {
                    say(&tx, "ROLLBACK TO request")?;
                    self.memo.forget();
                    let mut index = self.index.lock();
                    let backwards = undo.drain(before..).rev();
                    backwards.for_each(|undo| undo.take_back(&mut index));
                    drop(index);
                    failed(error);
                }
            }
            say(&tx, "RELEASE request")?;
        }
        tx.commit().map_err(unavailable)
    }
}

fn say(db: &Connection, sql: &str) -> Result<(), StoreError> {
    db.prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(unavailable)
}
