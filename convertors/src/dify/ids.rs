//! Dify's ids, each its own type.
//!
//! They come from a foreign server and go back to it inside paths and query strings, so only what can be an id is taken:
//! letters, digits, `-` and `_`, at most 64 of them (Dify: UUIDs; 1). Anything else reads as "no id".

use serde::{Deserialize, Serialize};

/// Longest id that is believed.
const LONGEST: usize = 64;

fn plausible(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id; `None` for what cannot be one.
            pub fn read(text: &str) -> Option<Self> {
                plausible(text).then(|| Self(text.to_owned()))
            }

            /// The id as Dify wrote it; safe inside a path.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                Self::read(&text).ok_or(NotAnId)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// One run in progress; good for the stop call only. Scope: the app, for half an hour (Dify: stop, 6).
    TaskId
}
id! {
    /// A conversation on Dify's side. Scope: one app and one `user`; any other pair gets a 404 (Dify: 1.1).
    ConversationId
}
id! {
    /// A question and its answer. Scope: one app and one `user`; feedback names it.
    MessageId
}
id! {
    /// An uploaded file. Scope: the app and the `user` that uploaded it (Dify: files, 7.2).
    UploadId
}

/// The text cannot be one of Dify's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of Dify's: letters, digits, '-' and '_', at most 64")]
pub struct NotAnId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_path_is_an_id() {
        assert!(TaskId::read("0ce1372a-1e00-4b5b-af6c-918aaca74d03").is_some());
        for bad in ["", "../x", "a b", "a/b", "id?x=1", "编号", &"x".repeat(65)] {
            assert!(TaskId::read(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_stored_id_that_was_tampered_with_does_not_come_back() {
        let kept: Result<ConversationId, _> = serde_json::from_str("\"../../admin\"");
        assert!(kept.is_err());
    }
}
