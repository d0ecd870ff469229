//! The binary as its users have it: it knows Acme's bot and channel, and in its sandbox the bot answers a customer.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_acme-kefu");
/// More than enough on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn it_knows_what_is_linked_and_where_it_comes_from() {
    let output = Command::new(BINARY).args(["plugins", "--json"]).output();
    let plugins: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let crate_of = |kind: &str, name: &str| {
        let known = plugins[kind].as_array().unwrap();
        let found = known.iter().find(|plugin| plugin["name"] == name);
        found.map(|plugin| plugin["crate"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(crate_of("bots", "weather").as_deref(), Some("acme-weather"));
    assert_eq!(
        crate_of("channels", "acme-webhook").as_deref(),
        Some("acme-webhook")
    );
    assert_eq!(crate_of("guards", "faq").as_deref(), Some("acme-faq"));
    assert_eq!(
        crate_of("bots", "transfer").as_deref(),
        Some("bridge-plugins")
    );
}

/// The sandbox as a process, asked to stop at the end so that it takes its files with it.
struct Sandbox {
    process: Child,
    base: String,
}

impl Sandbox {
    fn start(more: &[&str]) -> Self {
        let mut process = Command::new(BINARY)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let base = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, address) = line.split_once("http://")?;
            line.contains("everything")
                .then(|| format!("http://{}", address.trim_end_matches('/')))
        });
        // What it goes on saying must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            base: base.expect("it prints its addresses"),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.process.wait();
    }
}

/// What a customer of the sandbox hears who says this.
async fn hears(sandbox: &Sandbox, said: &str, wanted: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .timeout(PATIENCE)
        .build()
        .unwrap();
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{}/box/{path}", sandbox.base));
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice::<Value>(&answer).unwrap()
    };
    let events = http.get(format!("{}/box/events", sandbox.base));
    let mut events = events.send().await.unwrap();
    let customer = post("customers", json!({ "nickname": "小周" })).await;
    let messages = format!(
        "customers/{}/messages",
        customer["openid"].as_str().unwrap()
    );
    post(&messages, json!({ "type": "text", "text": said })).await;

    let mut heard = Vec::new();
    while let Some(piece) = events.chunk().await.unwrap() {
        heard.extend_from_slice(&piece);
        if String::from_utf8_lossy(&heard).contains(wanted) {
            return;
        }
    }
    panic!("nothing was answered: {}", String::from_utf8_lossy(&heard));
}

#[tokio::test]
async fn a_customer_in_the_sandbox_is_told_the_weather() {
    let sandbox = Sandbox::start(&[]);
    hears(&sandbox, "＃天气　上海", "天气预报：上海，多云").await;
}

/// What needs a section of its own is tried in the sandbox, too.
#[tokio::test]
async fn a_customer_in_the_sandbox_is_answered_by_the_guard() {
    let folder = tempfile::tempdir().unwrap();
    let more = folder.path().join("more.toml");
    let section = "[guards.faq]\nanswers = { \"营业时间\" = \"九点到十八点\" }\n\n[bots.weather]\ngreeting = \"今天\"\n";
    std::fs::write(&more, section).unwrap();
    let sandbox = Sandbox::start(&["--with", more.to_str().unwrap()]);
    hears(&sandbox, "营业时间？", "九点到十八点").await;
    hears(&sandbox, "#天气 上海", "今天：上海，多云").await;
}

#[test]
fn what_is_wrong_with_such_a_section_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let more = folder.path().join("more.toml");
    let refused = |section: &str| {
        std::fs::write(&more, section).unwrap();
        let with = ["sandbox", "--listen", "127.0.0.1:0", "--with"];
        let output = Command::new(BINARY).args(with).arg(&more).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{section}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused("[guards.faq]\nanswer = 1\n");
    assert!(said.contains("guards.faq"), "{said}");
    let said = refused("[guards.fqa]\n");
    assert!(said.contains("fqa") && said.contains("faq"), "{said}");
    let said = refused("[guards.faq\n");
    assert!(said.contains("line 1"), "{said}");
}
