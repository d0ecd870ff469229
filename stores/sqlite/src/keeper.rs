//! Keeping: what the writer has committed lies in the write-ahead log; here the log is forced to the disk, and only then
//! does the index learn of it, so that nobody acts on it before, and whoever asked get an answer. One group is kept while
//! the writer fills the next.

use std::{
    fs::File,
    io,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use bridge_core::store::StoreError;
use parking_lot::{Condvar, Mutex};

use crate::{index::Index, unavailable, writer::Group};

/// What forces the log to the disk.
pub(crate) trait Disk: Send + 'static {
    /// Returns when everything written to the log so far would survive a power cut.
    fn force(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn force(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The writer's handle of the keeping thread.
pub(crate) struct Keeper {
    groups: Option<mpsc::SyncSender<Group>>,
    state: Arc<State>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Now {
    #[default]
    Idle,
    Busy,
    /// The disk did not keep what it was given. What it then has nobody knows: the kernel may have dropped it and says so
    /// only once. Nothing more is written until the next start reads what is there.
    Broken,
}

impl Keeper {
    pub(crate) fn start(disk: impl Disk, index: Arc<Mutex<Index>>) -> Result<Self, StoreError> {
        let (groups, queue) = mpsc::sync_channel(1);
        let state = Arc::new(State::default());
        let shared = state.clone();
        let thread = thread::Builder::new()
            .name("sqlite-keeper".to_owned())
            .spawn(move || keep(disk, &index, &shared, &queue))
            .map_err(unavailable)?;
        Ok(Self {
            groups: Some(groups),
            state,
            thread: Some(thread),
        })
    }

    /// Whether the last group is kept, and the index has learned of it.
    pub(crate) fn idle(&self) -> bool {
        *self.state.now.lock() != Now::Busy
    }

    pub(crate) fn broken(&self) -> bool {
        *self.state.now.lock() == Now::Broken
    }

    pub(crate) fn wait(&self) {
        let mut now = self.state.now.lock();
        self.state
            .changed
            .wait_while(&mut now, |now| *now == Now::Busy);
    }

    /// Until it is idle, but no longer than that.
    pub(crate) fn wait_for(&self, at_most: Duration) {
        let mut now = self.state.now.lock();
        if *now == Now::Busy {
            // Whichever it was, the next look tells.
            let _ = self.state.changed.wait_for(&mut now, at_most);
        }
    }

    /// Keeps a committed group, and answers its requests. Only when idle.
    pub(crate) fn keep(&self, group: Group) {
        {
            let mut now = self.state.now.lock();
            if *now == Now::Idle {
                *now = Now::Busy;
            }
        }
        if let Some(groups) = &self.groups {
            // The thread ends after its sender: this one.
            let _ = groups.send(group);
        }
    }
}

impl Drop for Keeper {
    /// Everything handed over is kept and answered.
    fn drop(&mut self) {
        self.groups.take();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been logged by it; there is nothing to add.
            let _ = thread.join();
        }
    }
}

fn keep(mut disk: impl Disk, index: &Mutex<Index>, state: &State, queue: &mpsc::Receiver<Group>) {
    let mut broken = false;
    for group in queue {
        let forced = match broken {
            false => disk.force().map_err(lost),
            true => Err(unavailable(BROKEN)),
        };
        let mut index = index.lock();
        let answers = match &forced {
            Ok(()) => group.done(&mut index),
            Err(error) => {
                broken = true;
                group.failed(error)
            }
        };
        // Before anybody can act on what the index has learned.
        *state.now.lock() = match broken {
            false => Now::Idle,
            true => Now::Broken,
        };
        drop(index);
        state.changed.notify_all();
        answers.send();
    }
}

/// What every request is told after the disk failed once.
pub(crate) const BROKEN: &str =
    "the disk did not keep what was written; mend it and start the program again";

fn lost(error: io::Error) -> StoreError {
    tracing::error!(%error, "the disk does not keep what is written: nothing is accepted until the next start");
    unavailable(BROKEN)
}
