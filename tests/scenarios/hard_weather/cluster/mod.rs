//! The nodes, and a wire of its own from each to each server.

mod servers;
mod setup;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering::SeqCst},
    time::{Duration, Instant},
};

use bridge_core::{
    clock::SystemClock,
    message::{ArrivalId, ConversationId, ThreadKey},
    store::{Entry, Records as _, Trace},
};
use bridge_sandbox::{Sandbox, tim, wecom};
use bridge_store_postgres::{Options, Postgres};
use bridge_testkit::{proxy::Proxy, servers::Own};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use self::setup::NAMES;
pub use self::setup::SERVERS;
use super::{
    Plan,
    balancer::Up,
    phone::{Channel, Phone},
};
use crate::stage::Bridge;

/// One node.
pub struct Node {
    config: PathBuf,
    /// Where its log goes.
    log: PathBuf,
    /// What its clock is dressed in.
    environment: Vec<(String, String)>,
    bridge: Mutex<Option<Bridge>>,
    /// Whether a fault has it in hand.
    taken: AtomicBool,
    pub wires: [Proxy; 3],
}

impl Node {
    /// The end of its log.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

/// All of it.
pub struct Cluster {
    pub sandbox: Sandbox,
    pub nodes: Vec<Node>,
    /// What stands before the nodes.
    url: String,
    phones: Mutex<BTreeMap<usize, Phone>>,
    storage: String,
    plan: Plan,
    up: Up,
    own: Own,
    /// Which servers run; a killed one is started again by whoever killed it.
    running: [watch::Sender<bool>; 3],
    folder: Option<tempfile::TempDir>,
    /// By how much each node's clock is off, in words.
    pub clocks: String,
}

impl Cluster {
    pub async fn start_node(&self, number: usize) {
        let node = &self.nodes[number];
        // A node may find its database out of reach and give up, as it should: whoever runs it starts it again.
        let mut tries = 0;
        let bridge = loop {
            tries += 1;
            assert!(
                tries < 50,
                "node {number} does not start: {}",
                node.last_words()
            );
            node.wires[0].fair().await;
            let mut running = self.running[0].subscribe();
            let _ = running.wait_for(|runs| *runs).await;
            let (config, environment) = (node.config.clone(), node.environment.clone());
            let log = std::fs::File::options()
                .create(true)
                .append(true)
                .open(&node.log)
                .unwrap();
            let started = tokio::task::spawn_blocking(move || {
                Bridge::try_start_in(&config, &environment, move |line| {
                    use std::io::Write as _;
                    let _ = writeln!(&log, "{line}");
                })
            });
            if let Some(bridge) = started.await.unwrap() {
                break bridge;
            }
        };
        let address = bridge.url.trim_start_matches("http://").parse().unwrap();
        *node.bridge.lock() = Some(bridge);
        self.up.write()[number] = Some(address);
    }

    pub fn kill_node(&self, number: usize) {
        self.up.write()[number] = None;
        if let Some(mut bridge) = self.nodes[number].bridge.lock().take() {
            bridge.kill();
        }
    }

    /// Ends a node as an operator would: what it has in hand it finishes.
    pub async fn drain_node(&self, number: usize) {
        self.up.write()[number] = None;
        let bridge = self.nodes[number].bridge.lock().take();
        if let Some(mut bridge) = bridge {
            let ended = tokio::task::spawn_blocking(move || bridge.terminate());
            assert_eq!(ended.await.unwrap(), Some(0), "a drain ends well");
        }
    }

    /// Stops a node for so long, as a machine that hangs. Whoever stands before it goes on sending to it.
    pub async fn stall_node(&self, number: usize, long: Duration) {
        let id = self.nodes[number].bridge.lock().as_ref().map(Bridge::id);
        let Some(id) = id else { return };
        signal(id, "-STOP");
        tokio::time::sleep(long).await;
        signal(id, "-CONT");
    }

    /// Takes a node that runs for one fault; [`Cluster::give_back`] ends that.
    pub fn take_node(&self, number: usize) -> bool {
        self.is_up(number) && !self.nodes[number].taken.swap(true, SeqCst)
    }

    /// Takes all nodes, or none.
    pub fn take_all_nodes(&self) -> bool {
        for number in 0..self.nodes.len() {
            if !self.take_node(number) {
                (0..number).for_each(|taken| self.give_back(taken));
                return false;
            }
        }
        true
    }

    pub fn give_back(&self, number: usize) {
        self.nodes[number].taken.store(false, SeqCst);
    }

