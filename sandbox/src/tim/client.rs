//! An agent's client, for tests and the pages: logs in and out, says, recalls, reads, hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Tim;
use super::callback::{Callback, lane};
use super::elements::{self, Element};
use super::history::Change;
use super::send::{Sides, of_key, unread};
use super::state::{Agent, Chat, Presence, Stored};
use crate::content::{Author, Content, Message, Status};
use crate::courier::{Lanes, Outcome};
use crate::play::{Pushed, Silence};

/// Own messages may be taken back for this long, in milliseconds.
const RECALL_MS: i64 = 120_000;

/// An agent's client. Clones share what they have heard.
#[derive(Clone)]
pub struct Client {
    tim: Tim,
    user_id: String,
    heard: Arc<AtomicU64>,
}

/// A message an agent heard, and from whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The contact's stand-in.
    pub peer: String,
    /// The bubble.
    pub message: Message,
}

impl Heard {
    /// The words of a text message, or "".
    pub fn text(&self) -> &str {
        self.message.text()
    }
}

impl Client {
    pub(super) fn new(tim: Tim, user_id: String) -> Self {
        Self {
            tim,
            user_id,
            heard: Arc::default(),
        }
    }

    /// The agent's UserID.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The agent as the pages see one.
    pub fn agent(&self) -> Agent {
        match self.tim.0.state.lock().agent(&self.user_id) {
            Some(agent) => agent,
            // Accounts are never deleted, and a client is made only for one that exists.
            None => unreachable!("{} has no account", self.user_id),
        }
    }

    /// Changes the agent's picture.
    pub fn shows_face(&self, url: &str) {
        let mut state = self.tim.0.state.lock();
        if let Some(account) = state.accounts.get_mut(&self.user_id) {
            account.face = url.to_owned();
        }
        self.tim.announce(&state, &self.user_id);
    }

    /// Connects a client; other devices of the same platform are kicked by the real one, here there is one each.
    pub fn logs_in(&self, platform: &str) -> oneshot::Receiver<Outcome> {
        self.presence(platform, Some(Presence::Online));
        self.tim
            .state_changed(&self.user_id, "Login", "Register", platform)
    }

    /// Logs every client out.
    pub fn logs_out(&self) -> oneshot::Receiver<Outcome> {
        self.leave(None);
        let platform = self.tim.platform_of(&self.user_id);
        self.tim
            .state_changed(&self.user_id, "Logout", "Unregister", &platform)
    }

    /// Closes the client on one platform; others stay connected.
    pub fn closes(&self, platform: &str) -> oneshot::Receiver<Outcome> {
        {
            let mut state = self.tim.0.state.lock();
            if let Some(account) = state.accounts.get_mut(&self.user_id) {
                account.clients.remove(platform);
            }
            self.tim.announce(&state, &self.user_id);
        }
        self.tim
            .state_changed(&self.user_id, "Logout", "Unregister", platform)
    }

    /// Loses the network; push may still reach a phone.
    pub fn disconnects(&self, reachable: bool) -> oneshot::Receiver<Outcome> {
        self.leave(reachable.then_some(Presence::PushOnline));
        let platform = self.tim.platform_of(&self.user_id);
        self.tim
            .state_changed(&self.user_id, "Disconnect", "LinkClose", &platform)
    }

    fn leave(&self, as_what: Option<Presence>) {
        if let Some(account) = self.tim.0.state.lock().accounts.get_mut(&self.user_id) {
            account.clients.clear();
        }
        self.presence("iPhone", as_what);
    }

    fn presence(&self, platform: &str, presence: Option<Presence>) {
        let mut state = self.tim.0.state.lock();
        let account = state.accounts.get_mut(&self.user_id);
        if let (Some(account), Some(presence)) = (account, presence) {
            account.clients.insert(platform.to_owned(), presence);
            if presence == Presence::Online {
                account.platform = platform.to_owned();
            }
        }
        self.tim.announce(&state, &self.user_id);
    }

    /// Writes a text to a contact's stand-in.
    pub fn says(&self, peer: &str, text: &str) -> Result<Pushed, String> {
        self.sends(peer, &[Element::Text(text.to_owned())])
    }

    /// Sends one message of these elements. `Err` says why the client could not.
    pub fn sends(&self, peer: &str, elements: &[Element]) -> Result<Pushed, String> {
        let world = &self.tim.0.world;
        let body = elements
            .iter()
            .map(|element| element.write(|media| world.media_url(media)));
        let body = Value::Array(body.collect());
        let shown = elements::read(&body).map_err(|(_, why)| why)?;
        let stored = self.message(peer, body);
        let own = self
            .tim
            .bubbles(Author::Agent, Status::Sending, &stored.key, &shown);
        let first = own.first().cloned().ok_or("nothing to send")?;
        {
            let mut state = self.tim.0.state.lock();
            if self.user_id == peer || !state.accounts.contains_key(peer) {
                return Err(format!("no account {peer}"));
            }
            if state
                .agent(&self.user_id)
                .is_none_or(|a| a.presence != Presence::Online)
            {
                return Err(format!("{} is not online", self.user_id));
            }
            self.tim.show(&mut state, &self.user_id, peer, &own, false);
        }
        let outcome = match self.tim.0.settings.before_send {
            true => self.send_after_asking(stored, shown),
            false => self.tim.deliver_from_client(&stored, &shown),
        };
        Ok(Pushed::new(first, outcome))
    }

