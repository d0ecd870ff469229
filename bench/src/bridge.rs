//! The bridge under test: the real program, on cores 0 and 1.

use std::{net::SocketAddr, path::Path, process::Child, time::Instant};

use crate::{
    floors::{free_port, pinned, wait_for},
    messages,
};

/// A running bridge.
pub struct Bridge {
    child: Child,
    _folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub ready_ms: u128,
}

impl Bridge {
    /// Starts it against platforms at `platforms`.
    pub async fn start(program: &Path, platforms: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let config = folder.path().join("config.toml");
        std::fs::write(&config, configuration(port, platforms, folder.path()))?;
        let started = Instant::now();
        let child = pinned(program)
            .args(["serve", "-c"])
            .arg(&config)
            .env("RUST_LOG", "error")
            .spawn()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        wait_for(address)?;
        Ok(Self {
            child,
            _folder: folder,
            address,
            ready_ms: started.elapsed().as_millis(),
        })
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

impl Drop for Bridge {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(port: u16, platforms: &str, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
[server]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
workers = 2
[storage]
url = "sqlite://{folder}/kefu.db"
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
[agents.system]
user_id = "agent_system"
capacity = 1000000
"#,
        app_id = messages::APP_ID,
        token = messages::TOKEN,
        key = messages::KEY,
    )
}
