//! What the assistant remembers of a conversation: its twin on Dify's side.

use bridge_convertors::dify::{ConversationId, MessageId, events::Ids};
use bridge_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Kept in the conversation's state, never in Dify.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Which app it is about: with another key another app answers, and knows nothing of the conversation.
    pub(super) app: String,
    /// Where the next question goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) conversation: Option<ConversationId>,
    /// The last answer, for feedback, and to tell a new answer from an old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<MessageId>,
    /// When it was given.
    #[serde(default)]
    pub(super) at: Timestamp,
}

impl Memory {
    /// What was remembered, if it was of this app and not before `since`.
    pub(super) fn of(kept: Option<Self>, app: &str, since: Timestamp) -> Self {
        let fits = |memory: &Self| memory.app == app && memory.at >= since;
        kept.filter(fits).unwrap_or_else(|| Self {
            app: app.to_owned(),
            ..Self::default()
        })
    }

    /// The same after another answer.
    pub(super) fn after(&self, answer: &Ids, at: Timestamp) -> Self {
        Self {
            app: self.app.clone(),
            conversation: answer.conversation.clone().or(self.conversation.clone()),
            message: answer.message.clone().or(self.message.clone()),
            at,
        }
    }
}

/// Tells apps apart without giving the key away: the beginning of a hash of address and key.
pub(super) fn fingerprint(api_base: &str, api_key: &str) -> String {
    let hash = Sha256::new()
        .chain_update(api_base.trim_end_matches('/'))
        .chain_update([0])
        .chain_update(api_key)
        .finalize();
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_means_another_app() {
        let one = fingerprint("https://api.dify.ai/v1", "app-1");
        assert_eq!(one, fingerprint("https://api.dify.ai/v1/", "app-1"));
        assert_ne!(one, fingerprint("https://api.dify.ai/v1", "app-2"));
        assert!(!one.contains("app") && one.len() == 16);
    }

    #[test]
    fn what_is_of_another_app_or_too_old_is_forgotten() {
        let kept = Memory {
            app: "one".into(),
            conversation: ConversationId::read("c1"),
            message: None,
            at: Timestamp(5),
        };
        let of = |app: &str, since| Memory::of(Some(kept.clone()), app, Timestamp(since));
        assert_eq!(of("one", 5), kept);
        assert_eq!(of("other", 5).conversation, None);
        assert_eq!(of("one", 6).conversation, None);
    }
}
