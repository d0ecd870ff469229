//! A Dify to test against: it answers by script, byte for byte as recorded, as slowly and as brokenly as a test wants,
//! and tells what it was asked.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
};

use crate::request::Request;

/// One answer of the script.
pub(super) struct Scripted {
    /// What the request line must begin with.
    route: String,
    bytes: Vec<u8>,
    end: End,
}

enum End {
    /// Closes the connection after the bytes.
    Close,
    /// Keeps it open until the caller goes; then says so.
    Hang(oneshot::Sender<()>),
    /// Waits for leave before the bytes.
    After(oneshot::Receiver<()>),
}

/// The peer.
pub(super) struct Peer {
    /// `http://127.0.0.1:PORT/v1`.
    pub(super) base: String,
    script: Arc<Mutex<VecDeque<Scripted>>>,
    asked: mpsc::UnboundedReceiver<Request>,
}

impl Peer {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(Mutex::new(VecDeque::new()));
        let (tell, asked) = mpsc::unbounded_channel();
        let scripted = script.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, scripted.clone(), tell.clone()));
            }
        });
        Self {
            base: format!("http://{address}/v1"),
            script,
            asked,
        }
    }

    /// The next request.
    pub(super) async fn asked(&mut self) -> Request {
        self.asked.recv().await.unwrap()
    }

    /// The requests that came and were not looked at, by their lines.
    pub(super) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.asked.try_recv().ok())
            .map(|asked| asked.line)
            .collect()
    }

    /// How many answers of the script were not asked for.
    pub(super) fn unused(&self) -> usize {
        self.script.lock().unwrap().len()
    }

    fn push(&self, route: &str, bytes: Vec<u8>, end: End) {
        self.script.lock().unwrap().push_back(Scripted {
            route: route.to_owned(),
            bytes,
            end,
        });
    }

    /// Answers with these bytes, head included.
    pub(super) fn raw(&self, route: &str, bytes: impl Into<Vec<u8>>) {
        self.push(route, bytes.into(), End::Close);
    }

    pub(super) fn json(&self, route: &str, status: u16, body: &str) {
        self.raw(route, response(status, "application/json", "", body));
    }

    pub(super) fn chat_refused(&self, status: u16, body: &str) {
        self.json(CHAT, status, body);
    }

    /// Answers a question with these events, then closes.
    pub(super) fn chat_events(&self, events: &[&str]) {
        self.raw(CHAT, stream(events));
    }

    /// Answers a question as it was once answered: the `at`-th exchange of a recording.
    pub(super) fn chat_recorded(&self, file: &str, at: usize) {
        self.raw(CHAT, recorded(file, at));
    }

    /// Begins to answer and then says nothing more; resolves when the caller is gone.
    pub(super) fn chat_hangs(&self, events: &[&str]) -> oneshot::Receiver<()> {
        let (gone, is_gone) = oneshot::channel();
        self.push(CHAT, stream(events), End::Hang(gone));
        is_gone
    }

    /// Answers a question once it may.
    pub(super) fn chat_waits(&self, events: &[&str]) -> oneshot::Sender<()> {
        let (leave, may) = oneshot::channel();
        self.push(CHAT, stream(events), End::After(may));
        leave
    }
}

pub(super) const CHAT: &str = "POST /v1/chat-messages ";
pub(super) const MESSAGES: &str = "GET /v1/messages?";
pub(super) const UPLOAD: &str = "POST /v1/files/upload ";

pub(super) fn response(status: u16, mime: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Any\r\nContent-Type: {mime}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn stream(events: &[&str]) -> Vec<u8> {
    let body: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nConnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// A recorded response. Its body was recorded without HTTP's framing, so that the headers which name it go.
fn recorded(file: &str, at: usize) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/dify");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let part = text.split("### RESPONSE\n").nth(at + 1).unwrap();
    let part = part.split("### END").next().unwrap().replace("\r\n", "\n");
    let (head, body) = part.split_once("\n\n").unwrap();
    let framing = ["transfer-encoding", "content-length", "connection"];
    let head: Vec<&str> = head
        .lines()
        .filter(|line| {
            !framing
                .iter()
                .any(|name| line.to_lowercase().starts_with(name))
        })
        .collect();
    let body = if head.iter().any(|line| line.contains("event-stream")) {
        body
    } else {
        body.trim_end()
    };
    format!("{}\r\nConnection: close\r\n\r\n{body}", head.join("\r\n")).into_bytes()
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<VecDeque<Scripted>>>,
    tell: mpsc::UnboundedSender<Request>,
) {
    let Some(asked) = Request::read(&mut stream).await else {
        return;
    };
    let line = asked.line.clone();
    let scripted = {
        let mut script = script.lock().unwrap();
        let at = script.iter().position(|next| line.starts_with(&next.route));
        at.and_then(|at| script.remove(at))
    };
    // A test may have ended.
    let _ = tell.send(asked);
    match scripted {
        Some(Scripted { bytes, end, .. }) => answer(stream, bytes, end).await,
        None => {
            let nothing = response(
                400,
                "application/json",
                "",
                r#"{"code":"unscripted","message":"?"}"#,
            );
            let _ = stream.write_all(nothing.as_bytes()).await;
        }
    }
}

async fn answer(mut stream: TcpStream, bytes: Vec<u8>, end: End) {
    match end {
        End::Close => {
            let _ = stream.write_all(&bytes).await;
        }
        End::Hang(gone) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.read(&mut [0; 1]).await;
            let _ = gone.send(());
        }
        End::After(may) => {
            let _ = may.await;
            let _ = stream.write_all(&bytes).await;
        }
    }
    let _ = stream.shutdown().await;
}
