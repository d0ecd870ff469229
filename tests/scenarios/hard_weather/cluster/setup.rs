//! How platforms, servers and nodes are set up for it.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use bridge_sandbox::{AgentSettings, DifySettings, Sandbox, Settings, WecomMember, dify::Script};
use bridge_testkit::{
    proxy::{Proxy, authority},
    servers::{self, Own, unique},
};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio_postgres::NoTls;

use super::{Cluster, Node};
use crate::{
    configuration,
    hard_weather::{
        Plan,
        balancer::{self, Up},
        books::ASSISTANT,
    },
    stage::Set,
};

/// The servers a node hangs on.
pub const SERVERS: [&str; 3] = ["PostgreSQL", "Redis", "RabbitMQ"];
/// The same as the scripts call them.
pub(super) const NAMES: [&str; 3] = ["postgres", "redis", "rabbitmq"];
/// By how many seconds the nodes' clocks are off, in turn: more than a lease apart.
const OFF: [i32; 4] = [0, 4, -3, 2];

impl Cluster {
    pub async fn start(plan: Plan) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = platforms(&plan);
        let sandbox = Sandbox::start(settings.clone()).unwrap();
        let echo = Script::new().echoes(ASSISTANT).always();
        sandbox.dify().script(echo);
        let folder = tempfile::tempdir().unwrap();
        let name = unique("weather");
        let (own, urls) = private_servers(&name).await;
        let up: Up = Arc::new(RwLock::new(vec![None; plan.nodes]));
        let url = balancer::start(up.clone()).await;
        sandbox.set_bridge(&url);
        let clock = faketime();
        let mut nodes = Vec::new();
        for number in 0..plan.nodes {
            let mut wires = Vec::new();
            for url in &urls {
                wires.push(Proxy::before(authority(url)).await);
            }
            let through: Vec<String> = (0..3)
                .map(|index| wires[index].in_place_of(&urls[index]))
                .collect();
            let text = node(&plan, &settings, &sandbox, folder.path(), &name, &through);
            let config = folder.path().join(format!("node{number}.toml"));
            std::fs::write(&config, text).unwrap();
            nodes.push(Node {
                config,
                log: folder.path().join(format!("node{number}.log")),
                environment: off_by(clock, number),
                bridge: Mutex::new(None),
                taken: false.into(),
                wires: wires.try_into().unwrap_or_else(|_| unreachable!()),
            });
        }
        let clocks = match clock {
            Some(_) => format!(
                "clocks off by {:?} s",
                (0..plan.nodes).map(off).collect::<Vec<_>>()
            ),
            None => "clocks not moved: libfaketime is not installed".to_owned(),
        };
        let cluster = Self {
            sandbox,
            nodes,
            url,
            phones: Mutex::new(BTreeMap::new()),
            storage: urls[0].clone(),
            plan,
            up,
            own,
            running: [(); 3].map(|()| watch::Sender::new(true)),
            folder: Some(folder),
            clocks,
        };
        for number in 0..cluster.nodes.len() {
            cluster.start_node(number).await;
        }
        cluster.may_fill().await;
        cluster
    }
}

/// The library that moves a process's clock, where it is installed.
fn faketime() -> Option<&'static str> {
    let known = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/faketime/libfaketimeMT.so.1",
    ];
    known.into_iter().find(|path| Path::new(path).exists())
}

fn off(node: usize) -> i32 {
    OFF[node % OFF.len()]
}

fn off_by(library: Option<&str>, node: usize) -> Vec<(String, String)> {
    let by = off(node);
    let Some(library) = library.filter(|_| by != 0) else {
        return Vec::new();
    };
    // What is waited for is another clock's business: that one nobody sets.
    [
        ("LD_PRELOAD", library.to_owned()),
        ("FAKETIME", format!("{by:+}")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A member of the corp who answers customers.
pub(super) fn member(number: usize) -> String {
    format!("weather{number}")
}

fn platforms(plan: &Plan) -> Settings {
    let mut settings = Settings::sink();
    settings.chat_capacity = 1_000_000;
    settings.patience = Duration::from_secs(120);
    settings.tim.agents = (0..plan.agents)
        .map(|number| AgentSettings {
            user_id: format!("agent_{number}"),
            nick: format!("客服{number}"),
            online: true,
        })
        .collect();
    settings.wecom.members = (0..plan.members)
        .map(|number| WecomMember {
            user_id: member(number),
            name: format!("员工{number}"),
            activated: true,
        })
        .collect();
    settings.dify.pace = Duration::ZERO;
    settings.kf.allowance = u32::MAX;
    // Pages of a few rows, each begun with rows of the one before and followed by one with nothing in it.
    (settings.kf.page, settings.kf.overlap) = (7, 3);
    settings.kf.empty_pages = true;
    settings
}

/// Where they are, past all wires: PostgreSQL with a schema of the play's own, Redis, RabbitMQ.
async fn private_servers(name: &str) -> (Own, [String; 3]) {
    let own = match std::env::var("KEFU_WEATHER_SERVERS") {
        Ok(folder) => Own::at(folder),
        // RabbitMQ takes long to start: the tests' own is shared, and only cut off.
        Err(_) => Own::start(&["postgres", "redis"]).await,
    };
    let schema = name.replace('-', "_");
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
    (own, urls)
}

/// A node's whole configuration.
fn node(
    plan: &Plan,
    settings: &Settings,
    sandbox: &Sandbox,
    folder: &Path,
    name: &str,
    servers: &[String],
) -> String {
    let mut more = format!(
        "[cache]\nurl = \"{}\"\nprefix = \"{name}:\"\n[queue]\nurl = \"{}\"\nexchange = \"{name}\"\n",
        servers[1], servers[2]
    );
    // Who waits may say a lot meanwhile.
    more.push_str("[conversation]\ncontext_messages = 100\n");
    more.push_str(&configuration::kf(&settings.kf, "allowances = []"));
    // A mini program's inbox would rather not say a thing than say it twice: its agents are told.
    let mini = &settings.wechat.accounts[1];
    more.push_str(&configuration::mini_program(
        mini,
        "allowances = []\non_unknown = \"tell\"",
    ));
    more.push_str(&configuration::site(
        "messages_per_minute = 6000\nnew_visitors_per_minute = 6000\nsockets_per_address = 10000",
    ));
    more.push_str(&configuration::wecom(&settings.wecom, "member_rate = 30"));
    more.push_str(&format!(
        "[bots.ai]\nprovider = \"dify\"\napi_base = \"SANDBOX_URL/dify/v1\"\napi_key = \"{}\"\nretries = 1\n\
         timeout = \"6s\"\nidle_timeout = \"3s\"\n",
        DifySettings::default().apps[0].key
    ));
    for agent in 0..plan.agents {
        more.push_str(&format!(
            "[agents.a{agent}]\nuser_id = \"agent_{agent}\"\ncapacity = {}\n",
            plan.seats()
        ));
    }
    for number in 0..plan.members {
        more.push_str(&format!(
            "[agents.w{number}]\ninbox = \"work\"\nuser_id = \"{}\"\ncapacity = {}\n",
            member(number),
            Plan::SEATS_OF_A_MEMBER
        ));
    }
    let set = Set {
        assistant: false,
        storage: Some(servers[0].clone()),
        history_every: "2s",
        lease: "3s",
        mall: "allowances = []".to_owned(),
        more,
        settings: settings.clone(),
        ..Set::default()
    };
    // The stage's own agents have no account here.
    without_stage_agents(&configuration::whole(sandbox.url(), folder, &set))
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
