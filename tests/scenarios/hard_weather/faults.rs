//! What goes wrong, when, chosen by a seed; each fault ends by itself. When and for how long is by the clock: that is the
//! weather, and nothing here waits for something to have happened by then.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use rand::{RngExt, rngs::StdRng};
use tokio::task::JoinSet;

use super::nodes::{Cluster, SERVERS};

/// Faults of the platforms; each counts itself out.
const PLATFORMS: [&str; 20] = [
    "tim.send=cut-afterx3",
    "tim.send=cutx3",
    "tim.send=http:502x3",
    "tim.send=slow:700x10",
    "tim.send=60007x2",
    "wechat.send=cut-afterx1",
    "wechat.send=-1x2",
    "wechat.send=slow:500x10",
    "wechat.send=expirex1",
    "callback=duplicatex10",
    "callback=reorderx6",
    "tim.callback=dropx4",
    "kf.callback=dropx8",
    "kf.callback=duplicatex8",
    "kf.callback=reorderx6",
    "kf.callback=slow:900x8",
    "kf.sync=cut-afterx3",
    "kf.sync=http:502x3",
    "kf.sync=95007x2",
    "kf.send=cut-afterx3",
];

/// The schedule as it happens.
pub struct Faults {
    cluster: Arc<Cluster>,
    dice: StdRng,
    running: JoinSet<()>,
    done: BTreeMap<String, usize>,
}

impl Faults {
    pub fn new(cluster: Arc<Cluster>, dice: StdRng) -> Self {
        Self {
            cluster,
            dice,
            running: JoinSet::new(),
            done: BTreeMap::new(),
        }
    }

    pub async fn do_all(&mut self, count: usize) {
        let mut done = 0;
        while done < count {
            let pause = Duration::from_millis(self.dice.random_range(100..900));
            tokio::time::sleep(pause).await;
            // Whatever the dice say, in the middle of it the database is killed.
            let name = match done == count / 2 {
                true => self.crash(0, Duration::from_millis(300)),
                false => self.one(),
            };
            if let Some(name) = name {
                *self.done.entry(name).or_default() += 1;
                done += 1;
            }
            while let Some(ended) = self.running.try_join_next() {
                ended.unwrap();
            }
        }
    }

    /// Begins one; its name, unless what it would befall is down already.
    fn one(&mut self) -> Option<String> {
        let node = self.dice.random_range(0..self.cluster.nodes.len());
        let server = self.dice.random_range(0..SERVERS.len());
        let millis = Duration::from_millis(self.dice.random_range(100..3000));
        match self.dice.random_range(0..100) {
            0..15 => self.kill(node, millis),
            15..25 => self.stall(node, millis),
            25..32 => self.restart(node),
            32..43 => {
                self.cluster.nodes[node].wires[server].cut();
                Some(format!("{} cut off a node", SERVERS[server]))
            }
            43..54 => Some(self.silence(node, server, millis)),
            54..62 => Some(self.refuse(server, millis)),
            62..70 => self.crash(server, millis),
            _ => {
                let spec = PLATFORMS[self.dice.random_range(0..PLATFORMS.len())];
                self.cluster.sandbox.order(spec).unwrap();
                Some(spec.to_owned())
            }
        }
    }

    fn kill(&mut self, node: usize, away: Duration) -> Option<String> {
        let cluster = self.cluster.clone();
        if !cluster.is_up(node) {
            return None;
        }
        cluster.kill_node(node);
        self.running.spawn(async move {
            tokio::time::sleep(away).await;
            cluster.start_node(node).await;
        });
        Some("kill -9 of a node".to_owned())
    }

    /// Longer than a lease: others take over, and it wakes up in the belief that nothing happened.
    fn stall(&mut self, node: usize, beyond: Duration) -> Option<String> {
        let go_on = self.cluster.stall_node(node)?;
        self.running.spawn(async move {
            tokio::time::sleep(Duration::from_millis(2500) + beyond).await;
            go_on();
        });
        Some("a node stalled".to_owned())
    }

    fn restart(&mut self, node: usize) -> Option<String> {
        let cluster = self.cluster.clone();
        if !cluster.is_up(node) {
            return None;
        }
        self.running.spawn(async move {
            cluster.drain_node(node).await;
            cluster.start_node(node).await;
        });
        Some("a node restarted".to_owned())
    }

    fn silence(&mut self, node: usize, server: usize, long: Duration) -> String {
        let cluster = self.cluster.clone();
        cluster.nodes[node].wires[server].hold();
        self.running.spawn(async move {
            tokio::time::sleep(long).await;
            cluster.nodes[node].wires[server].resume();
        });
        format!("{} silent to a node", SERVERS[server])
    }

    fn refuse(&mut self, server: usize, long: Duration) -> String {
        let cluster = self.cluster.clone();
        for node in &cluster.nodes {
            node.wires[server].refuse();
        }
        self.running.spawn(async move {
            tokio::time::sleep(long).await;
            for node in &cluster.nodes {
                node.wires[server].resume();
            }
        });
        format!("{} gone for all", SERVERS[server])
    }

    /// The server itself dies, as by a power cut of its machine whose disk was told everything, and is started again.
    fn crash(&mut self, server: usize, away: Duration) -> Option<String> {
        let cluster = self.cluster.clone();
        if !cluster.may_crash(server) {
            return None;
        }
        self.running
            .spawn(async move { cluster.crash(server, away).await });
        Some(format!("kill -9 of {}", SERVERS[server]))
    }

    /// The weather is over: every fault ends, every node is up.
    pub async fn all_is_well(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            ended.unwrap();
        }
        self.cluster.sandbox.fair_weather();
        for node in 0..self.cluster.nodes.len() {
            for wire in &self.cluster.nodes[node].wires {
                wire.resume();
            }
            if !self.cluster.is_up(node) {
                self.cluster.start_node(node).await;
            }
        }
    }

    /// What was done, for whoever reads the run.
    pub fn said(&self) -> String {
        let lines = self
            .done
            .iter()
            .map(|(name, times)| format!("  {times:>4}  {name}"));
        let lines: Vec<String> = lines.collect();
        format!("faults:\n{}", lines.join("\n"))
    }
}
