//! An agent's client, for tests and the pages: logs in and out, says, recalls, reads, hears.

mod delivery;
mod hearing;
mod presence;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::content::{Author, Content, Status};
use crate::courier::{Lanes, Outcome};
use crate::play::Pushed;
use crate::tim::Tim;
use crate::tim::callback::{Callback, lane};
use crate::tim::elements::{self, Element};
use crate::tim::history::Change;
use crate::tim::state::{Agent, Presence, Stored};

pub use hearing::Heard;

/// Own messages may be taken back for this long, in milliseconds.
const RECALL_MS: i64 = 120_000;

/// An agent's client. Clones share what they have heard.
#[derive(Clone)]
pub struct Client {
    tim: Tim,
    user_id: String,
    heard: Arc<AtomicU64>,
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
}
