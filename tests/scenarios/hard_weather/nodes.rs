//! The nodes, and a wire of its own from each to each server.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use bridge_core::{
    clock::SystemClock,
    message::{Content, ConversationId, ThreadKey},
    store::{EntryAuthor, Records as _},
};
use bridge_sandbox::{AgentSettings, Sandbox, Settings, tim};
use bridge_store_postgres::{Options, Postgres};
use bridge_testkit::{
    proxy::{Proxy, authority},
    servers::{self, Own, unique},
};
use parking_lot::{Mutex, RwLock};
use serde_json::Value;
use tokio::sync::watch;
use tokio_postgres::NoTls;

use super::{
    balancer::{self, Up},
    phone::{Phone, by_kf},
};
use crate::{
    configuration,
    stage::{Bridge, Set},
};

/// The servers a node hangs on.
pub const SERVERS: [&str; 3] = ["PostgreSQL", "Redis", "RabbitMQ"];
/// The same as the scripts call them.
const NAMES: [&str; 3] = ["postgres", "redis", "rabbitmq"];

/// One node.
pub struct Node {
    config: PathBuf,
    bridge: Mutex<Option<Bridge>>,
    pub wires: [Proxy; 3],
}

/// All of it.
pub struct Cluster {
    pub sandbox: Sandbox,
    pub nodes: Vec<Node>,
    phones: Mutex<BTreeMap<usize, Phone>>,
    storage: String,
    agents: usize,
    up: Up,
    own: Own,
    /// Which servers run; a killed one is started again by whoever killed it.
    running: [watch::Sender<bool>; 3],
    folder: tempfile::TempDir,
}

impl Cluster {
    pub async fn start(nodes: usize, agents: usize) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut settings = Settings::sink();
        settings.chat_capacity = 1_000_000;
        settings.patience = Duration::from_secs(120);
        settings.tim.agents = (0..agents)
            .map(|number| AgentSettings {
                user_id: format!("agent_{number}"),
                nick: format!("客服{number}"),
                online: true,
            })
            .collect();
        settings.kf.allowance = u32::MAX;
        // Pages of a few rows, each begun with rows of the one before and followed by one with nothing in it.
        (settings.kf.page, settings.kf.overlap) = (7, 3);
        settings.kf.empty_pages = true;
        let sandbox = Sandbox::start(settings.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let name = unique("weather");
        let schema = name.replace('-', "_");
        let own = match std::env::var("KEFU_WEATHER_SERVERS") {
            Ok(folder) => Own::at(folder),
            // RabbitMQ takes long to start: the tests' own is shared, and only cut off.
            Err(_) => Own::start(&["postgres", "redis"]).await,
        };
        let postgres = own.url("postgres").unwrap();
        let (db, connection) = tokio_postgres::connect(&postgres, NoTls).await.unwrap();
        tokio::spawn(connection);
        db.batch_execute(&format!("CREATE SCHEMA {schema}"))
            .await
            .unwrap();
        let urls = [
            format!("{postgres}?options=-csearch_path%3D{schema}"),
            own.url("redis").unwrap(),
            own.url("rabbitmq").unwrap_or_else(servers::rabbitmq),
        ];
        let mut all = Vec::new();
        for number in 0..nodes {
            let mut wires = Vec::new();
            for url in &urls {
                wires.push(Proxy::before(authority(url)).await);
            }
            let through = |index: usize| wires[index].in_place_of(&urls[index]);
            let mut more = format!(
                "[cache]\nurl = \"{}\"\nprefix = \"{name}:\"\n[queue]\nurl = \"{}\"\nexchange = \"{name}\"\n",
                through(1),
                through(2)
            );
            more.push_str(&configuration::kf(&settings.kf, "allowances = []"));
            for agent in 0..agents {
                more.push_str(&format!(
                    "[agents.a{agent}]\nuser_id = \"agent_{agent}\"\ncapacity = 100000\n"
                ));
            }
            let set = Set {
                capacity: 1,
                assistant: false,
                storage: Some(through(0)),
                history_every: "2s",
                lease: "3s",
                mall: "allowances = []".to_owned(),
                more,
                settings: settings.clone(),
                ..Set::default()
            };
            let config = folder.path().join(format!("node{number}.toml"));
            // The stage's own agents have no account here.
            let text = configuration::whole(sandbox.url(), folder.path(), &set);
            std::fs::write(&config, without_stage_agents(&text)).unwrap();
            all.push(Node {
                config,
                bridge: Mutex::new(None),
                wires: wires.try_into().unwrap_or_else(|_| unreachable!()),
            });
        }
        let up: Up = Arc::new(RwLock::new(vec![None; nodes]));
        sandbox.set_bridge(&balancer::start(up.clone()).await);
        let cluster = Self {
            sandbox,
            nodes: all,
            phones: Mutex::default(),
            storage: urls[0].clone(),
            agents,
            up,
            own,
            running: [(); 3].map(|()| watch::Sender::new(true)),
            folder,
        };
        for number in 0..nodes {
            cluster.start_node(number).await;
        }
        cluster
    }

