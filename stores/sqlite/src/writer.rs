//! The one writer: a thread that writes whatever asks for it into one transaction while the disk is kept busy by the group
//! before, then commits. Answers leave when the disk has the group ([`Keeper`]).
//!
//! A request that is refused before it wrote anything harms nobody. One that fails after takes its group back with it; the
//! others are written again, each in a savepoint of its own. (A savepoint for each from the start costs a tenth of all.)
//! Refusals leave with the group, too: who was refused for what another of it wrote shall see that when looking again.

use std::{cell::Cell, sync::Arc, thread, time::Duration};

use bridge_core::store::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{
    home::{Answers, Home},
    index::Index,
    keeper::{BROKEN, Disk, Keeper},
    memo::{Ids, Memo, Undo},
    unavailable,
};

/// Requests that may wait; more are refused at once, so that a slow disk is answered with 503 and not with memory.
const QUEUE: usize = 8192;
/// The most requests of one transaction.
const GROUP: usize = 1024;
/// How often it looks for requests while the disk is busy: some times while a group is kept, even by a quick disk.
const LOOK: Duration = Duration::from_micros(150);

/// Something to be written.
pub(crate) trait Request: Send + 'static {
    /// What whoever asks is told.
    type Answer: Send + 'static;

    /// Writes it. It is called again where what it wrote had to be rolled back for another's sake.
    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;

    /// Tells the index, when the disk has it.
    fn apply(self, index: &mut Index) -> Self::Answer;
}

/// What a request writes with.
pub(crate) struct Tx<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) memo: &'a mut Memo,
    pub(crate) index: &'a Mutex<Index>,
    pub(crate) undo: &'a mut Vec<Undo>,
    /// Whether the request has changed anything in the database.
    pub(crate) wrote: Cell<bool>,
}

/// A request and whoever waits for its answer.
pub(crate) trait Job: Send {
    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Tells the index; what tells whoever asked goes to `answers`.
    fn done(self: Box<Self>, index: &mut Index, answers: &mut Answers);
    fn failed(self: Box<Self>, error: StoreError, answers: &mut Answers);
}

struct Asked<R: Request> {
    request: R,
    answer: oneshot::Sender<Result<R::Answer, StoreError>>,
    home: Option<Home>,
}

// Whoever asked may have gone; what was written stays.
impl<R: Request> Job for Asked<R> {
    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.request.write(tx)
    }

    fn done(self: Box<Self>, index: &mut Index, answers: &mut Answers) {
        let (sender, answer) = (self.answer, self.request.apply(index));
        let tell = move || drop(sender.send(Ok(answer)));
        answers.add(self.home, Box::new(tell));
    }

    fn failed(self: Box<Self>, error: StoreError, answers: &mut Answers) {
        let sender = self.answer;
        let tell = move || drop(sender.send(Err(error)));
        answers.add(self.home, Box::new(tell));
    }
}

/// A request that is only statements.
struct Statements<W, T>(W, Option<T>);

impl<T, W> Request for Statements<W, T>
where
    T: Send + 'static,
    W: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
{
    type Answer = Option<T>;

    fn write(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.1 = Some((self.0)(tx)?);
        Ok(())
    }

    fn apply(self, _: &mut Index) -> Option<T> {
        self.1
    }
}

/// The handle of the writer thread.
pub(crate) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl Writer {
    /// `db` commits without waiting for the disk; `disk` is its write-ahead log.
    pub(crate) fn start(
        db: Connection,
        disk: impl Disk,
        index: Arc<Mutex<Index>>,
        ids: Ids,
    ) -> Result<Self, StoreError> {
        let (asks, queue) = mpsc::channel(QUEUE);
        let keeper = Keeper::start(disk, index.clone())?;
        let thread = Thread {
            keeper,
            db,
            index,
            memo: Memo::new(ids),
        };
        let thread = thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || thread.run(queue))
            .map_err(unavailable)?;
        Ok(Self {
            queue: Mutex::new(Some(asks)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs one request in the next group; answers once it is durable.
    pub(crate) async fn run<R: Request>(&self, request: R) -> Result<R::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        let queue = self
            .queue
            .lock()
            .clone()
            .ok_or_else(|| unavailable("it is closed"))?;
        queue
            .try_send(Box::new(Asked {
                request,
                answer,
                home: Home::here(),
            }))
            .map_err(|_| unavailable("too much is waiting to be written"))?;
        drop(queue);
        answered
            .await
            .map_err(|_| unavailable("the writer has stopped"))?
    }

    /// The same for a few statements.
    pub(crate) async fn statements<T: Send + 'static>(
        &self,
        write: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = self.run(Statements(write, None)).await?;
        answer.ok_or_else(|| unavailable("it was not written"))
    }

    /// A writer that refuses everything.
    pub(crate) fn closed() -> Self {
        Self {
            queue: Mutex::new(None),
            thread: Mutex::new(None),
        }
    }

    /// Writes what is queued and ends the thread.
    pub(crate) fn close(&self) {
        self.queue.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            // A panic of the thread has been logged by it; there is nothing to add.
            let _ = thread.join();
        }
    }
}

struct Thread {
    /// Dropped first: everything is kept before the database is closed.
    keeper: Keeper,
    db: Connection,
    index: Arc<Mutex<Index>>,
    memo: Memo,
}

/// What is written in one transaction.
#[derive(Default)]
pub(crate) struct Group {
    begun: bool,
    /// Each request has a savepoint: one of them is known to fail.
    careful: bool,
    written: Vec<Box<dyn Job>>,
    refused: Vec<(Box<dyn Job>, StoreError)>,
    undo: Vec<Undo>,
}

