//! Commands about messages that were sent: history, recall, edit, read (Tencent IM: other message commands, 3.2).

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Tim;
use super::callback::{Callback, lane};
use super::elements;
use super::errors::{Refusal, done, refuse};
use super::send::{of_key, unread};
use super::state::{HISTORY_SECONDS, Stored};
use crate::call::Answer;
use crate::content::{Author, Status};
use crate::courier::Outcome;

/// The longest answer of a history query, in bytes.
const LONGEST_PAGE: usize = 13 * 1024;

impl Tim {
    /// `openim/admin_getroammsg`: the operator's view, page by page from the newest; within a page oldest first.
    pub(super) fn history(&self, body: &Value) -> Result<Answer, Refusal> {
        let account = |name: &str| body[name].as_str().ok_or_else(|| refuse(90048));
        let (operator, peer) = (account("Operator_Account")?, account("Peer_Account")?);
        let number = |name: &str| body[name].as_i64().ok_or_else(|| refuse(90001));
        let (most, from, to) = (number("MaxCnt")?, number("MinTime")?, number("MaxTime")?);
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        let most = most.ok_or_else(|| refuse(90001))?;
        let last = body["LastMsgKey"].as_str().filter(|key| !key.is_empty());
        let mut state = self.0.state.lock();
        if ![operator, peer]
            .iter()
            .all(|user| state.accounts.contains_key(*user))
        {
            return Err(refuse(90048));
        }
        let oldest = self.0.world.clock.seconds() - HISTORY_SECONDS;
        let visible: Vec<&Stored> = state
            .between(operator, peer)
            .iter()
            .rev()
            .filter(|m| m.time >= from.max(oldest) && m.time <= to)
            .filter(|m| m.synced || m.from != operator)
            .collect();
        let start = last.and_then(|key| visible.iter().position(|m| m.key == key));
        let rest = &visible[start.map_or(0, |at| at + 1)..];
        let page = page(rest, most);
        let oldest_shown = rest.get(page.len().wrapping_sub(1));
        Ok(done(json!({
            "Complete": u8::from(page.len() == rest.len()),
            "MsgCnt": page.len(),
            "LastMsgTime": oldest_shown.map_or(0, |m| m.time),
            "LastMsgKey": oldest_shown.map_or("", |m| &m.key),
            "MsgList": page
        })))
    }

