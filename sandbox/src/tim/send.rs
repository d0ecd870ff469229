//! `openim/sendmsg`: checks, the dedupe window, delivery, the callback after it (Tencent IM: one-to-one messages, 3.1).

use serde_json::{Value, json};

use super::Tim;
use super::callback::{Callback, lane, message_id};
use super::elements;
use super::errors::{Refusal, done, refuse};
use super::state::{State, Stored};
use crate::call::Answer;
use crate::content::{Author, Content, Message, Status};

/// The longest `MsgLifeTime`, in seconds.
const LONGEST_LIFE: u64 = 604_800;

/// A checked send.
struct Order {
    from: String,
    to: String,
    seq: Option<u32>,
    random: u32,
    body: Value,
    shown: Vec<Content>,
    cloud: String,
    synced: bool,
    roams: bool,
    counts: bool,
    tells: bool,
}

impl Tim {
    /// `openim/sendmsg`
    pub(super) fn send(&self, body: &Value) -> Result<Answer, Refusal> {
        let order = self.order(body)?;
        let world = &self.0.world;
        let now = world.now();
        let window = i64::try_from(self.0.settings.dedupe_window.as_millis()).unwrap_or(i64::MAX);
        let same = format!(
            "{}>{}:{:?}:{}",
            order.from, order.to, order.seq, order.random
        );
        let mut state = self.0.state.lock();
        if let Some(answer) = state.answered(&same, now, window) {
            return Ok(done(answer));
        }
        if !state.accounts.contains_key(&order.from) {
            return Err(refuse(20003));
        }
        if !state.accounts.contains_key(&order.to) {
            return Err(refuse(90012));
        }
        let seq = order.seq.unwrap_or_else(|| world.chance.u32());
        let stored = self.stored(&order, seq, now / 1000);
        let answer =
            json!({"MsgTime": stored.time, "MsgKey": stored.key, "MsgId": message_id(&stored)});
        state.remember_answer(same, now, answer.clone());
        state.sent_count += 1;
        let sides = Sides {
            status: Status::Delivered,
            roams: order.roams,
            counts: order.counts,
        };
        self.deliver_message(&mut state, &stored, &order.shown, sides);
        let unread = unread(&state, &order.to);
        drop(state);
        if order.tells {
            drop(self.tell_after_send(&stored, "RESTAPI", unread, |_, _| ()));
        }
        Ok(done(answer))
    }

