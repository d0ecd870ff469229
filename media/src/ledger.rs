//! What became of media at the platforms: so that a restart does not fetch them again, nor ask for ever for what is gone.

use std::sync::Arc;

use async_trait::async_trait;
use bridge_core::message::InboxName;
use bridge_core::store::{Records, StoreError, StoredMedia};

use crate::hash::Hash;

/// Remembers what became of media.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// What became of the medium under `key`.
    async fn recall(&self, key: &str) -> Result<Option<StoredMedia>, StoreError>;
    /// Notes it down.
    async fn remember(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError>;
}

/// The ledger in the store.
pub struct StoreLedger(pub Arc<dyn Records>);

#[async_trait]
impl Ledger for StoreLedger {
    async fn recall(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        self.0.media(key).await
    }

    async fn remember(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        self.0.put_media(key, media).await
    }
}

/// The key of a medium at an inbox's platform: the platform's id for it, or else its URL.
pub fn key(inbox: &InboxName, handle: &str, url: Option<&str>) -> String {
    match url {
        Some(url) if handle.is_empty() => format!("{inbox}/url/{}", Hash::of(url.as_bytes())),
        _ => format!("{inbox}/id/{handle}"),
    }
}