    /// `openim/admin_msgwithdraw`
    pub(super) fn withdraw(&self, body: &Value) -> Result<Answer, Refusal> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let (from, to, key) = (text("From_Account"), text("To_Account"), text("MsgKey"));
        if key.split('_').count() != 3 {
            return Err(refuse(90054));
        }
        drop(self.recall(from, to, key)?);
        Ok(done(json!({})))
    }

    /// Takes a message back on both sides and tells the bridge.
    pub(super) fn recall(
        &self,
        from: &str,
        to: &str,
        key: &str,
    ) -> Result<oneshot::Receiver<Outcome>, Refusal> {
        let mut state = self.0.state.lock();
        let stored = state.find(from, to, key).ok_or_else(|| refuse(20022))?;
        if stored.recalled {
            return Err(refuse(20023));
        }
        stored.recalled = true;
        for (owner, peer) in [(from, to), (to, from)] {
            self.change(&mut state, owner, peer, of_key(key), |message| {
                message.status = Status::Recalled;
            });
        }
        let unread = unread(&state, to);
        drop(state);
        let body = json!({
            "CallbackCommand": "C2C.CallbackAfterMsgWithDraw", "From_Account": from, "To_Account": to,
            "MsgKey": key, "UnreadMsgNum": unread, "EventTime": self.0.world.now()
        });
        Ok(self.tell(body, from, to))
    }

    /// `openim/modify_c2c_msg`
    pub(super) fn modify(&self, body: &Value) -> Result<Answer, Refusal> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let change = Change {
            from: text("From_Account"),
            to: text("To_Account"),
            key: text("MsgKey"),
            body: body.get("MsgBody").cloned(),
            cloud: body["CloudCustomData"].as_str(),
            operator: &self.0.settings.admin,
            platform: "RESTAPI",
        };
        drop(self.change_message(&change)?);
        Ok(done(json!({})))
    }

    /// Changes a message on both sides and tells the bridge.
    pub(super) fn change_message(
        &self,
        wanted: &Change<'_>,
    ) -> Result<oneshot::Receiver<Outcome>, Refusal> {
        let shown = wanted.body.as_ref().map(elements::read).transpose()?;
        let (from, to) = (wanted.from, wanted.to);
        let mut state = self.0.state.lock();
        let stored = state.find(from, to, wanted.key);
        let stored = stored.ok_or_else(|| refuse(20022))?;
        if let Some(body) = &wanted.body {
            stored.body = body.clone();
        }
        if let Some(cloud) = wanted.cloud {
            stored.cloud = cloud.to_owned();
        }
        let stored = stored.clone();
        if let Some([content]) = shown.as_deref() {
            for (owner, peer) in [(from, to), (to, from)] {
                self.change(&mut state, owner, peer, of_key(wanted.key), |message| {
                    message.content = content.clone();
                    message.note = Some("已编辑".into());
                });
            }
        }
        drop(state);
        let mut about = self.about("C2C.CallbackAfterModifyMsg", &stored);
        about["Operator_Account"] = wanted.operator.into();
        Ok(self.call_back(
            Callback {
                body: about,
                platform: wanted.platform,
                who: vec![from.to_owned(), to.to_owned()],
                lane: lane(from, to),
            },
            |_, _| (),
        ))
    }

    /// `openim/admin_set_msg_read`
    pub(super) fn set_read(&self, body: &Value) -> Result<Answer, Refusal> {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let (reader, peer) = (text("Report_Account"), text("Peer_Account"));
        let now = self.0.world.clock.seconds();
        // The documentation types it as a string, its samples as a number.
        let until = match &body["MsgReadTime"] {
            Value::Null => now,
            Value::String(text) => text.parse().map_err(|_| refuse(90001))?,
            time => time.as_i64().ok_or_else(|| refuse(90001))?,
        };
        if ![reader, peer].iter().all(|user| self.is_imported(user)) {
            return Err(refuse(90048));
        }
        drop(self.read(reader, peer, until));
        Ok(done(json!({})))
    }

    /// Marks what `peer` wrote to `reader` as read, shows it to the writer, tells the bridge.
    pub(super) fn read(&self, reader: &str, peer: &str, until: i64) -> oneshot::Receiver<Outcome> {
        let mut state = self.0.state.lock();
        if let Some(account) = state.accounts.get_mut(reader) {
            account.read(peer, until);
        }
        let is_read = |message: &crate::content::Message| {
            message.from == Author::Agent
                && message.status == Status::Delivered
                && message.at / 1000 <= until
        };
        self.change(&mut state, peer, reader, is_read, |message| {
            message.status = Status::Read;
        });
        self.announce_chat(&state, reader, peer);
        self.announce(&state, reader);
        let unread = unread(&state, reader);
        drop(state);
        let body = json!({
            "CallbackCommand": "C2C.CallbackAfterMsgReport", "Report_Account": reader, "Peer_Account": peer,
            "LastReadTime": until, "UnreadMsgNum": unread, "EventTime": self.0.world.now()
        });
        self.tell(body, reader, peer)
    }

    /// `openim/get_c2c_unread_msg_num`
    pub(super) fn unread(&self, body: &Value) -> Result<Answer, Refusal> {
        let state = self.0.state.lock();
        let account = body["To_Account"]
            .as_str()
            .and_then(|user| state.accounts.get(user));
        let account = account.ok_or_else(|| refuse(90048))?;
        let Some(peers) = body["Peer_Account"].as_array() else {
            return Ok(done(json!({"AllC2CUnreadMsgNum": account.unread})));
        };
        let lines = peers.iter().filter_map(Value::as_str).map(|peer| {
            let unread = account.chats.get(peer).map_or(0, |chat| chat.unread);
            json!({"Peer_Account": peer, "C2CUnreadMsgNum": unread})
        });
        Ok(done(
            json!({"C2CUnreadMsgNumList": lines.collect::<Vec<_>>(), "ErrorList": []}),
        ))
    }

    fn tell(&self, body: Value, a: &str, b: &str) -> oneshot::Receiver<Outcome> {
        let callback = Callback {
            body,
            platform: "RESTAPI",
            who: vec![a.to_owned(), b.to_owned()],
            lane: lane(a, b),
        };
        self.call_back(callback, |_, _| ())
    }
}

/// A message that is to be changed.
pub(super) struct Change<'a> {
    pub from: &'a str,
    pub to: &'a str,
    pub key: &'a str,
    /// The new `MsgBody`.
    pub body: Option<Value>,
    /// The new `CloudCustomData`.
    pub cloud: Option<&'a str>,
    /// Who changes it.
    pub operator: &'a str,
    /// Where that happens: `RESTAPI`, `Web` …
    pub platform: &'a str,
}

/// As many of the newest as fit, oldest first.
fn page(newest_first: &[&Stored], most: usize) -> Vec<Value> {
    let (mut page, mut size) = (Vec::new(), 0);
    for stored in newest_first.iter().take(most) {
        let line = line(stored);
        size += line.to_string().len();
        if size > LONGEST_PAGE && !page.is_empty() {
            break;
        }
        page.push(line);
    }
    page.reverse();
    page
}

fn line(stored: &Stored) -> Value {
    json!({
        "From_Account": stored.from, "To_Account": stored.to, "MsgSeq": stored.seq, "MsgRandom": stored.random,
        "MsgTimeStamp": stored.time, "MsgFlagBits": if stored.recalled { 8 } else { 0 }, "IsPeerRead": 0,
        "MsgKey": stored.key, "MsgBody": stored.body, "CloudCustomData": stored.cloud
    })
}
