//! The private servers of a test run. A test that needs one fails where it is missing: a suite that skips itself proves
//! nothing. What kills its servers brings its own ([`Own`]).

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The URL of the PostgreSQL, Redis or RabbitMQ that `name` gives.
fn url(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `./dev test`, or `./dev servers up` and then `. FOLDER/env`")
    })
}

/// PostgreSQL.
pub fn postgres() -> String {
    url("KEFU_TEST_POSTGRES")
}

/// Redis.
pub fn redis() -> String {
    url("KEFU_TEST_REDIS")
}

/// RabbitMQ.
pub fn rabbitmq() -> String {
    url("KEFU_TEST_RABBITMQ")
}

/// A name nobody else uses, for prefixes, exchanges and databases of one test.
pub fn unique(name: &str) -> String {
    format!("test-{name}-{:08x}", rand::random::<u32>())
}

/// Servers of one test's own, which may be killed and started again.
pub struct Own {
    folder: PathBuf,
    /// Somebody else's, who ends them.
    lent: bool,
}

impl Own {
    /// Starts those of `postgres`, `redis` and `rabbitmq` that are named. They end with this value, or else with this process.
    pub async fn start(names: &'static [&'static str]) -> Self {
        let started = tokio::task::spawn_blocking(move || {
            let up = Command::new(script("up"))
                .args(names)
                .env("KEFU_SERVERS_WITH", std::process::id().to_string())
                .stdout(Stdio::piped())
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&up.stderr).into_owned();
            assert!(up.status.success(), "the servers did not start: {told}");
            PathBuf::from(String::from_utf8(up.stdout).unwrap().trim())
        });
        Self {
            folder: started.await.unwrap(),
            lent: false,
        }
    }

    /// Those that `up` started in a folder, for nobody else's use.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            lent: true,
        }
    }

    /// The URL of one of them, if it is among them.
    pub fn url(&self, name: &str) -> Option<String> {
        let env = std::fs::read_to_string(self.folder.join("env")).unwrap();
        let begin = format!("export KEFU_TEST_{}=", name.to_uppercase());
        let found = env.lines().find_map(|line| line.strip_prefix(&begin));
        found.map(str::to_owned)
    }

    /// `kill -9` of everything that is of this server; it runs no more when this returns.
    pub async fn crash(&self, name: &'static str) {
        self.run("crash", name).await;
    }

    /// Starts it again on what it left; it takes connections when this returns.
    pub async fn start_again(&self, name: &'static str) {
        self.run("start", name).await;
    }

    /// Tells RabbitMQ's operator's tool some words; what it says.
    pub async fn rabbitmqctl(&self, words: &str) -> String {
        let mut told = Command::new(script("rabbitmqctl"));
        told.arg(&self.folder).args(words.split(' '));
        let words = words.to_owned();
        let done = tokio::task::spawn_blocking(move || {
            let done = told.output().unwrap();
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "rabbitmqctl {words}: {why}");
            String::from_utf8(done.stdout).unwrap()
        });
        done.await.unwrap()
    }

    /// Stops it as a machine that hangs: connections stay, and nothing answers, until [`Own::thaw`].
    pub async fn freeze(&self, name: &'static str) {
        self.run("freeze", name).await;
    }

    /// It goes on in the belief that nothing happened.
    pub async fn thaw(&self, name: &'static str) {
        self.run("thaw", name).await;
    }

    async fn run(&self, what: &'static str, name: &'static str) {
        let folder = self.folder.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let status = Command::new(script(what)).arg(folder).arg(name).status();
            assert!(status.unwrap().success(), "{what} {name}");
        });
        ran.await.unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if !self.lent {
            // Nothing is to be done about servers that do not end.
            let _ = Command::new(script("down")).arg(&self.folder).status();
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../servers")
        .join(name)
}
