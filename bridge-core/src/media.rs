//! Pictures, voices and files: kept once by content hash, fetched only from where it is allowed, served under URLs
//! that cannot be guessed.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{error::Remedy, message::Media};

/// Where plugins get media from and put them.
#[async_trait]
pub trait MediaLibrary: Send + Sync {
    /// Makes sure that it is kept here: fetches it where it is not, once, whoever asks at the same time.
    async fn keep(&self, media: &Media) -> Result<KeptMedia, MediaError>;

    /// The bytes of something kept.
    async fn open(&self, kept: &KeptMedia) -> Result<Bytes, MediaError>;

    /// Keeps bytes that somebody made or uploaded.
    async fn put(&self, bytes: Bytes, name: Option<&str>) -> Result<KeptMedia, MediaError>;

    /// A public URL for it that expires.
    fn url(&self, kept: &KeptMedia) -> String;

    /// A rendition of something kept: a thumbnail, a transcoded voice. `None` where it cannot be made here.
    async fn rendition(
        &self,
        kept: &KeptMedia,
        wanted: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError>;

    /// Removes what has been kept for longer than the configuration says; how many files went.
    async fn sweep(&self) -> Result<u64, MediaError> {
        Ok(0)
    }
}

/// Something kept: its hash and what it really is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeptMedia {
    /// SHA-256 of its bytes, 64 hex digits.
    pub hash: String,
    /// Sniffed media type.
    pub mime: String,
    /// Size in bytes.
    pub size: u64,
    /// File name to show.
    pub name: String,
    /// Width and height of a picture, as shown.
    pub dimensions: Option<(u32, u32)>,
}

/// Another form of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rendition {
    /// A JPEG of at most 198 pixels on the long side.
    Thumbnail,
    /// A JPEG or PNG turned the right way, at most so many bytes.
    Picture {
        /// Upper bound in bytes.
        max_bytes: u64,
    },
    /// MP3, for AMR and the like.
    Mp3,
    /// AMR, for platforms whose voice messages are AMR.
    Amr,
}

/// Why a medium is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("media: {detail}")]
pub struct MediaError {
    /// What may be done about it.
    pub remedy: Remedy,
    /// For logs.
    pub detail: String,
}

impl MediaError {
    /// A failure; `remedy` says whether trying again may help.
    pub fn new(remedy: Remedy, detail: impl Into<String>) -> Self {
        Self {
            remedy,
            detail: detail.into(),
        }
    }
}
