//! Pictures, sounds, films and files, by reference: their bytes are with us or at a platform.

use super::InboxName;

/// A picture, sound, film or file, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Media {
    /// Where its bytes are.
    pub source: MediaSource,
    /// File name, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Media type as the sender claims; what we serve is sniffed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Size in bytes as the sender claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// Where a medium's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// With us, by the SHA-256 of its bytes in hex.
    Kept {
        /// 64 hex digits.
        hash: String,
    },
    /// At the platform of an inbox, to be fetched by that inbox's channel or from the URL.
    Remote {
        /// Whose channel fetches it.
        inbox: InboxName,
        /// The platform's id for it; empty where only a URL is known.
        handle: String,
        /// A URL to fetch it from, where the platform gave one.
        url: Option<String>,
    },
}

impl Media {
    /// A medium at an inbox's platform.
    pub fn remote(inbox: &InboxName, handle: impl Into<String>, url: Option<String>) -> Self {
        Self {
            source: MediaSource::Remote {
                inbox: inbox.clone(),
                handle: handle.into(),
                url,
            },
            name: None,
            mime: None,
            size: None,
        }
    }
}
