//! A Tencent IM to test against: it knows accounts and messages, checks who calls, and refuses, cuts or goes silent
//! when a test orders it to. Written from the protocol notes; it shares only the UserSig's decoder with the channel.

mod commands;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use bridge_core::clock::{Clock, TestClock, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use commands::refused;

use crate::request::Request;

pub(super) const SDK_APP_ID: u64 = 1_400_000_001;

pub(super) const SECRET: &str = "3b9f0c1d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8";

pub(super) const NOW: u64 = 1_700_000_000;

/// What is ordered for the next call of a command.
pub(super) enum Order {
    /// Refuses with this code.
    Refuse(i64),
    /// Does what was asked and closes the connection without an answer.
    DoAndCut,
    /// Closes the connection without doing anything.
    Cut,
    /// Answers with this HTTP status.
    Status(u16),
    /// Answers with these bytes.
    Say(String),
    /// Never answers.
    Silence,
}

/// One call, as it came.
#[derive(Debug, Clone)]
pub(super) struct Called {
    /// `openim/sendmsg`
    pub(super) command: String,
    pub(super) query: HashMap<String, String>,
    pub(super) body: Value,
    /// When, by the clock the peer was given.
    pub(super) at: Timestamp,
}

#[derive(Default)]
struct State {
    accounts: BTreeMap<String, Value>,
    /// As in the history, oldest first.
    messages: Vec<Value>,
    /// Accounts whose UserSigs must be younger than this.
    sig_floor: u64,
    online: BTreeMap<String, &'static str>,
    orders: HashMap<String, VecDeque<Order>>,
    called: Vec<Called>,
    page: usize,
    randoms: BTreeSet<String>,
    clock: Option<Arc<TestClock>>,
}

/// The peer.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) base: String,
    state: Arc<Mutex<State>>,
}

impl Peer {
    /// A service that knows the administrator and the agent.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let accounts = [("administrator", json!({})), ("agent_1", json!({}))];
        let accounts = accounts
            .map(|(id, profile)| (id.to_owned(), profile))
            .into();
        let state = State {
            accounts,
            page: 100,
            ..State::default()
        };
        let peer = Self {
            base,
            state: Arc::new(Mutex::new(state)),
        };
        let serving = peer.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peer = serving.clone();
                tokio::spawn(async move { peer.serve(stream).await });
            }
        });
        peer
    }

    pub(super) fn order(&self, command: &str, order: Order) {
        self.state
            .lock()
            .unwrap()
            .orders
            .entry(command.to_owned())
            .or_default()
            .push_back(order);
    }

    /// All calls of a command.
    pub(super) fn called(&self, command: &str) -> Vec<Called> {
        let state = self.state.lock().unwrap();
        state
            .called
            .iter()
            .filter(|called| called.command == command)
            .cloned()
            .collect()
    }

    /// The commands called, in order.
    pub(super) fn commands(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap()
            .called
            .iter()
            .map(|called| called.command.clone())
            .collect()
    }

    /// What was sent and taken.
    pub(super) fn messages(&self) -> Vec<Value> {
        self.state.lock().unwrap().messages.clone()
    }

    pub(super) fn account(&self, id: &str) -> Option<Value> {
        self.state.lock().unwrap().accounts.get(id).cloned()
    }

    pub(super) fn forget_account(&self, id: &str) {
        self.state.lock().unwrap().accounts.remove(id);
    }

    /// Older UserSigs than this are refused from now on.
    pub(super) fn expire_usersigs_before(&self, time: u64) {
        self.state.lock().unwrap().sig_floor = time;
    }

    pub(super) fn set_online(&self, id: &str, status: &'static str) {
        self.state
            .lock()
            .unwrap()
            .online
            .insert(id.to_owned(), status);
    }

    /// The clock by which calls are noted.
    pub(super) fn goes_by(&self, clock: &Arc<TestClock>) {
        self.state.lock().unwrap().clock = Some(clock.clone());
    }

    /// At most so many messages a page of history.
    pub(super) fn set_page(&self, page: usize) {
        self.state.lock().unwrap().page = page;
    }

    /// Puts a message into the history, as if a client had sent it.
    pub(super) fn remember(
        &self,
        from: &str,
        to: &str,
        (seq, random, time): (u32, u32, u64),
        text: &str,
    ) {
        self.state.lock().unwrap().messages.push(json!({
            "From_Account": from, "To_Account": to, "MsgSeq": seq, "MsgRandom": random, "MsgTimeStamp": time,
            "MsgFlagBits": 0, "IsPeerRead": 0, "MsgKey": format!("{seq}_{random}_{time}"), "CloudCustomData": "",
            "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}]
        }));
    }

    pub(super) fn mark_recalled(&self, key: &str) {
        for message in &mut self.state.lock().unwrap().messages {
            if message["MsgKey"] == key {
                message["MsgFlagBits"] = 8.into();
            }
        }
    }

    async fn serve(&self, mut stream: TcpStream) {
        while let Some(mut called) = read(&mut stream).await {
            let order = {
                let mut state = self.state.lock().unwrap();
                called.at = state
                    .clock
                    .as_ref()
                    .map(|clock| clock.now())
                    .unwrap_or_default();
                state.called.push(called.clone());
                state
                    .orders
                    .get_mut(&called.command)
                    .and_then(VecDeque::pop_front)
            };
            let answer = match order {
                None => self.answer(&called),
                Some(Order::Refuse(code)) => refused(code),
                Some(Order::Say(body)) => body,
                Some(Order::Status(status)) => {
                    let head = format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\n\r\n");
                    let _ = stream.write_all(head.as_bytes()).await;
                    continue;
                }
                Some(Order::Cut) => return,
                Some(Order::DoAndCut) => {
                    self.answer(&called);
                    return;
                }
                Some(Order::Silence) => {
                    let _ = stream.read(&mut [0; 1]).await; // until the caller goes
                    return;
                }
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            if stream
                .write_all(format!("{head}{answer}").as_bytes())
                .await
                .is_err()
            {
                return;
            }
        }
    }

    fn answer(&self, called: &Called) -> String {
        let mut state = self.state.lock().unwrap();
        if let Some(code) = state.refuses(called) {
            return refused(code);
        }
        let fields = match called.command.as_str() {
            "openim/sendmsg" => state.send(&called.body),
            "openim/admin_getroammsg" => state.history(&called.body),
            "openim/admin_msgwithdraw" => state.withdraw(&called.body),
            "openim/query_online_status" => Ok(state.status(&called.body)),
            "im_open_login_svc/account_import" => Ok(state.import(&called.body)),
            "im_open_login_svc/account_check" => Ok(json!({"ResultItem": []})),
            _ => Err(60009),
        };
        match fields {
            Ok(mut fields) => {
                fields["ActionStatus"] = "OK".into();
                fields["ErrorCode"] = 0.into();
                fields["ErrorInfo"] = "".into();
                fields.to_string()
            }
            Err(code) => refused(code),
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Called> {
    let request = Request::read(stream).await?;
    let url = url::Url::parse(&format!("http://peer{}", request.posted_to()?)).ok()?;
    Some(Called {
        command: url.path().strip_prefix("/v4/")?.to_owned(),
        // A UserSig may hold "*", "-" and "_", none of which a form decoder touches.
        query: url.query_pairs().into_owned().collect(),
        body: request.json(),
        at: Timestamp::default(),
    })
}
