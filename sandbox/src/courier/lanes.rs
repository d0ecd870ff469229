//! Lanes: what concerns one customer or one chat leaves in order, and lanes do not wait for each other.
//!
//! A held job lets the next one of its lane overtake it: that is what a reordered callback is.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::world::World;

/// How long a held job waits to be overtaken.
const HELD: Duration = Duration::from_secs(1);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<String, Lane>>);

#[derive(Default)]
struct Lane {
    last: u64,
    running: bool,
    queue: VecDeque<Job>,
    held: Vec<Job>,
}

struct Job {
    number: u64,
    work: Work,
}

impl Lanes {
    /// Puts work into a lane. Work that is held goes after the next of its lane, or after a second.
    pub fn push(
        world: &Arc<World>,
        lane: String,
        hold: bool,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let mut lanes = world.lanes.0.lock();
        let entry = lanes.entry(lane.clone()).or_default();
        entry.last += 1;
        let job = Job {
            number: entry.last,
            work: Box::pin(work),
        };
        if hold {
            entry.held.push(job);
            world.runtime.spawn(release_later(world.clone(), lane));
            return;
        }
        entry.queue.push_back(job);
        start(world, entry, lane);
    }
}

fn start(world: &Arc<World>, lane: &mut Lane, name: String) {
    if !lane.running {
        lane.running = true;
        world.runtime.spawn(drain(world.clone(), name));
    }
}

async fn drain(world: Arc<World>, name: String) {
    while let Some(job) = next(&world, &name) {
        job.work.await;
        let mut lanes = world.lanes.0.lock();
        if let Some(lane) = lanes.get_mut(&name) {
            lane.release(job.number);
        }
    }
}

/// The next job; none ends the worker, and forgets a lane that holds nothing.
fn next(world: &World, name: &str) -> Option<Job> {
    let mut lanes = world.lanes.0.lock();
    let lane = lanes.get_mut(name)?;
    let job = lane.queue.pop_front();
    if job.is_none() {
        lane.running = false;
        if lane.held.is_empty() {
            lanes.remove(name);
        }
    }
    job
}

async fn release_later(world: Arc<World>, name: String) {
    tokio::time::sleep(HELD).await;
    let mut lanes = world.lanes.0.lock();
    if let Some(lane) = lanes.get_mut(&name) {
        lane.release(u64::MAX);
        start(&world, lane, name.clone());
    }
}

impl Lane {
    /// Lets go of what has been overtaken by job `number`.
    fn release(&mut self, number: u64) {
        let (overtaken, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|job| job.number < number);
        self.held = held;
        let overtaken: Vec<Job> = overtaken;
        for job in overtaken.into_iter().rev() {
            self.queue.push_front(job);
        }
    }
}
