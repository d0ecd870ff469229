//! The bridge under test: the real program, on cores 0 and 1.

use std::{net::SocketAddr, path::Path, process::Child, time::Instant};

use crate::{
    floors::{free_port, pinned, wait_for},
    messages,
};

const AGENTS: u32 = 200;

/// What a bridge keeps its messages on.
pub enum Back<'a> {
    /// A database file of its own.
    Fresh,
    /// That database file.
    File(&'a Path),
    /// Servers that several nodes share.
    Shared(&'a Shared),
}

/// PostgreSQL, Redis and RabbitMQ.
pub struct Shared {
    pub postgres: String,
    pub redis: String,
    pub rabbitmq: String,
    /// Begins every name in Redis and RabbitMQ.
    pub name: String,
}

/// A running bridge: one node.
pub struct Bridge {
    child: Child,
    _folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub ready_ms: u128,
}

impl Bridge {
    /// Starts it against platforms at `platforms`.
    pub async fn start(program: &Path, platforms: &str, back: &Back<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let config = folder.path().join("config.toml");
        std::fs::write(&config, configuration(port, platforms, folder.path(), back))?;
        let started = Instant::now();
        let child = pinned(program)
            .args(["serve", "-c"])
            .arg(&config)
            .env("RUST_LOG", "error")
            .spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_for(address)?;
        // Listening comes last but for the store's own word.
        while !reqwest::get(format!("http://{address}/readyz"))
            .await?
            .status()
            .is_success()
        {
            tokio::task::yield_now().await;
        }
        Ok(Self {
            child,
            _folder: folder,
            address,
            ready_ms: started.elapsed().as_millis(),
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in MB.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| {
            line.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<f64>()
                .ok()
        });
        kilobytes.unwrap_or_default() / 1024.0
    }
}

impl Bridge {
    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.kill();
    }
}

/// As many as so many contacts need.
fn agents() -> String {
    let agent = |number| {
        format!("[agents.a{number:03}]\nuser_id = \"agent_{number:03}\"\ncapacity = 1000000\n")
    };
    (0..AGENTS).map(agent).collect()
}

fn configuration(port: u16, platforms: &str, folder: &Path, back: &Back<'_>) -> String {
    let folder = folder.display();
    let storage = match back {
        Back::Fresh => format!("[storage]\nurl = \"sqlite://{folder}/kefu.db\""),
        Back::File(path) => format!("[storage]\nurl = \"sqlite://{}\"", path.display()),
        Back::Shared(shared) => format!(
            "[storage]\nurl = \"{}\"\n[cache]\nurl = \"{}\"\nprefix = \"{name}:\"\n[queue]\nurl = \"{}\"\nexchange = \"{name}\"",
            shared.postgres,
            shared.redis,
            shared.rabbitmq,
            name = shared.name
        ),
    };
    format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
workers = 2
{storage}
[media]
dir = "{folder}/media"
[inboxes.mall]
channel = "wechat"
app_id = "{app_id}"
app_secret = "secret"
token = "{token}"
encoding_aes_key = "{key}"
api_base = "{platforms}/wechat"
[inboxes.desk]
channel = "tencent-im"
sdk_app_id = 1400000001
secret_key = "3b9f0c1d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8"
callback_token = "t"
api_base = "{platforms}/tim"
api_rate = 0
history_every = "0s"
[routing]
desk = "desk"
{agents}"#,
        agents = agents(),
        app_id = messages::APP_ID,
        token = messages::TOKEN,
        key = messages::KEY,
    )
}