    /// Orders a fault of the platforms, and waits until it has struck as often as it will.
    pub async fn until_struck(&self, spec: &str) {
        let ids = self.sandbox.order(spec).unwrap();
        let began = Instant::now();
        // How often it struck is read: there is no event to wait for.
        while began.elapsed() < Duration::from_secs(60)
            && self
                .sandbox
                .faults()
                .iter()
                .any(|one| ids.contains(&one.id) && one.left != Some(0))
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn is_up(&self, number: usize) -> bool {
        self.up.read()[number].is_some()
    }

    /// An agent on Tencent IM.
    pub fn agent(&self, number: usize) -> tim::Client {
        let client = self.sandbox.tim().client(&format!("agent_{number}"));
        client.expect("the agent has an account")
    }

    /// An agent in WeCom.
    pub fn member(&self, number: usize) -> wecom::Member {
        let member = self.sandbox.wecom().member(&setup::member(number));
        member.expect("the member is one of the corp's")
    }

    pub fn channel(&self, contact: usize) -> Channel {
        Channel::of(contact, self.plan.at_members())
    }

    pub fn phone(&self, contact: usize) -> Phone {
        let mut phones = self.phones.lock();
        let made = phones.entry(contact).or_insert_with(|| {
            Phone::new(&self.sandbox, &self.url, self.channel(contact), contact)
        });
        made.clone()
    }

    /// Where a contact writes, as the bridge calls it; of a visitor only the bridge knows.
    pub fn thread(&self, contact: usize) -> Option<ThreadKey> {
        self.phone(contact)
            .peer(&self.sandbox)
            .map(|(inbox, peer)| ThreadKey {
                inbox: inbox.into(),
                peer: peer.into(),
            })
    }

    /// The store, past all wires.
    pub async fn store(&self) -> Arc<Postgres> {
        let (clock, options) = (Arc::new(SystemClock), Options::default());
        Postgres::connect(&self.storage, clock, options)
            .await
            .unwrap()
    }

    /// A contact's conversation.
    pub async fn conversation(&self, store: &Postgres, contact: usize) -> ConversationId {
        if let Some(thread) = self.thread(contact) {
            return store.find(&thread).await.unwrap().unwrap();
        }
        let trace = self.phone(contact).trace().expect("has been shown a line");
        let trace = store.trace(ArrivalId(trace)).await.unwrap();
        trace.expect("what is shown is known").arrival.conversation
    }

    /// The conversations of each contact's person, as the store has them, their own first.
    pub async fn people(&self) -> Vec<(ConversationId, Vec<ConversationId>)> {
        let store = self.store().await;
        let mut people = Vec::new();
        for contact in 0..self.plan.contacts {
            let own = self.conversation(&store, contact).await;
            let kin = store.kin(own, None).await.unwrap();
            let all = kin.iter().map(|(conversation, _)| conversation.id);
            people.push((own, all.collect()));
        }
        people
    }

    /// The last so many lines that the store has of a contact, in order.
    pub async fn stored(&self, store: &Postgres, contact: usize, limit: usize) -> Vec<Entry> {
        let id = self.conversation(store, contact).await;
        store.recent(id, limit, false).await.unwrap()
    }

    /// A message's whole way.
    pub async fn trace(&self, store: &Postgres, id: ArrivalId) -> Option<Trace> {
        store.trace(id).await.ok().flatten()
    }

    /// The contacts' conversations that are not over, and how each went on last.
    pub async fn open(&self) -> Vec<String> {
        let store = self.store().await;
        let mut told = Vec::new();
        for id in self.open_conversations().await {
            let found = store.conversation(ConversationId(id)).await.unwrap();
            let (conversation, _) = found.expect("it is open");
            // Where members write, which is no contact's.
            if conversation.thread.inbox.as_str() == "work" {
                continue;
            }
            told.push(format!(
                "{:?}: {:?}",
                conversation.thread, conversation.phase
            ));
            for line in store.recent(conversation.id, 10, false).await.unwrap() {
                told.push(format!(
                    "    {:?} {:?}: {:?}",
                    line.at, line.author, line.content
                ));
            }
        }
        told
    }

    /// What waits, as a node that is up tells it.
    pub async fn depths(&self) -> Value {
        for _ in 0..10_000 {
            let address = self.up.read().iter().flatten().next().copied();
            if let Some(address) = address
                && let Ok(answer) = reqwest::get(format!("http://{address}/readyz")).await
                && let Ok(value) = answer.json::<Value>().await
                && value["depths"].is_object()
            {
                return value["depths"].clone();
            }
            // Asked over HTTP: there is no event to wait for, each round trip is the wait.
            tokio::task::yield_now().await;
        }
        panic!("no node tells its depths");
    }

    /// Until the depths are as wanted; what they are where that takes too long.
    pub async fn depths_are(
        &self,
        patience: Duration,
        wanted: impl Fn(&dyn Fn(&str) -> u64) -> bool,
    ) -> Result<(), Value> {
        let began = Instant::now();
        loop {
            let depths = self.depths().await;
            if wanted(&|of| depths[of].as_u64().unwrap_or(1_000_000)) {
                return Ok(());
            }
            if began.elapsed() > patience {
                return Err(depths);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            println!("the nodes' logs are in {}", folder.keep().display());
        }
    }
}

/// The process may have ended by itself.
fn signal(id: u32, name: &str) {
    let _ = std::process::Command::new("kill")
        .args([name, &id.to_string()])
        .stderr(std::process::Stdio::null())
        .status();
}