    pub async fn start_node(&self, number: usize) {
        let config = self.nodes[number].config.clone();
        // A node may find its database out of reach and give up, as it should: whoever runs it starts it again.
        let bridge = loop {
            self.nodes[number].wires[0].fair().await;
            let mut running = self.running[0].subscribe();
            let _ = running.wait_for(|runs| *runs).await;
            let config = config.clone();
            let started = tokio::task::spawn_blocking(move || Bridge::try_start(&config));
            if let Some(bridge) = started.await.unwrap() {
                break bridge;
            }
        };
        let address = bridge.url.trim_start_matches("http://").parse().unwrap();
        *self.nodes[number].bridge.lock() = Some(bridge);
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

    /// Stops a node as a machine that hangs; what lets it go on, whoever has it in hand by then.
    pub fn stall_node(&self, number: usize) -> Option<impl FnOnce() + Send + use<>> {
        let bridge = self.nodes[number].bridge.lock();
        let id = bridge.as_ref()?.id();
        signal(id, "-STOP");
        Some(move || signal(id, "-CONT"))
    }

    /// Whether a server belongs to this play alone, and runs.
    pub fn may_crash(&self, server: usize) -> bool {
        self.own.url(NAMES[server]).is_some() && *self.running[server].borrow()
    }

    /// `kill -9` of a server, and its start on what it left, after so long.
    pub async fn crash(&self, server: usize, away: Duration) {
        // Two at once: one has it.
        if !self.running[server].send_if_modified(std::mem::take) {
            return;
        }
        self.own.crash(NAMES[server]).await;
        tokio::time::sleep(away).await;
        self.own.start_again(NAMES[server]).await;
        self.running[server].send_replace(true);
    }

    pub fn agents(&self) -> usize {
        self.agents
    }

    pub fn is_up(&self, number: usize) -> bool {
        self.up.read()[number].is_some()
    }

    pub fn agent(&self, number: usize) -> tim::Client {
        let client = self.sandbox.tim().client(&format!("agent_{number}"));
        client.expect("the agent has an account")
    }

    pub fn phone(&self, number: usize) -> Phone {
        let mut phones = self.phones.lock();
        let name = format!("客户{number}");
        let made = phones.entry(number).or_insert_with(|| match by_kf(number) {
            true => Phone::Kf(self.sandbox.kf().phone(&name)),
            false => Phone::Wechat(self.sandbox.wechat().phone(&name)),
        });
        made.clone()
    }

    /// Where a contact writes, as the bridge calls it.
    pub fn thread(&self, number: usize) -> ThreadKey {
        match self.phone(number) {
            Phone::Wechat(phone) => ThreadKey {
                inbox: "mall".into(),
                peer: phone.openid().into(),
            },
            Phone::Kf(phone) => {
                let account = &self.sandbox.kf().settings().open_kfid;
                ThreadKey {
                    inbox: "kf".into(),
                    peer: format!("{}@{account}", phone.id()).into(),
                }
            }
        }
    }

    /// The conversations of each contact's person, as the store has them, their own first.
    pub async fn people(&self, contacts: usize) -> Vec<(ConversationId, Vec<ConversationId>)> {
        let store = self.store().await;
        let mut people = Vec::new();
        for contact in 0..contacts {
            let own = store.find(&self.thread(contact)).await.unwrap().unwrap();
            let kin = store.kin(own, None).await.unwrap();
            let all = kin.iter().map(|(conversation, _)| conversation.id);
            people.push((own, all.collect()));
        }
        people
    }

    async fn store(&self) -> Arc<Postgres> {
        let (clock, options) = (Arc::new(SystemClock), Options::default());
        Postgres::connect(&self.storage, clock, options)
            .await
            .unwrap()
    }

    /// The last so many texts that the store has of a contact of WeChat KF, in order.
    pub async fn stored(&self, number: usize, limit: usize) -> Vec<String> {
        let store = self.store().await;
        let id = store.find(&self.thread(number)).await.unwrap().unwrap();
        let lines = store.recent(id, limit, false).await.unwrap();
        let theirs = lines
            .into_iter()
            .filter(|line| line.author == EntryAuthor::Contact);
        theirs
            .filter_map(|line| match line.content {
                Content::Text(text) => Some(text.text),
                _ => None,
            })
            .collect()
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
        panic!(
            "no node tells its depths; see {}",
            self.folder.path().display()
        );
    }

    /// Until nothing is in work.
    pub async fn settled(&self, patience: Duration) {
        let began = std::time::Instant::now();
        loop {
            let depths = self.depths().await;
            let depth = |of: &str| depths[of].as_u64().unwrap_or(1);
            if depth("arrivals") + depth("dispatches") + depth("errands") + depth("assigned") == 0 {
                return;
            }
            assert!(
                began.elapsed() < patience,
                "something was left unsettled: {depths}"
            );
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

fn without_stage_agents(text: &str) -> String {
    let mut kept = String::new();
    let mut leave_out = false;
    for line in text.lines() {
        if line.starts_with('[') {
            leave_out = line == "[agents.system]" || line == "[agents.lin]";
        }
        if !leave_out {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}
