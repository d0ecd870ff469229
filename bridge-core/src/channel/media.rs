//! Platforms whose media need a download of their own.

use async_trait::async_trait;
use bytes::Bytes;

use super::ChannelError;
use crate::message::Media;

/// Downloads a platform's media.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The bytes of one medium, at most `limit` of them.
    async fn fetch(&self, media: &Media, limit: u64) -> Result<Fetched, ChannelError>;
}

/// A downloaded medium, or where to get it from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Its bytes, with the file name and type the platform claims.
    Bytes {
        /// The bytes.
        bytes: Bytes,
        /// File name.
        name: Option<String>,
        /// Claimed media type.
        mime: Option<String>,
    },
    /// A URL to be fetched under the ordinary rules.
    At(String),
}
