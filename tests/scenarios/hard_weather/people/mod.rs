//! Customers who number what they say, and agents who answer and hand over.

mod agents;
mod customers;
mod members;

use std::sync::Arc;

use rand::{SeedableRng as _, rngs::StdRng};
use tokio::{sync::watch, task::JoinHandle};

pub use customers::{Customer, customers};

use self::{agents::Agent, members::Member};
use super::{books::Books, cluster::Cluster};

/// Agents at work.
pub struct AtWork {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

pub fn agents(cluster: &Arc<Cluster>, books: &Arc<Books>) -> AtWork {
    let stop = watch::Sender::new(false);
    let dice =
        |number: usize| StdRng::seed_from_u64(cluster.plan().seed.wrapping_mul(31) + number as u64);
    let mut tasks = Vec::new();
    for number in 0..cluster.plan().agents {
        let agent = Agent::new(number, cluster, books, dice(number));
        tasks.push(tokio::spawn(agent.work(stop.subscribe())));
    }
    for number in 0..cluster.plan().members {
        let member = Member::new(number, cluster, books);
        tasks.push(tokio::spawn(member.work(stop.subscribe())));
    }
    AtWork { stop, tasks }
}

impl AtWork {
    /// They say no more.
    pub async fn quiet(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}