    fn message(&self, peer: &str, body: Value) -> Stored {
        let world = &self.tim.0.world;
        let (seq, random, time) = (
            world.chance.u32(),
            world.chance.u32(),
            world.clock.seconds(),
        );
        Stored {
            from: self.user_id.clone(),
            to: peer.to_owned(),
            seq,
            random,
            time,
            key: format!("{seq}_{random}_{time}"),
            body,
            cloud: String::new(),
            recalled: false,
            synced: true,
            by_rest: false,
        }
    }

    /// Asks the bridge first, as `C2C.CallbackBeforeSendMsg` does, and obeys its answer.
    fn send_after_asking(&self, stored: Stored, shown: Vec<Content>) -> oneshot::Receiver<Outcome> {
        let (done, outcome) = oneshot::channel();
        let tim = self.tim.clone();
        let name = format!("before:{}", lane(&stored.from, &stored.to));
        let work = async move {
            let body = tim.about("C2C.CallbackBeforeSendMsg", &stored);
            let callback = Callback {
                body,
                platform: &tim.platform_of(&stored.from),
                who: vec![stored.from.clone(), stored.to.clone()],
                lane: lane(&stored.from, &stored.to),
            };
            let asked = tim.call_back(callback, |_, _| ()).await;
            let asked = asked.unwrap_or_else(|_| Outcome::dropped("the sandbox stopped"));
            let end = tim.obey(stored, shown, asked).await;
            // Whoever sent may not be waiting.
            let _ = done.send(end);
        };
        Lanes::push(&self.tim.0.world, name, false, work);
        outcome
    }

    /// Takes an own message back, within two minutes. `Err` is the platform's code.
    pub fn recalls(&self, peer: &str, key: &str) -> Result<oneshot::Receiver<Outcome>, i64> {
        let sent = {
            let mut state = self.tim.0.state.lock();
            let stored = state.find(&self.user_id, peer, key).ok_or(20022)?;
            stored.time * 1000
        };
        if self.tim.0.world.now() - sent > RECALL_MS {
            return Err(20016);
        }
        let recalled = self.tim.recall(&self.user_id, peer, key);
        recalled.map_err(|refusal| refusal.code)
    }

    /// Types: an online-only signal as Tencent's own clients send it, kept nowhere.
    pub fn types(&self, peer: &str) -> oneshot::Receiver<Outcome> {
        let data = json!({"businessID": "user_typing_status", "typingStatus": 1, "version": 1});
        let element = Element::Custom {
            data: data.to_string(),
            description: String::new(),
            extension: String::new(),
        };
        let body = Value::Array(vec![element.write(|_| String::new())]);
        let signal = self.message(peer, body);
        self.tim
            .tell_typing(&signal, &self.tim.platform_of(&self.user_id))
    }

    /// Changes the words of an own message. `Err` is the platform's code.
    pub fn edits(
        &self,
        peer: &str,
        key: &str,
        text: &str,
    ) -> Result<oneshot::Receiver<Outcome>, i64> {
        let body = Value::Array(vec![
            Element::Text(text.to_owned()).write(|_| String::new()),
        ]);
        let platform = self.tim.platform_of(&self.user_id);
        let change = Change {
            from: &self.user_id,
            to: peer,
            key,
            body: Some(body),
            cloud: None,
            operator: &self.user_id,
            platform: &platform,
        };
        self.tim
            .change_message(&change)
            .map_err(|refusal| refusal.code)
    }

    /// Reads everything a peer wrote.
    pub fn reads(&self, peer: &str) -> oneshot::Receiver<Outcome> {
        let now = self.tim.0.world.clock.seconds();
        self.tim.read(&self.user_id, peer, now)
    }

    /// The agent's chats, newest first.
    pub fn chats(&self) -> Vec<Chat> {
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let peers = account.into_iter().flat_map(|account| account.chats.keys());
        let mut chats: Vec<Chat> = peers.filter_map(|p| state.chat(&self.user_id, p)).collect();
        chats.sort_by_key(|chat| std::cmp::Reverse(chat.at));
        chats
    }

    /// One chat.
    pub fn chat(&self, peer: &str) -> Option<Chat> {
        self.tim.0.state.lock().chat(&self.user_id, peer)
    }

    /// A chat's messages, oldest first.
    pub fn messages(&self, peer: &str) -> Vec<Message> {
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let chat = account.and_then(|account| account.chats.get(peer));
        chat.into_iter()
            .flat_map(|chat| chat.bubbles.iter().cloned())
            .collect()
    }

    /// The next message from anybody that this client has not heard yet.
    pub async fn hears(&self) -> Result<Heard, Silence> {
        self.hears_which("a message", |_| true).await
    }

