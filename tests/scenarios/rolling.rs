//! Nodes are restarted one after the other behind a balancer that asks who is ready, while people write: nobody is turned
//! away, nothing is lost, doubled or reordered, and nothing waits for a lease.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bridge_sandbox::{Author, Message, tim, wechat::Phone};
use parking_lot::RwLock;

use crate::{
    hard_weather::balancer::{self, Up},
    stage::{Backs, Bridge, Set, Stage},
};

const NODES: usize = 3;
const CONTACTS: usize = 8;
/// A person does not write faster.
const PAUSE: Duration = Duration::from_millis(40);
/// How often the balancer asks.
const CHECK: Duration = Duration::from_millis(100);
/// What would wait for a lease would be missed.
const LEASE: &str = "120s";

/// The nodes behind their balancer.
struct Nodes {
    config: PathBuf,
    bridges: Vec<Bridge>,
    up: Up,
    over: Arc<AtomicBool>,
}

impl Nodes {
    /// As many, the stage's own among them.
    async fn beside(stage: &mut Stage) -> Self {
        let config = stage.config();
        let mut bridges: Vec<Bridge> = (1..NODES).map(|_| Bridge::start(&config)).collect();
        let first = std::mem::replace(&mut stage.bridge, Bridge::start(&config));
        bridges.push(first);
        // The stage's new one only tells the books.
        let up: Up = Arc::new(RwLock::new(vec![None; NODES]));
        let over = Arc::new(AtomicBool::new(false));
        let nodes = Self {
            config,
            bridges,
            up: up.clone(),
            over,
        };
        for number in 0..NODES {
            nodes.watch(number);
        }
        stage.sandbox.set_bridge(&balancer::start(up).await);
        nodes.ready(NODES).await;
        nodes
    }

    /// Asks a node whether it is ready, until another one has its place.
    fn watch(&self, number: usize) {
        let (url, up) = (self.bridges[number].url.clone(), self.up.clone());
        let (address, over) = (
            url.trim_start_matches("http://").parse().unwrap(),
            self.over.clone(),
        );
        let client = reqwest::Client::new();
        tokio::spawn(async move {
            let mut was_ready = false;
            while !over.load(Relaxed) {
                let answer = client.get(format!("{url}/readyz")).send().await;
                let ready = answer.is_ok_and(|answer| answer.status().is_success());
                if was_ready && !ready {
                    up.write()[number] = None;
                    return;
                }
                if ready {
                    was_ready = true;
                    up.write()[number] = Some(address);
                }
                tokio::time::sleep(CHECK).await;
            }
        });
    }

    async fn ready(&self, count: usize) {
        while self.up.read().iter().flatten().count() < count {
            // A balancer rings no bell.
            tokio::time::sleep(CHECK).await;
        }
    }

    /// As an operator does it: one is ended and begun again, and when it is ready the next one.
    async fn restart_all(&mut self) {
        for number in 0..NODES {
            let mut bridge = self.bridges.remove(number);
            let (code, bridge) = tokio::task::spawn_blocking(move || (bridge.terminate(), bridge))
                .await
                .unwrap();
            assert_eq!(code, Some(0));
            drop(bridge);
            self.bridges.insert(number, Bridge::start(&self.config));
            self.watch(number);
            self.ready(NODES).await;
        }
    }
}

/// Writes until the restarts are over; how often.
async fn writes(phone: Phone, contact: usize, over: Arc<AtomicBool>) -> usize {
    let mut number = 0;
    while !over.load(Relaxed) {
        number += 1;
        let pushed = phone.says(&format!("<{contact}:{number}>")).await;
        assert!(pushed.delivered(), "{pushed:?}");
        assert_eq!(
            pushed.attempts, 1,
            "the platform had to try again: {pushed:?}"
        );
        tokio::time::sleep(PAUSE).await;
    }
    number
}

/// The numbered messages among those, and when.
fn numbered(messages: &[Message], contact: usize, from: Author) -> Vec<(usize, i64)> {
    let ours = messages.iter().filter(|message| message.from == from);
    let number = |message: &Message| {
        let words = message.text().strip_prefix('<')?.strip_suffix('>')?;
        let (whose, number) = words.split_once(':')?;
        (whose == contact.to_string()).then_some((number.parse().ok()?, message.at))
    };
    ours.filter_map(number).collect()
}

/// Each once and in order; the longest that one was under way.
fn compare(agents: &[tim::Client], phone: &Phone, contact: usize, count: usize) -> i64 {
    let said = numbered(&phone.chat(), contact, Author::Customer);
    let chats = agents.iter().flat_map(|agent| {
        let chats = agent.chats().into_iter();
        chats.map(|chat| numbered(&agent.messages(&chat.peer), contact, Author::Peer))
    });
    let heard: Vec<(usize, i64)> = chats.flatten().collect();
    let numbers: Vec<usize> = heard.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "of {contact}");
    let waits = said
        .iter()
        .zip(&heard)
        .map(|(said, heard)| heard.1 - said.1);
    waits.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_turns_nobody_away() {
    let mut settings = bridge_sandbox::Settings::sink();
    settings.chat_capacity = 100_000;
    settings.patience = Duration::from_secs(60);
    let mut stage = Stage::with(Set {
        assistant: false,
        capacity: 1000,
        backs: Backs::Servers,
        lease: LEASE,
        drain_delay: "1s",
        settings,
        ..Set::default()
    })
    .await;
    let mut nodes = Nodes::beside(&mut stage).await;
    let agents = [stage.agent("system"), stage.agent("lin")];
    let phones: Vec<_> = (0..CONTACTS)
        .map(|number| stage.phone(&format!("客户{number}")))
        .collect();
    for phone in &phones {
        assert!(phone.says("人工").await.delivered());
        phone.hears_text("为您服务").await.unwrap();
    }
    let over = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (0..CONTACTS)
        .map(|contact| tokio::spawn(writes(phones[contact].clone(), contact, over.clone())))
        .collect();
    nodes.restart_all().await;
    over.store(true, Relaxed);
    let mut counts = Vec::new();
    for writing in writing {
        counts.push(writing.await.unwrap());
    }
    stage.settled().await;
    nodes.over.store(true, Relaxed);
    let waits =
        (0..CONTACTS).map(|contact| compare(&agents, &phones[contact], contact, counts[contact]));
    let longest = waits.max().unwrap_or_default();
    let all: usize = counts.iter().sum();
    println!("{all} messages over {NODES} restarts; the longest was under way for {longest} ms");
}
