//! A page of a site in bad weather: it comes back whenever its socket is gone, with its token and the last line it was shown, and
//! says what was not answered again, under the same id.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::Shown;
use crate::visitor::knock;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long an answer may take before the page takes its socket for dead.
const DEAD: Duration = Duration::from_secs(4);

/// A page that is open.
#[derive(Clone)]
pub struct Page {
    told: Arc<Mutex<Told>>,
    says: mpsc::Sender<Say>,
}

/// What it knows.
#[derive(Default)]
struct Told {
    token: Option<String>,
    lines: Vec<Shown>,
    last: i64,
    trace: Option<i64>,
    complaints: Vec<String>,
}

struct Say {
    text: String,
    taken: oneshot::Sender<bool>,
}

/// What waits for an answer.
struct Pending {
    id: String,
    say: Say,
    since: Instant,
}

impl Page {
    pub fn open(bridge: &str, name: &str) -> Self {
        let (says, said) = mpsc::channel(1);
        let told = Arc::<Mutex<Told>>::default();
        let page = Live {
            bridge: bridge.to_owned(),
            name: name.to_owned(),
            told: told.clone(),
            said,
            pending: None,
        };
        tokio::spawn(page.live());
        Self { told, says }
    }

    pub async fn says(&self, text: &str) -> bool {
        let (taken, answer) = oneshot::channel();
        let text = text.to_owned();
        // The page lives as long as the play.
        self.says.send(Say { text, taken }).await.ok();
        answer.await.unwrap_or_default()
    }

    pub fn chat(&self) -> Vec<Shown> {
        self.told.lock().lines.clone()
    }

    pub fn trace(&self) -> Option<i64> {
        self.told.lock().trace
    }

    pub fn complaints(&self) -> Vec<String> {
        self.told.lock().complaints.clone()
    }
}

struct Live {
    bridge: String,
    name: String,
    told: Arc<Mutex<Told>>,
    said: mpsc::Receiver<Say>,
    pending: Option<Pending>,
}

impl Live {
    async fn live(mut self) {
        loop {
            if let Ok(Ok(socket)) =
                tokio::time::timeout(DEAD, knock(&self.bridge, Some(&self.bridge))).await
            {
                self.visit(socket).await;
            }
            if self.said.is_closed() {
                return;
            }
            // As a page does: not at once.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Until the socket is gone.
    async fn visit(&mut self, mut socket: Socket) {
        let hello = {
            let told = self.told.lock();
            json!({ "t": "hello", "token": told.token, "after": told.last })
        };
        let mut now = None;
        if socket.send(Message::text(hello.to_string())).await.is_err() {
            return;
        }
        let mut silent = Instant::now();
        loop {
            tokio::select! {
                frame = socket.next() => {
                    silent = Instant::now();
                    let Some(Ok(message)) = frame else { return };
                    let Message::Text(text) = message else { continue };
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["t"] == "welcome" {
                        now = frame["now"].as_i64();
                    }
                    if self.hears(&frame) && self.repeat(&mut socket).await.is_none() {
                        return;
                    }
                }
                say = self.said.recv(), if now.is_some() && self.pending.is_none() => {
                    let Some(say) = say else { return };
                    let second = now.unwrap_or_default() / 1000;
                    let id = format!("{second}-{:016x}", rand::random::<u64>());
                    self.pending = Some(Pending { id, say, since: Instant::now() });
                    if self.repeat(&mut socket).await.is_none() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(silent + DEAD), if now.is_none() || self.pending.is_some() => return,
            }
        }
    }

    /// Takes in a frame; whether what waits is to be said (again).
    fn hears(&mut self, frame: &Value) -> bool {
        for line in frame["lines"].as_array().into_iter().flatten() {
            self.told.lock().shows(line);
        }
        let is_mine = |pending: &Pending| frame["id"] == pending.id.as_str();
        match frame["t"].as_str() {
            Some("welcome") => {
                self.told.lock().token = frame["token"].as_str().map(str::to_owned);
                self.pending.is_some()
            }
            Some("taken") if self.pending.as_ref().is_some_and(is_mine) => {
                self.answered(true);
                false
            }
            Some("refused") if self.pending.as_ref().is_some_and(is_mine) => {
                // What is busy is asked again; what has grown too old on the way never will be taken.
                if frame["why"] != "busy" && frame["why"] != "too_fast" {
                    self.answered(false);
                }
                self.pending.is_some()
            }
            _ => false,
        }
    }

    fn answered(&mut self, taken: bool) {
        if let Some(pending) = self.pending.take() {
            // Whoever asked may be gone.
            let _ = pending.say.taken.send(taken);
        }
    }

    async fn repeat(&mut self, socket: &mut Socket) -> Option<()> {
        let pending = self.pending.as_ref()?;
        if pending.since.elapsed() > Duration::from_millis(20) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let (id, text) = (&pending.id, &pending.say.text);
        let say = json!({ "t": "say", "id": id, "kind": "text", "text": text, "name": self.name });
        socket.send(Message::text(say.to_string())).await.ok()
    }
}

impl Told {
    fn shows(&mut self, line: &Value) {
        let number = line["n"].as_i64().unwrap_or_default();
        let text = line["content"]["text"].as_str().unwrap_or_default();
        if number <= self.last {
            let complaint = format!("line {number} ({text}) is shown after line {}", self.last);
            self.complaints.push(complaint);
        }
        self.last = self.last.max(number);
        self.trace = line["trace"].as_i64().or(self.trace);
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        self.lines.push(Shown {
            at: since.map_or(0, |since| since.as_millis() as i64),
            own: line["by"] == "contact",
            text: text.to_owned(),
        });
    }
}
