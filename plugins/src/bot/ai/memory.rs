//! What the assistant remembers of a conversation: its twin on Dify's side.

use bridge_convertors::dify::{ConversationId, MessageId};
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
}

impl Memory {
    /// What was remembered, if it was of this app.
    pub(super) fn of(kept: Option<Self>, app: &str) -> Self {
        kept.filter(|memory| memory.app == app)
            .unwrap_or_else(|| Self {
                app: app.to_owned(),
                ..Self::default()
            })
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

        let kept = Memory {
            app: one.clone(),
            conversation: ConversationId::read("c1"),
            message: None,
        };
        assert_eq!(Memory::of(Some(kept.clone()), &one), kept);
        assert_eq!(Memory::of(Some(kept), "other").conversation, None);
    }
}
