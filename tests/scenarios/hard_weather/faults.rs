//! The faults of the schedule, done; each ends by itself. When and for how long is by the clock: that is the weather, and
//! nothing here waits for something to have happened by then.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    cluster::{Cluster, SERVERS},
    diary::{Diary, Loses},
    schedule::{Fault, Schedule},
};

/// Does what the schedule says.
pub struct Faults {
    cluster: Arc<Cluster>,
    diary: Arc<Diary>,
    schedule: Schedule,
    running: JoinSet<()>,
}

/// How a fault is told: for counting, and in full.
struct Told {
    kind: String,
    what: String,
    loses: Loses,
}

impl Faults {
    pub fn new(cluster: Arc<Cluster>, diary: Arc<Diary>, seed: u64) -> Self {
        let schedule = Schedule::new(
            seed,
            cluster.nodes.len(),
            SERVERS.len(),
            cluster.own_servers(),
        );
        Self {
            cluster,
            diary,
            schedule,
            running: JoinSet::new(),
        }
    }

    /// So many faults, spread over a talk: `far` tells how much of it is done, from 0 to 1.
    pub async fn do_all(&mut self, count: usize, far: impl Fn() -> f64) {
        let mut done = 0;
        while done < count {
            // The schedule has no end.
            let Some(planned) = self.schedule.next() else {
                return;
            };
            tokio::time::sleep(planned.after).await;
            // Where the talk is long, its faults are far between; where nobody gets on any more, they do not wait.
            for _ in 0..100 {
                if far() * count as f64 >= done as f64 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            done += usize::from(self.begin(planned.fault));
            while let Some(ended) = self.running.try_join_next() {
                ended.unwrap();
            }
        }
    }

    /// Begins one; whether it could be: what it would befall may be down already.
    fn begin(&mut self, fault: Fault) -> bool {
        let told = told(&fault);
        if !self.can(&fault) {
            return false;
        }
        let line = self.diary.begins(&told.kind, told.what, told.loses);
        let (cluster, diary) = (self.cluster.clone(), self.diary.clone());
        self.running.spawn(async move {
            befalls(&cluster, fault).await;
            diary.over(line);
        });
        true
    }

    fn can(&self, fault: &Fault) -> bool {
        match *fault {
            Fault::Kill { node, .. }
            | Fault::CrashLoop { node, .. }
            | Fault::Stall { node, .. }
            | Fault::Restart { node } => self.cluster.take_node(node),
            Fault::Roll => self.cluster.take_all_nodes(),
            Fault::Crash { server, .. } | Fault::Freeze { server, .. } => {
                self.cluster.take_server(server)
            }
            _ => true,
        }
    }

    /// The weather is over: every fault ends, every node is up.
    pub async fn all_is_well(&mut self) {
        self.cluster.sandbox.fair_weather();
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
        for node in 0..self.cluster.nodes.len() {
            for wire in &self.cluster.nodes[node].wires {
                wire.resume();
            }
            if !self.cluster.is_up(node) {
                self.cluster.start_node(node).await;
            }
        }
    }
}

fn told(fault: &Fault) -> Told {
    let seconds = |long: &Duration| format!("{:.1} s", long.as_secs_f32());
    let (kind, what) = match fault {
        Fault::Kill { node, away } => (
            "kill -9 of a node".to_owned(),
            format!("kill -9 of node {node}, away for {}", seconds(away)),
        ),
        Fault::CrashLoop { node, times } => (
            "a node killed as soon as it runs".to_owned(),
            format!("node {node} killed {times} times as soon as it ran"),
        ),
        Fault::Stall { node, long } => (
            "a node stalled".to_owned(),
            format!("node {node} stalled for {}", seconds(long)),
        ),
        Fault::Restart { node } => (
            "a node restarted".to_owned(),
            format!("node {node} restarted"),
        ),
        Fault::Roll => (
            "a rolling restart".to_owned(),
            "a rolling restart".to_owned(),
        ),
        Fault::Cut { node, server } => (
            format!("{} cut off a node", SERVERS[*server]),
            format!("{} cut off node {node}", SERVERS[*server]),
        ),
        Fault::Silence { node, server, long } => (
            format!("{} silent to a node", SERVERS[*server]),
            format!(
                "{} silent to node {node} for {}",
                SERVERS[*server],
                seconds(long)
            ),
        ),
        Fault::Lose { node, server } => (
            format!("{} lost to a node, half open", SERVERS[*server]),
            format!("{} lost to node {node}, half open", SERVERS[*server]),
        ),
        Fault::Late {
            node,
            server,
            by,
            long,
        } => (
            format!("{} late to a node", SERVERS[*server]),
            format!(
                "{} late to node {node} by {} ms for {}",
                SERVERS[*server],
                by.as_millis(),
                seconds(long)
            ),
        ),
        Fault::Refuse { server, long } => (
            format!("{} gone for all", SERVERS[*server]),
            format!("{} gone for all for {}", SERVERS[*server], seconds(long)),
        ),
        Fault::Crash { server, away } => (
            format!("kill -9 of {}", SERVERS[*server]),
            format!(
                "kill -9 of {}, away for {}",
                SERVERS[*server],
                seconds(away)
            ),
        ),
        Fault::Freeze { server, long } => (
            format!("{} hangs", SERVERS[*server]),
            format!("{} hangs for {}", SERVERS[*server], seconds(long)),
        ),
        Fault::Fill { server, long } => (
            format!("{} is full", SERVERS[*server]),
            format!("{} is full for {}", SERVERS[*server], seconds(long)),
        ),
        Fault::Platform(spec) => ((*spec).to_owned(), (*spec).to_owned()),
    };
    Told {
        kind,
        what,
        loses: loses(fault),
    }
}

/// Whether what a node has sent may remain unknown to the bridge: the node is gone or cannot write it down, or the platform
/// did not say. A restart, the cache and the broker are no excuse.
fn loses(fault: &Fault) -> Loses {
    match fault {
        Fault::Kill { .. } | Fault::CrashLoop { .. } | Fault::Stall { .. } => Loses::WithTheNode,
        Fault::Cut { server: 0, .. }
        | Fault::Silence { server: 0, .. }
        | Fault::Lose { server: 0, .. }
        | Fault::Late { server: 0, .. }
        | Fault::Refuse { server: 0, .. }
        | Fault::Crash { server: 0, .. }
        | Fault::Freeze { server: 0, .. }
        | Fault::Fill { server: 0, .. } => Loses::WithTheNode,
        Fault::Platform(spec) if spec.contains("cut-after") => Loses::OnTheWay,
        _ => Loses::Nothing,
    }
}

async fn befalls(cluster: &Arc<Cluster>, fault: Fault) {
    let wire = |node: usize, server: usize| &cluster.nodes[node].wires[server];
    match fault {
        Fault::Kill { node, away } => {
            cluster.kill_node(node);
            tokio::time::sleep(away).await;
            cluster.start_node(node).await;
        }
        Fault::CrashLoop { node, times } => {
            for _ in 0..times {
                cluster.kill_node(node);
                cluster.start_node(node).await;
            }
        }
        Fault::Stall { node, long } => {
            cluster.stall_node(node, long).await;
        }
        Fault::Restart { node } => {
            cluster.drain_node(node).await;
            cluster.start_node(node).await;
        }
        Fault::Roll => {
            for node in 0..cluster.nodes.len() {
                cluster.drain_node(node).await;
                cluster.start_node(node).await;
                cluster.give_back(node);
            }
        }
        Fault::Cut { node, server } => wire(node, server).cut(),
        Fault::Lose { node, server } => wire(node, server).lose(),
        Fault::Silence { node, server, long } => {
            wire(node, server).hold();
            tokio::time::sleep(long).await;
            wire(node, server).resume();
        }
        Fault::Late {
            node,
            server,
            by,
            long,
        } => {
            wire(node, server).slow(by);
            tokio::time::sleep(long).await;
            wire(node, server).resume();
        }
        Fault::Refuse { server, long } => {
            for node in &cluster.nodes {
                node.wires[server].refuse();
            }
            tokio::time::sleep(long).await;
            for node in &cluster.nodes {
                node.wires[server].resume();
            }
        }
        Fault::Crash { server, away } => cluster.crash(server, away).await,
        Fault::Freeze { server, long } => cluster.freeze(server, long).await,
        Fault::Fill { server, long } => cluster.fill(server, long).await,
        Fault::Platform(spec) => cluster.until_struck(spec).await,
    }
    if let Fault::Kill { node, .. }
    | Fault::CrashLoop { node, .. }
    | Fault::Stall { node, .. }
    | Fault::Restart { node } = fault
    {
        cluster.give_back(node);
    }
}