    fn order(&self, body: &Value) -> Result<Order, Refusal> {
        let settings = &self.0.settings;
        let to = body["To_Account"].as_str().filter(|to| !to.is_empty());
        let to = to.ok_or_else(|| refuse(90003))?.to_owned();
        let from = match &body["From_Account"] {
            Value::Null => settings.admin.clone(),
            from => from.as_str().ok_or_else(|| refuse(90008))?.to_owned(),
        };
        let random = number(&body["MsgRandom"]).ok_or_else(|| refuse(90005))?;
        let seq = match &body["MsgSeq"] {
            Value::Null => None,
            seq => Some(number(seq).ok_or_else(|| refuse(90001))?),
        };
        let sync = optional_integer(body, "SyncOtherMachine", 90031)?;
        let life = optional_integer(body, "MsgLifeTime", 90044)?;
        if life.is_some_and(|life| life > LONGEST_LIFE) {
            return Err(refuse(90026));
        }
        let shown = elements::read(&body["MsgBody"])?;
        if body["MsgBody"].to_string().len() > settings.message_limit {
            return Err(refuse(93000));
        }
        let has = |list: &str, word: &str| {
            body[list]
                .as_array()
                .is_some_and(|words| words.iter().any(|w| w == word))
        };
        Ok(Order {
            from,
            to,
            seq,
            random,
            shown,
            body: body["MsgBody"].clone(),
            cloud: body["CloudCustomData"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            synced: sync != Some(2),
            roams: life != Some(0),
            counts: !has("SendMsgControl", "NoUnread"),
            tells: !has("ForbidCallbackControl", "ForbidAfterSendMsgCallback"),
        })
    }

    fn stored(&self, order: &Order, seq: u32, time: i64) -> Stored {
        Stored {
            from: order.from.clone(),
            to: order.to.clone(),
            seq,
            random: order.random,
            time,
            key: format!("{seq}_{}_{time}", order.random),
            body: order.body.clone(),
            cloud: order.cloud.clone(),
            recalled: false,
            synced: order.synced,
            by_rest: true,
        }
    }

    /// Puts a message into the history and into both chats.
    pub(super) fn deliver_message(
        &self,
        state: &mut State,
        stored: &Stored,
        shown: &[Content],
        sides: Sides,
    ) {
        if sides.roams {
            self.keep(state, stored);
        }
        let own = self.bubbles(Author::Agent, sides.status, &stored.key, shown);
        if stored.by_rest && stored.synced {
            self.show(state, &stored.from, &stored.to, &own, false);
        }
        let theirs = self.bubbles(Author::Peer, Status::Delivered, &stored.key, shown);
        self.show(state, &stored.to, &stored.from, &theirs, sides.counts);
    }

    pub(super) fn keep(&self, state: &mut State, stored: &Stored) {
        let capacity = self.0.world.chat_capacity;
        let history = state.between(&stored.from, &stored.to);
        if history.len() >= capacity {
            history.pop_front();
        }
        history.push_back(stored.clone());
    }

    /// `C2C.CallbackAfterSendMsg` of an online-only signal.
    pub(super) fn tell_typing(
        &self,
        signal: &Stored,
        platform: &str,
    ) -> tokio::sync::oneshot::Receiver<crate::courier::Outcome> {
        let mut body = self.about("C2C.CallbackAfterSendMsg", signal);
        body["OnlineOnlyFlag"] = 1.into();
        body["SendMsgResult"] = 0.into();
        body["ErrorInfo"] = "send msg succeed".into();
        let callback = Callback {
            body,
            platform,
            who: vec![signal.from.clone(), signal.to.clone()],
            lane: lane(&signal.from, &signal.to),
        };
        self.call_back(callback, |_, _| ())
    }

    /// `C2C.CallbackAfterSendMsg`
    pub(super) fn tell_after_send(
        &self,
        stored: &Stored,
        platform: &str,
        unread: u32,
        after: impl FnOnce(&Tim, &crate::courier::Outcome) + Send + 'static,
    ) -> tokio::sync::oneshot::Receiver<crate::courier::Outcome> {
        let mut body = self.about("C2C.CallbackAfterSendMsg", stored);
        body["SendMsgResult"] = 0.into();
        body["ErrorInfo"] = "send msg succeed".into();
        body["UnreadMsgNum"] = unread.into();
        let callback = Callback {
            body,
            platform,
            who: vec![stored.from.clone(), stored.to.clone()],
            lane: lane(&stored.from, &stored.to),
        };
        self.call_back(callback, after)
    }
}

/// How a message is delivered.
pub(super) struct Sides {
    /// The status of the sender's bubbles.
    pub status: Status,
    /// Whether the history keeps it.
    pub roams: bool,
    /// Whether it counts as unread.
    pub counts: bool,
}

/// What an account has not read, over all its chats.
pub(super) fn unread(state: &State, user_id: &str) -> u32 {
    state
        .accounts
        .get(user_id)
        .map_or(0, |account| account.unread)
}

/// Whether two bubbles belong to one message.
pub(super) fn of_key(key: &str) -> impl Fn(&Message) -> bool {
    let key = key.to_owned();
    move |message| message.key.as_deref() == Some(&key)
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn optional_integer(body: &Value, name: &str, code: i64) -> Result<Option<u64>, Refusal> {
    match &body[name] {
        Value::Null => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| refuse(code)),
    }
}
