//! The stage: platforms, and the bridge as a process.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use bridge_sandbox::{Sandbox, Settings, tim, wechat};
use bridge_testkit::servers::{self, unique};

use crate::configuration;

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// How long anything may be in work. What a killed node was sending is sent again when its lease is over; a platform's rate
/// may take longer.
const SETTLED: Duration = Duration::from_secs(60);

/// What the bridge keeps its books on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backs {
    /// A file, and the process itself.
    #[default]
    Embedded,
    /// PostgreSQL, Redis and RabbitMQ, as a cluster has it.
    Servers,
}

/// Gives a play twice: on the embedded back ends and on a cluster's.
macro_rules! on_both_backs {
    ($($play:ident),+ $(,)?) => {$(
        mod $play {
            use crate::stage::Backs;

            #[tokio::test(flavor = "multi_thread")]
            async fn embedded() {
                super::$play(Backs::Embedded).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_servers() {
                super::$play(Backs::Servers).await;
            }
        }
    )+};
}
pub(crate) use on_both_backs;

/// A play: platforms, a bridge, and who is on.
pub struct Stage {
    pub sandbox: Sandbox,
    pub bridge: Bridge,
    pub folder: tempfile::TempDir,
}

/// How the bridge is set up.
pub struct Set {
    /// Seats of each agent.
    pub capacity: u32,
    /// More TOML.
    pub more: String,
    /// More of the official account's section.
    pub mall: String,
    /// What it keeps its books on.
    pub backs: Backs,
    /// The database; none: a file in the stage's folder.
    pub storage: Option<String>,
    /// How often the desk's history is pulled.
    pub history_every: &'static str,
    /// When the work of a node that is gone is taken over.
    pub lease: &'static str,
    /// How long a node that goes listens at least.
    pub drain_delay: &'static str,
    /// Calls a second to the desk; 0: any number.
    pub api_rate: u32,
    /// Redis, where it is not the common one.
    pub redis: Option<String>,
    /// Whether there is an assistant.
    pub assistant: bool,
    pub settings: Settings,
}

impl Default for Set {
    fn default() -> Self {
        Self {
            capacity: 5,
            more: String::new(),
            mall: String::new(),
            backs: Backs::Embedded,
            storage: None,
            history_every: "0s",
            lease: "10s",
            drain_delay: "0s",
            api_rate: 0,
            redis: None,
            assistant: true,
            settings: Settings::default(),
        }
    }
}

impl Stage {
    pub async fn usual() -> Self {
        Self::with(Set::default()).await
    }

    /// Without an assistant: whoever asks for a person gets one.
    pub async fn of_people() -> Self {
        Self::with(Set {
            assistant: false,
            ..Set::default()
        })
        .await
    }

    pub async fn with(mut set: Set) -> Self {
        // Several tests of one process come by here; all but the first find it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        if set.backs == Backs::Servers {
            on_servers(&mut set).await;
        }
        let sandbox = Sandbox::start(set.settings.clone()).unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(
            &config,
            configuration::whole(sandbox.url(), folder.path(), &set),
        )
        .unwrap();
        let bridge = Bridge::start(&config);
        sandbox.set_bridge(&bridge.url);
        Self {
            sandbox,
            bridge,
            folder,
        }
    }

    pub fn phone(&self, name: &str) -> wechat::Phone {
        self.sandbox.wechat().phone(name)
    }

    pub fn agent(&self, name: &str) -> tim::Client {
        self.sandbox.tim().client(&format!("agent_{name}")).unwrap()
    }

    /// The customer 小周 asks for a person and gets the agent `system`: the phone, the agent's client, and the chat
    /// there that is the customer's.
    pub async fn handed(&self) -> (wechat::Phone, tim::Client, String) {
        let (phone, system) = (self.phone("小周"), self.agent("system"));
        assert!(phone.says("人工").await.delivered());
        let peer = system.hears_text("新会话").await.unwrap().peer;
        (phone, system, peer)
    }

    /// Kills the bridge as a power cut would, and starts it again on what it left.
    pub fn kill_and_restart(&mut self) {
        self.bridge.kill();
        self.bridge = Bridge::start(&self.config());
        self.sandbox.set_bridge(&self.bridge.url);
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// What the bridge says of itself.
    pub async fn ready(&self) -> serde_json::Value {
        reqwest::get(format!("{}/readyz", self.bridge.url))
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Waits until nothing is in work any more: every test leaves the stage swept.
    pub async fn settled(&self) {
        self.depths_are(|depth| depth("arrivals") + depth("dispatches") + depth("errands") == 0)
            .await;
    }

    /// The same, but for what waits until a contact speaks: what is held, and what stands behind it in its lane.
    pub async fn settled_or_held(&self) {
        self.depths_are(|depth| {
            let waits = depth("dispatches") == 0 || depth("held") > 0;
            waits && depth("arrivals") + depth("errands") == 0
        })
        .await;
    }

    async fn depths_are(&self, wanted: impl Fn(&dyn Fn(&str) -> u64) -> bool) {
        let began = Instant::now();
        loop {
            let last = self.ready().await;
            if wanted(&|of| last["depths"][of].as_u64().unwrap_or(1)) {
                return;
            }
            assert!(
                began.elapsed() < SETTLED,
                "something was left unsettled: {last}"
            );
            // The depths are read over HTTP: there is no event to wait for.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A schema, a prefix and an exchange of the play's own. They go with the servers, which are this test run's.
async fn on_servers(set: &mut Set) {
    let name = unique("play");
    let schema = name.replace('-', "_");
    let (db, connection) = tokio_postgres::connect(&servers::postgres(), tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let create = format!("CREATE SCHEMA {schema}");
    db.batch_execute(&create).await.unwrap();
    // A node that was killed has its work until its lease is over: several nodes share these servers.
    if set.lease == Set::default().lease {
        set.lease = "1s";
    }
    set.settings.patience = set.settings.patience.max(SETTLED);
    set.storage = Some(format!(
        "{}?options=-csearch_path%3D{schema}",
        servers::postgres()
    ));
    set.more.push_str(&format!(
        "\n[cache]\nurl = \"{}\"\nprefix = \"{name}:\"\n[queue]\nurl = \"{}\"\nexchange = \"{name}\"\n",
        set.redis.clone().unwrap_or_else(servers::redis),
        servers::rabbitmq()
    ));
}

/// The bridge as a process.
pub struct Bridge {
    child: Child,
    pub url: String,
}

impl Bridge {
    pub fn start(config: &Path) -> Self {
        Self::try_start(config).expect("the bridge did not start")
    }

    /// `None` where it ended instead of listening.
    pub fn try_start(config: &Path) -> Option<Self> {
        // Shown by the test runner where a test fails.
        Self::try_start_in(config, &[], |line| println!("bridge: {line}"))
    }

    /// The same with more in its environment, and what it logs given away line by line.
    pub fn try_start_in(
        config: &Path,
        environment: &[(String, String)],
        log: impl Fn(&str) + Send + 'static,
    ) -> Option<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kefu-bridge"))
            .args(["serve", "-c"])
            .arg(config)
            .env("RUST_LOG", "info")
            .envs(environment.iter().cloned())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening\",\"listen\":\"") {
                    let _ = tell.send(address.split('"').next().unwrap_or_default().to_owned());
                }
                log(&line);
            }
        });
        match told.recv_timeout(START) {
            Ok(address) => Some(Self {
                child,
                url: format!("http://{address}"),
            }),
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                None
            }
        }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as an operator would; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
