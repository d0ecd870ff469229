//! What goes wrong, when, chosen by a seed; each fault ends by itself.

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
        for _ in 0..count {
            let pause = Duration::from_millis(self.dice.random_range(100..900));
            tokio::time::sleep(pause).await;
            let name = self.one();
            *self.done.entry(name).or_default() += 1;
            while self.running.try_join_next().is_some() {}
        }
    }

    /// Begins one; its name.
    fn one(&mut self) -> String {
        let node = self.dice.random_range(0..self.cluster.nodes.len());
        let server = self.dice.random_range(0..SERVERS.len());
        let millis = Duration::from_millis(self.dice.random_range(100..3000));
        let cluster = self.cluster.clone();
        match self.dice.random_range(0..100) {
            0..16 => {
                if cluster.is_up(node) {
                    cluster.kill_node(node);
                    self.running.spawn(async move {
                        tokio::time::sleep(millis).await;
                        cluster.start_node(node).await;
                    });
                }
                "kill -9 of a node".to_owned()
            }
            16..26 => {
                // Longer than a lease: others take over, and it wakes up in the belief that nothing happened.
                if let Some(go_on) = cluster.stall_node(node) {
                    self.running.spawn(async move {
                        tokio::time::sleep(Duration::from_millis(2500) + millis).await;
                        go_on();
                    });
                }
                "a node stalled".to_owned()
            }
            26..34 => {
                if cluster.is_up(node) {
                    self.running.spawn(async move {
                        cluster.drain_node(node).await;
                        cluster.start_node(node).await;
                    });
                }
                "a node restarted".to_owned()
            }
            34..46 => {
                cluster.nodes[node].wires[server].cut();
                format!("{} cut off a node", SERVERS[server])
            }
            46..58 => {
                cluster.nodes[node].wires[server].hold();
                self.running.spawn(async move {
                    tokio::time::sleep(millis).await;
                    cluster.nodes[node].wires[server].resume();
                });
                format!("{} silent to a node", SERVERS[server])
            }
            58..68 => {
                for node in &cluster.nodes {
                    node.wires[server].refuse();
                }
                self.running.spawn(async move {
                    tokio::time::sleep(millis).await;
                    for node in &cluster.nodes {
                        node.wires[server].resume();
                    }
                });
                format!("{} gone for all", SERVERS[server])
            }
            _ => {
                let spec = PLATFORMS[self.dice.random_range(0..PLATFORMS.len())];
                cluster.sandbox.order(spec).unwrap();
                spec.to_owned()
            }
        }
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
