//! What the simulated Tencent IM knows: accounts, who is online, conversations and their history.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use crate::content::Message;

/// Roaming history is kept this long (Tencent IM: other message commands, 3.2).
pub(crate) const HISTORY_SECONDS: i64 = 7 * 86_400;
/// How many sends are remembered for the dedupe window.
const REMEMBERED: usize = 100_000;

/// An agent as the pages see one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agent {
    /// UserID.
    pub user_id: String,
    /// The name shown.
    pub nick: String,
    /// A picture's address, or "".
    pub avatar: String,
    /// Whether a client is logged in.
    pub presence: Presence,
    /// The platform of the client used last: `Web`, `iOS` …
    pub platform: String,
    /// Unread messages over all chats.
    pub unread: u32,
}

/// Whether an account can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// A client is connected.
    Online,
    /// The process is gone, push reaches it.
    PushOnline,
    /// Neither.
    Offline,
}

impl Presence {
    /// The platform's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Online => "Online",
            Self::PushOnline => "PushOnline",
            Self::Offline => "Offline",
        }
    }
}

/// An agent's chat as the pages see one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chat {
    /// The other side's UserID: a contact's stand-in.
    pub peer: String,
    /// Its name, or its UserID.
    pub nick: String,
    /// Its picture's address, or "".
    pub avatar: String,
    /// Unread messages.
    pub unread: u32,
    /// The newest message.
    pub last: Option<Message>,
    /// When that was, Unix milliseconds.
    pub at: i64,
}

/// A one-to-one message as the platform keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Sender's UserID.
    pub from: String,
    /// Receiver's UserID.
    pub to: String,
    /// `MsgSeq`
    pub seq: u32,
    /// `MsgRandom`
    pub random: u32,
    /// `MsgTime`, Unix seconds.
    pub time: i64,
    /// `{MsgSeq}_{MsgRandom}_{MsgTime}`
    pub key: String,
    /// `MsgBody`
    pub body: Value,
    /// `CloudCustomData`
    pub cloud: String,
    /// Taken back.
    pub recalled: bool,
    /// Whether the sender's history has it (`SyncOtherMachine` 2: no).
    pub synced: bool,
    /// Whether it came over REST.
    pub by_rest: bool,
}

impl Stored {
    /// The words of all its text elements.
    pub fn text(&self) -> String {
        let elements = self.body.as_array().into_iter().flatten();
        elements
            .filter_map(|e| e["MsgContent"]["Text"].as_str())
            .collect()
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub accounts: BTreeMap<String, Account>,
    /// The accounts whose clients the sandbox plays.
    pub agents: Vec<String>,
    /// By the two UserIDs in order.
    pub history: HashMap<(String, String), VecDeque<Stored>>,
    pub sent_count: u64,
    dedupe: HashMap<String, (i64, Value)>,
    dedupe_age: VecDeque<String>,
    rate: (i64, u32),
    /// The most calls within one second.
    pub busiest: u32,
}

#[derive(Default)]
pub(crate) struct Account {
    pub nick: String,
    pub face: String,
    pub profile: BTreeMap<String, Value>,
    /// Platform and whether its client is connected or only reachable by push.
    pub clients: BTreeMap<String, Presence>,
    /// The platform of the client used last; "" before any was.
    pub platform: String,
    /// UserSigs issued before are dead (after a kick), Unix seconds.
    pub sig_floor: i64,
    /// Whether the sandbox plays this account's client.
    pub is_agent: bool,
    pub chats: BTreeMap<String, Conversation>,
    /// Over all chats; kept beside them, because there may be very many.
    pub unread: u32,
}

#[derive(Default)]
pub(crate) struct Conversation {
    pub unread: u32,
    pub bubbles: VecDeque<Message>,
    /// Everything up to then is read, Unix seconds.
    pub read_until: i64,
}

impl Account {
    pub fn presence(&self) -> Presence {
        let all = self.clients.values();
        let best = |wanted| all.clone().any(|presence| *presence == wanted);
        match () {
            () if best(Presence::Online) => Presence::Online,
            () if best(Presence::PushOnline) => Presence::PushOnline,
            () => Presence::Offline,
        }
    }

    /// One more unread message from a peer.
    pub fn count_unread(&mut self, peer: &str) {
        self.chats.entry(peer.to_owned()).or_default().unread += 1;
        self.unread += 1;
    }

    /// Everything a peer wrote is read.
    pub fn read(&mut self, peer: &str, until: i64) {
        if let Some(chat) = self.chats.get_mut(peer) {
            self.unread -= chat.unread;
            chat.unread = 0;
            chat.read_until = until;
        }
    }
}

impl State {
    pub fn agent(&self, user_id: &str) -> Option<Agent> {
        let account = self
            .accounts
            .get(user_id)
            .filter(|account| account.is_agent)?;
        Some(Agent {
            user_id: user_id.to_owned(),
            nick: name(&account.nick, user_id),
            avatar: account.face.clone(),
            presence: account.presence(),
            platform: account.platform.clone(),
            unread: account.unread,
        })
    }

    pub fn chat(&self, user_id: &str, peer: &str) -> Option<Chat> {
        let chat = self.accounts.get(user_id)?.chats.get(peer)?;
        let other = self.accounts.get(peer);
        let last = chat.bubbles.back().cloned();
        Some(Chat {
            peer: peer.to_owned(),
            nick: name(other.map_or("", |account| &account.nick), peer),
            avatar: other.map_or("", |account| &account.face).to_owned(),
            unread: chat.unread,
            at: last.as_ref().map_or(0, |message| message.at),
            last,
        })
    }

    /// The history of two accounts.
    pub fn between(&mut self, a: &str, b: &str) -> &mut VecDeque<Stored> {
        self.history.entry(pair(a, b)).or_default()
    }

    pub fn find(&mut self, from: &str, to: &str, key: &str) -> Option<&mut Stored> {
        let messages = self.history.get_mut(&pair(from, to))?;
        messages
            .iter_mut()
            .rev()
            .find(|m| m.from == from && m.to == to && m.key == key)
    }

    /// The answer given to the same send within the window.
    pub fn answered(&self, send: &str, now: i64, window: i64) -> Option<Value> {
        let (at, answer) = self.dedupe.get(send)?;
        (now - at < window).then(|| answer.clone())
    }

    pub fn remember_answer(&mut self, send: String, now: i64, answer: Value) {
        if self.dedupe_age.len() >= REMEMBERED
            && let Some(oldest) = self.dedupe_age.pop_front()
        {
            self.dedupe.remove(&oldest);
        }
        self.dedupe_age.push_back(send.clone());
        self.dedupe.insert(send, (now, answer));
    }

    /// Counts a call; false beyond `limit` in this second.
    pub fn admit(&mut self, second: i64, limit: u32) -> bool {
        if self.rate.0 != second {
            self.rate = (second, 0);
        }
        self.rate.1 += 1;
        self.busiest = self.busiest.max(self.rate.1);
        limit == 0 || self.rate.1 <= limit
    }
}

fn name(nick: &str, user_id: &str) -> String {
    match nick {
        "" => user_id.to_owned(),
        nick => nick.to_owned(),
    }
}

fn pair(a: &str, b: &str) -> (String, String) {
    let (a, b) = (a.min(b), a.max(b));
    (a.to_owned(), b.to_owned())
}