    /// The next unheard message whose text contains `part`; those before it count as heard.
    pub async fn hears_text(&self, part: &str) -> Result<Heard, Silence> {
        let wanted = part.to_owned();
        let expected = format!("a text with {part:?}");
        self.hears_which(&expected, move |heard| heard.text().contains(&wanted))
            .await
    }

    /// The next unheard message that fits; those before it count as heard.
    pub async fn hears_which(
        &self,
        expected: &str,
        fits: impl Fn(&Heard) -> bool + Send + 'static,
    ) -> Result<Heard, Silence> {
        let world = self.tim.0.world.clone();
        let client = self.clone();
        let found = world.wait_for(world.patience, move || {
            let heard = client.unheard().into_iter().find(|heard| fits(heard))?;
            client.heard.fetch_max(heard.message.id, Ordering::SeqCst);
            Some(heard)
        });
        found.await.ok_or_else(|| Silence {
            who: self.user_id.clone(),
            waited: world.patience,
            expected: expected.to_owned(),
            heard: self
                .unheard()
                .iter()
                .map(|heard| format!("{}: {:?}", heard.peer, heard.message.content))
                .collect(),
        })
    }

    /// What came and was not heard yet, in order.
    pub fn unheard(&self) -> Vec<Heard> {
        let after = self.heard.load(Ordering::SeqCst);
        let state = self.tim.0.state.lock();
        let account = state.accounts.get(&self.user_id);
        let chats = account.into_iter().flat_map(|account| &account.chats);
        let mut heard: Vec<Heard> = chats
            .flat_map(|(peer, chat)| {
                let new = chat.bubbles.iter().rev().take_while(move |m| m.id > after);
                new.filter(|m| m.from == Author::Peer).map(|message| Heard {
                    peer: peer.clone(),
                    message: message.clone(),
                })
            })
            .collect();
        heard.sort_by_key(|heard| heard.message.id);
        heard
    }
}

impl Tim {
    /// The platform of the client an agent used last.
    fn platform_of(&self, user_id: &str) -> String {
        let state = self.0.state.lock();
        let account = state.accounts.get(user_id);
        let platform = account.map(|account| account.platform.clone());
        platform
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| "Web".into())
    }

    /// A client's message on its way: to the peer, into the history, to the bridge.
    fn deliver_from_client(
        &self,
        stored: &Stored,
        shown: &[Content],
    ) -> oneshot::Receiver<Outcome> {
        let sides = Sides {
            status: Status::Sending,
            roams: true,
            counts: true,
        };
        let unread = {
            let mut state = self.0.state.lock();
            self.deliver_message(&mut state, stored, shown, sides);
            unread(&state, &stored.to)
        };
        let (from, to, key) = (stored.from.clone(), stored.to.clone(), stored.key.clone());
        let platform = self.platform_of(&stored.from);
        self.tell_after_send(stored, &platform, unread, move |tim, outcome| {
            let (status, note) = match outcome.delivered() {
                true => (Status::Delivered, None),
                false if outcome.attempts == 0 => (Status::Failed, Some("回调没有发出".into())),
                false => {
                    let note = format!("回调失败：{}", outcome.answer);
                    (Status::Failed, Some(note))
                }
            };
            tim.settle(&from, &to, &key, status, note);
        })
    }

    /// What came of a client's message; what was recalled or read meanwhile stays so.
    fn settle(&self, from: &str, to: &str, key: &str, status: Status, note: Option<String>) {
        let mut state = self.0.state.lock();
        let same = of_key(key);
        let waiting = |message: &Message| same(message) && message.status == Status::Sending;
        self.change(&mut state, from, to, waiting, |message| {
            message.status = status;
            message.note = note.clone();
        });
    }

    /// Acts on the bridge's answer before delivery: deliver (maybe changed), refuse, or drop silently. Too late or unreadable
    /// means deliver (Tencent IM: webhooks, 8.3).
    async fn obey(&self, mut stored: Stored, mut shown: Vec<Content>, asked: Outcome) -> Outcome {
        let answer: Value = serde_json::from_str(&asked.answer).unwrap_or_default();
        let refused = |code: i64| format!("发送被拒绝（{code}）");
        match answer["ErrorCode"].as_i64() {
            Some(2) => {
                self.settle(
                    &stored.from,
                    &stored.to,
                    &stored.key,
                    Status::Delivered,
                    None,
                );
                return asked;
            }
            Some(code @ (1 | 120_001..=130_000)) => {
                let code = if code == 1 { 20006 } else { code };
                let note = Some(refused(code));
                self.settle(&stored.from, &stored.to, &stored.key, Status::Failed, note);
                return asked;
            }
            _ => {}
        }
        if let Ok(changed) = elements::read(&answer["MsgBody"]) {
            stored.body = answer["MsgBody"].clone();
            shown = changed;
        }
        let told = self.deliver_from_client(&stored, &shown).await;
        told.unwrap_or_else(|_| Outcome::dropped("the sandbox stopped"))
    }
}
