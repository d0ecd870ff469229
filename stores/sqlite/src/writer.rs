//! The one writer: a thread that takes whatever has queued, writes it in one transaction, and answers after the commit.
//! A request that is refused writes nothing; a failure of the disk fails its whole group, and the index is rebuilt.

use std::{collections::HashMap, sync::Arc, thread};

use bridge_core::{
    clock::Clock,
    message::{AgentName, ConversationId},
    store::StoreError,
};
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::{index::Index, open, unavailable};

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
/// A request: writes, and says what comes after. `Err` means that the whole group must fail.
type Job = Box<dyn FnOnce(&mut Tx<'_>) -> Written + Send>;

enum Written {
    /// Written: what comes after the commit, and what if there is none.
    Yes(After, Failed),
    /// Refused, answered, nothing written.
    Refused,
    /// The disk failed.
    Broken(Failed, StoreError),
}

/// What requests of one group write with.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a Transaction<'a>,
    pub(crate) memo: &'a mut Memo,
    pub(crate) index: &'a Mutex<Index>,
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
    fn forget(&mut self) {
        // What a failed group reserved was rolled back with it.
        let ids = Ids {
            dispatch_reserved: 0,
            errand_reserved: 0,
            ..self.ids
        };
        *self = Self {
            ids,
            ..Self::default()
        };
    }

    fn trim(&mut self) {
        self.seated.clear();
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
        clock: Arc<dyn Clock>,
        ids: Ids,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let work = move || {
            Thread {
                db,
                index,
                clock,
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
            match write(tx) {
                Ok(after) => {
                    Written::Yes(Box::new(move |index| say(&answer, Ok(after(index)))), fail)
                }
                Err(error @ (StoreError::Lost | StoreError::SeatTaken(_))) => {
                    fail(error);
                    Written::Refused
                }
                Err(error) => Written::Broken(fail, error),
            }
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
    clock: Arc<dyn Clock>,
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
        let result = self.write_all(group, &mut done);
        match result {
            Ok(()) => {
                let mut index = self.index.lock();
                for (after, _) in done {
                    after(&mut index);
                }
                drop(index);
                self.memo.trim();
            }
            Err(error) => {
                tracing::error!(%error, requests = done.len(), "a group was not written");
                for (_, failed) in done {
                    failed(error.clone());
                }
                self.recover();
            }
        }
    }

    fn write_all(
        &mut self,
        group: &mut Vec<Job>,
        done: &mut Vec<(After, Failed)>,
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
        let mut broken = None;
        for job in group.drain(..) {
            if broken.is_some() {
                // Dropped: its channel closes, and the caller is told that the writer did not do it.
                continue;
            }
            match job(&mut Tx {
                db: &tx,
                memo: &mut self.memo,
                index: &self.index,
            }) {
                Written::Yes(after, failed) => done.push((after, failed)),
                Written::Refused => {}
                Written::Broken(failed, error) => {
                    failed(error.clone());
                    broken = Some(error);
                }
            }
        }
        match broken {
            Some(error) => Err(error),
            None => tx.commit().map_err(unavailable),
        }
    }

    /// After a failed group what is in memory may be ahead of what is stored: it is read again.
    fn recover(&mut self) {
        self.memo.forget();
        let mut fresh = Index::new(self.clock.now());
        match open::load(&self.db, &mut fresh) {
            Ok(_) => self.index.lock().adopt(fresh),
            Err(error) => tracing::error!(%error, "the index could not be rebuilt"),
        }
    }
}
