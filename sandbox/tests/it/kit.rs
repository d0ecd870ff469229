//! A bridge that only notes what it gets, and callers for the three platforms.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bridge_sandbox::{Clock, Hand, Sandbox, Settings};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use reqwest::Client;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;

pub const ADMIN: &str = "administrator";

/// What the bridge got.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub content_type: String,
    pub body: String,
}

impl Got {
    pub fn param(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// How the bridge reacts to the next callback.
pub enum Reaction {
    Says(u16, String),
    /// Never answers.
    Hangs,
}

#[derive(Default)]
struct Notes {
    got: Mutex<Vec<Got>>,
    seen: Mutex<usize>,
    reactions: Mutex<VecDeque<Reaction>>,
    news: Notify,
}

/// A bridge that notes what it gets and says what a platform expects.
pub struct Bridge {
    notes: Arc<Notes>,
    server: ServerHandle,
    pub url: String,
}

impl Bridge {
    pub fn start() -> Self {
        let notes = Arc::new(Notes::default());
        let data = web::Data::from(notes.clone());
        let app = move || {
            App::new()
                .app_data(data.clone())
                .default_service(web::to(take))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            notes,
            server: handle,
            url,
        }
    }

    /// Reacts so to the next callback that has no reaction yet.
    pub fn will(&self, reaction: Reaction) {
        self.notes.reactions.lock().push_back(reaction);
    }

    pub fn will_say(&self, status: u16, body: &str) {
        self.will(Reaction::Says(status, body.to_owned()));
    }

    pub fn got(&self) -> Vec<Got> {
        self.notes.got.lock().clone()
    }

    /// The next callback not seen yet.
    pub async fn gets(&self) -> Got {
        let next = async {
            loop {
                let news = self.notes.news.notified();
                let got = self.notes.got.lock().get(*self.notes.seen.lock()).cloned();
                if let Some(got) = got {
                    *self.notes.seen.lock() += 1;
                    return got;
                }
                news.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), next)
            .await
            .expect("no callback came")
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn take(request: HttpRequest, body: String, notes: web::Data<Notes>) -> HttpResponse {
    let query = url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned();
    let header = request.headers().get("content-type");
    notes.got.lock().push(Got {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: query.collect(),
        content_type: header.map_or(String::new(), |v| v.to_str().unwrap().to_owned()),
        body,
    });
    notes.news.notify_waiters();
    let reaction = notes.reactions.lock().pop_front();
    match reaction {
        Some(Reaction::Says(status, body)) => {
            HttpResponse::build(status.try_into().unwrap()).body(body)
        }
        Some(Reaction::Hangs) => std::future::pending().await,
        None if request.path() == "/callback/mall" => HttpResponse::Ok().body("success"),
        None => {
            HttpResponse::Ok().json(json!({"ActionStatus": "OK", "ErrorInfo": "", "ErrorCode": 0}))
        }
    }
}

/// A sandbox whose time is moved by hand, a bridge it knows, and a client.
pub struct World {
    pub sandbox: Sandbox,
    pub bridge: Bridge,
    pub hand: Hand,
    pub http: Client,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let (clock, hand) = Clock::by_hand();
        let mut settings = Settings {
            clock,
            seed: Some(42),
            ..Settings::default()
        };
        settings.dify.pace = Duration::ZERO;
        change(&mut settings);
        let sandbox = Sandbox::start(settings).unwrap();
        let bridge = Bridge::start();
        sandbox.set_bridge(&bridge.url);
        Self {
            sandbox,
            bridge,
            hand,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub fn seconds(&self) -> i64 {
        let time = self
            .hand
            .time()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        time.as_secs().try_into().unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.sandbox.url());
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(
            self.http.post(format!("{}{path}", self.sandbox.url())),
            body,
        )
        .await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder, body: &Value) -> (u16, Value) {
        let answer = request.body(body.to_string()).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    /// A WeChat token of the first account.
    pub async fn token(&self) -> String {
        let account = &self.sandbox.wechat().accounts()[0];
        let body = json!({"grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret});
        let (_, answer) = self.post("/wechat/cgi-bin/stable_token", &body).await;
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A WeChat API call with this token.
    pub async fn wechat(&self, token: &str, api: &str, body: &Value) -> Value {
        let path = format!("/wechat/cgi-bin/{api}?access_token={token}");
        self.post(&path, body).await.1
    }

    /// `custom/send` of a text.
    pub async fn sends_text(&self, token: &str, openid: &str, text: &str) -> i64 {
        let body = json!({"touser": openid, "msgtype": "text", "text": {"content": text}});
        let answer = self.wechat(token, "message/custom/send", &body).await;
        answer["errcode"].as_i64().unwrap()
    }

    /// A Tencent IM command by the administrator.
    pub async fn tim(&self, command: &str, body: &Value) -> Value {
        let settings = self.sandbox.tim().settings();
        let sig = usersig(
            &settings.secret_key,
            settings.sdk_app_id,
            ADMIN,
            self.seconds(),
            86_400,
        );
        let query = format!(
            "sdkappid={}&identifier={ADMIN}&usersig={sig}&random=1&contenttype=json",
            settings.sdk_app_id
        );
        self.tim_raw(command, &query, &body.to_string()).await
    }

    pub async fn tim_raw(&self, command: &str, query: &str, body: &str) -> Value {
        let url = format!("{}/tim/v4/{command}?{query}", self.sandbox.url());
        let answer = self
            .http
            .post(url)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    /// A contact's stand-in.
    pub async fn imports(&self, user_id: &str, nick: &str) {
        let answer = self
            .tim(
                "im_open_login_svc/account_import",
                &json!({"UserID": user_id, "Nick": nick}),
            )
            .await;
        assert_eq!(answer["ErrorCode"], 0, "{answer}");
    }

    /// Asks an app of Dify's; the raw response.
    pub async fn dify(&self, app: &str, body: &Value) -> reqwest::Response {
        let url = format!("{}/chat-messages", self.sandbox.dify_base());
        let request = self
            .http
            .post(url)
            .bearer_auth(format!("app-sandbox-{app}"));
        request.json(body).send().await.unwrap()
    }
}

/// A question as the bridge asks it.
pub fn question(query: &str, mode: &str) -> Value {
    json!({"query": query, "inputs": {}, "user": "u1", "response_mode": mode, "conversation_id": ""})
}

pub fn text_message(from: &str, to: &str, seq: u32, random: u32, text: &str) -> Value {
    json!({
        "SyncOtherMachine": 1, "From_Account": from, "To_Account": to, "MsgSeq": seq, "MsgRandom": random,
        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]
    })
}

/// A UserSig, written a third time, for the checks' sake.
pub fn usersig(key: &str, app: u64, identifier: &str, time: i64, life: i64) -> String {
    let text = format!(
        "TLS.identifier:{identifier}\nTLS.sdkappid:{app}\nTLS.time:{time}\nTLS.expire:{life}\n"
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let json = json!({
        "TLS.ver": "2.0", "TLS.identifier": identifier, "TLS.sdkappid": app, "TLS.time": time, "TLS.expire": life,
        "TLS.sig": STANDARD.encode(mac.finalize().into_bytes())
    });
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(json.to_string().as_bytes()).unwrap();
    let encoded = STANDARD.encode(zlib.finish().unwrap());
    encoded
        .replace('+', "*")
        .replace('/', "-")
        .replace('=', "_")
}
