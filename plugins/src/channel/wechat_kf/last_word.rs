//! Codes by which one more thing may be said: the greeting of somebody who entered, and a word after a change of the session
//! (WeCom: 3.6). Kept in the cache as long as they are good; lost with it, which costs that one word and nothing else.

use std::time::Duration;

use bridge_convertors::wecom::kf::read::LastWord;
use bridge_core::{
    channel::ChannelError,
    message::{ContentKind, PeerId},
};
use serde_json::{Value, json};

use super::Kf;

/// A code, and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Word {
    code: String,
    /// Said before anything else is tried; the others only where an ordinary message is refused.
    greeting: bool,
    menu: bool,
    seconds: u64,
}

impl Word {
    pub(super) fn greeting(code: &str, life: Duration) -> Self {
        Self {
            code: code.to_owned(),
            greeting: true,
            menu: true,
            seconds: life.as_secs(),
        }
    }

    pub(super) fn of(word: LastWord) -> Self {
        Self {
            code: word.code,
            greeting: false,
            menu: word.menu,
            seconds: word.seconds,
        }
    }
}

impl Kf {
    fn word_key(&self, peer: &PeerId) -> String {
        format!("kf:word:{}:{peer}", self.words.inbox)
    }

    /// Keeps a code that is `age` old already.
    pub(super) async fn keep_word(&self, peer: &PeerId, word: Word, age: Duration) {
        let left = Duration::from_secs(word.seconds).saturating_sub(age);
        if let (false, Ok(kept)) = (left.is_zero(), serde_json::to_string(&word)) {
            let _ = self.cache.put(&self.word_key(peer), &kept, left).await;
        }
    }

    /// The code for this, if there is one, for exactly one caller: each works once.
    async fn take_word(&self, peer: &PeerId, kind: ContentKind, greeting: bool) -> Option<Word> {
        let key = self.word_key(peer);
        let kept = self.cache.get(&key).await.ok()??;
        let word: Word = serde_json::from_str(&kept).ok()?;
        let fits = match kind {
            ContentKind::Text => true,
            ContentKind::Menu => word.menu,
            _ => false,
        };
        let ours = word.greeting == greeting && fits;
        (ours && self.cache.remove_if(&key, &kept).await.unwrap_or(false)).then_some(word)
    }

    /// Says `part` by a code, where there is one for it; whether it did.
    pub(super) async fn say_by_code(
        &self,
        peer: &PeerId,
        kind: ContentKind,
        greeting: bool,
        id: &str,
        part: &Value,
    ) -> Result<bool, ChannelError> {
        let Some(word) = self.take_word(peer, kind, greeting).await else {
            return Ok(false);
        };
        let mut body = json!({ "code": word.code, "msgid": id });
        for name in ["msgtype", "text", "msgmenu"] {
            if !part[name].is_null() {
                body[name] = part[name].clone();
            }
        }
        let said = self.api.post("/cgi-bin/kf/send_msg_on_event", &body).await;
        said.map(|_| true)
    }
}
