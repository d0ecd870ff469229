//! A visitor of a site: what the page does over its socket, frame by frame.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A visitor who is connected.
pub struct Visitor {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub token: String,
    /// The server's time at the welcome, in seconds.
    pub now: i64,
    /// Every line shown so far, in the order shown.
    pub lines: Vec<Value>,
    /// Tells this visit's ids from those of other tabs.
    visit: u32,
    said: u32,
}

/// Opens a socket as a page of this origin.
pub async fn knock(
    bridge: &str,
    origin: Option<&str>,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, Error> {
    let url = format!("{}/web/site/ws", bridge.replacen("http", "ws", 1));
    let mut request = url.into_client_request().unwrap();
    if let Some(origin) = origin {
        request
            .headers_mut()
            .insert("origin", origin.parse().unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

impl Visitor {
    /// Somebody new.
    pub async fn comes(bridge: &str) -> Self {
        Self::back(bridge, None, None).await
    }

    /// Somebody with a token, who has seen the lines up to one.
    pub async fn back(bridge: &str, token: Option<&str>, after: Option<i64>) -> Self {
        let socket = knock(bridge, Some(bridge)).await.unwrap();
        let mut visitor = Self {
            socket,
            token: String::new(),
            now: 0,
            lines: Vec::new(),
            visit: rand::random(),
            said: 0,
        };
        let hello = json!({ "t": "hello", "token": token, "after": after });
        visitor.sends(hello.to_string()).await;
        let welcome = visitor.hears("welcome").await;
        visitor.token = welcome["token"].as_str().unwrap().to_owned();
        visitor.now = welcome["now"].as_i64().unwrap() / 1000;
        visitor
    }

    pub async fn sends(&mut self, frame: String) {
        self.socket.send(Message::text(frame)).await.unwrap();
    }

    pub async fn sends_raw(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// An id that no other message of this visit has.
    pub fn id(&mut self) -> String {
        self.said += 1;
        format!("{}-{:08x}{:08}", self.now, self.visit, self.said)
    }

    /// Says something; the server's answer to it.
    pub async fn says(&mut self, text: &str) -> Value {
        let id = self.id();
        self.says_as(&id, text).await
    }

    /// The same under an id of the caller's own.
    pub async fn says_as(&mut self, id: &str, text: &str) -> Value {
        let say = json!({ "t": "say", "id": id, "kind": "text", "text": text });
        self.answer(say).await
    }

    /// Sends a frame that says something; the answer to its id.
    pub async fn answer(&mut self, say: Value) -> Value {
        let id = say["id"].clone();
        self.sends(say.to_string()).await;
        self.hears_which("an answer", |frame| {
            frame["id"] == id && (frame["t"] == "taken" || frame["t"] == "refused")
        })
        .await
    }

    /// The next frame of a kind.
    pub async fn hears(&mut self, kind: &str) -> Value {
        self.hears_which(kind, |frame| frame["t"] == kind).await
    }

    /// Waits for a line with these words; lines shown before count.
    pub async fn reads(&mut self, words: &str) -> Value {
        let has = |line: &Value| line["content"].to_string().contains(words);
        loop {
            if let Some(line) = self.lines.iter().find(|line| has(line)) {
                return line.clone();
            }
            self.hears_which(words, |frame| {
                frame["t"] == "lines" || frame["t"] == "earlier"
            })
            .await;
        }
    }

    /// The number of the last line shown.
    pub fn last(&self) -> i64 {
        self.lines
            .iter()
            .filter_map(|line| line["n"].as_i64())
            .max()
            .unwrap_or(0)
    }

    /// All words shown, in order.
    pub fn words(&self) -> Vec<String> {
        let words = |line: &Value| line["content"]["text"].as_str().map(str::to_owned);
        self.lines.iter().filter_map(words).collect()
    }

    /// Waits until the server closes the socket; the code it gives.
    pub async fn is_shown_out(&mut self) -> CloseCode {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => return code,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return CloseCode::Abnormal,
            }
        }
    }

    /// Goes without a word.
    pub async fn is_cut(self) -> String {
        drop(self.socket);
        self.token
    }

    async fn next(&mut self) -> Option<Result<Message, Error>> {
        tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("the server says nothing")
    }

    /// The next frame that is wanted.
    pub async fn hears_which(&mut self, what: &str, which: impl Fn(&Value) -> bool) -> Value {
        // Pings keep coming: it is the frame that is waited for, not any sign of life.
        let heard = async {
            loop {
                let message = match self.socket.next().await {
                    Some(Ok(message)) => message,
                    other => panic!("waiting for {what}: {other:?}"),
                };
                let Message::Text(text) = message else {
                    continue;
                };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if let Some(lines) = frame["lines"].as_array() {
                    self.lines.extend(lines.iter().cloned());
                }
                if which(&frame) {
                    return frame;
                }
            }
        };
        let heard = tokio::time::timeout(PATIENCE, heard).await;
        heard.unwrap_or_else(|_| panic!("{what} was not heard"))
    }
}