impl Group {
    fn len(&self) -> usize {
        self.written.len() + self.refused.len()
    }

    /// Tells the index what it came to, and whoever asked: it is on the disk. The answers are to be sent when the index is
    /// free for who gets them.
    pub(crate) fn done(self, index: &mut Index) -> Answers {
        let mut answers = Answers::default();
        let written = self.written.into_iter();
        written.for_each(|job| job.done(index, &mut answers));
        let refused = self.refused.into_iter();
        refused.for_each(|(job, error)| job.failed(error, &mut answers));
        answers
    }

    /// The answers of one that is not on the disk.
    pub(crate) fn failed(self, error: &StoreError) -> Answers {
        let mut answers = Answers::default();
        let refused = self.refused.into_iter().map(|(job, _)| job);
        let all = self.written.into_iter().chain(refused);
        all.for_each(|job| job.failed(error.clone(), &mut answers));
        answers
    }
}

impl Thread {
    fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(job) = queue.blocking_recv() {
            let mut group = Group::default();
            self.take(job, &mut group);
            self.fill(&mut group, &mut queue);
            self.finish(group);
        }
        let Self { keeper, db, .. } = self;
        drop(keeper);
        // A stop leaves one file. Where somebody still reads, the next start finds the log and goes on from it.
        if let Err(error) = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::debug!(%error, "the log stays");
        }
    }

    /// Takes what else there is, until the disk is free for this group and nothing waits. While the disk is busy it looks
    /// from time to time: to be woken for each request costs more than to write it.
    fn fill(&mut self, group: &mut Group, queue: &mut mpsc::Receiver<Box<dyn Job>>) {
        loop {
            let free = self.keeper.idle();
            while group.len() < GROUP
                && let Ok(job) = queue.try_recv()
            {
                self.take(job, group);
            }
            if free {
                return;
            }
            match group.len() < GROUP {
                true => self.keeper.wait_for(LOOK),
                false => self.keeper.wait(),
            }
        }
    }

    /// Writes one request into the group.
    fn take(&mut self, mut job: Box<dyn Job>, group: &mut Group) {
        if self.keeper.idle() {
            self.memo.learned();
        }
        if let Err(error) = self.begin(group) {
            let mut answers = Answers::default();
            job.failed(error, &mut answers);
            return answers.send();
        }
        match self.write(&mut *job, group) {
            Ok(()) => group.written.push(job),
            Err((error, true)) if !group.careful => {
                tracing::warn!(%error, requests = group.len(), "a request failed half way: its group is written anew");
                self.write_again(group);
                self.take(job, group);
            }
            Err((error, _)) => group.refused.push((job, error)),
        }
    }

    fn begin(&self, group: &mut Group) -> Result<(), StoreError> {
        if !group.begun {
            if self.keeper.broken() {
                return Err(unavailable(BROKEN));
            }
            self.say("BEGIN IMMEDIATE")?;
            group.begun = true;
        }
        Ok(())
    }

    /// Writes a request. Where it fails it has noted nothing; the flag says whether it has left anything in the database.
    fn write(&mut self, job: &mut dyn Job, group: &mut Group) -> Result<(), (StoreError, bool)> {
        let clean = |error| (error, false);
        if group.careful {
            self.say("SAVEPOINT request").map_err(clean)?;
        }
        let before = group.undo.len();
        let mut tx = Tx {
            db: &self.db,
            memo: &mut self.memo,
            index: &self.index,
            undo: &mut group.undo,
            wrote: Cell::new(false),
        };
        let (written, wrote) = (job.write(&mut tx), tx.wrote.get());
        if written.is_err() {
            self.take_back(group.undo.drain(before..));
        }
        if group.careful {
            if written.is_err() {
                self.say("ROLLBACK TO request").map_err(clean)?;
                self.memo.forget();
            }
            self.say("RELEASE request").map_err(clean)?;
        }
        written.map_err(|error| (error, wrote))
    }

    /// Takes the group back and writes it again, carefully.
    fn write_again(&mut self, group: &mut Group) {
        let written = std::mem::take(&mut group.written);
        self.roll_back(group);
        group.careful = true;
        written.into_iter().for_each(|job| self.take(job, group));
    }

    fn roll_back(&mut self, group: &mut Group) {
        if !self.db.is_autocommit()
            && let Err(error) = self.say("ROLLBACK")
        {
            tracing::error!(%error, "a group was not rolled back");
        }
        group.begun = false;
        self.take_back(group.undo.drain(..));
        self.memo.forget();
    }

    fn take_back(&self, undo: impl DoubleEndedIterator<Item = Undo>) {
        let mut index = self.index.lock();
        undo.rev().for_each(|undo| undo.take_back(&mut index));
    }

    /// Commits the group and has it kept.
    fn finish(&mut self, mut group: Group) {
        if group.written.is_empty() {
            if group.begun {
                self.roll_back(&mut group);
            }
            let answers = group.done(&mut self.index.lock());
            return answers.send();
        }
        match self.say("COMMIT") {
            Ok(()) => {
                self.memo.next_group();
                self.keeper.keep(group);
            }
            Err(error) => {
                tracing::error!(%error, requests = group.len(), "a group was not written");
                self.roll_back(&mut group);
                group.failed(&error).send();
            }
        }
    }

    fn say(&self, sql: &str) -> Result<(), StoreError> {
        self.db
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map(drop)
            .map_err(unavailable)
    }
}
