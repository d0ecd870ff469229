//! A client's message on its way: the bridge may be asked before, and is told after.

use serde_json::Value;
use tokio::sync::oneshot;

use crate::content::{Content, Message, Status};
use crate::courier::Outcome;
use crate::tim::Tim;
use crate::tim::elements::{self};
use crate::tim::send::{Sides, of_key, unread};
use crate::tim::state::Stored;

impl Tim {
    /// The platform of the client an agent used last.
    pub(super) fn platform_of(&self, user_id: &str) -> String {
        let state = self.0.state.lock();
        let account = state.accounts.get(user_id);
        let platform = account.map(|account| account.platform.clone());
        platform
            .filter(|it| !it.is_empty())
            .unwrap_or_else(|| "Web".into())
    }

    /// A client's message on its way: to the peer, into the history, to the bridge.
    pub(super) fn deliver_from_client(
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
    pub(super) fn settle(
        &self,
        from: &str,
        to: &str,
        key: &str,
        status: Status,
        note: Option<String>,
    ) {
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
    pub(super) async fn obey(
        &self,
        mut stored: Stored,
        mut shown: Vec<Content>,
        asked: Outcome,
    ) -> Outcome {
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
