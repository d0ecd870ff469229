//! Makes renditions, one picture at a time: an unpacked photo takes a hundred times what it takes on the wire.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bridge_core::media::Rendition;
use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::hash::Hash;
use crate::picture::{self, Fitting};
use crate::vault::Vault;
use crate::voice::{Target, Transcoder};

/// A voice of ten minutes is transcoded in seconds; what takes longer is not a voice.
const TRANSCODE_TIMEOUT: Duration = Duration::from_secs(30);

/// Turns kept media into other forms of themselves.
pub struct Renderer {
    vault: Vault,
    transcoder: Transcoder,
    easel: Semaphore,
}

/// `None`: it cannot be made here. `Some(None)`: it is what was wanted already. `Some(Some(bytes))`: this is it.
pub type Rendered = Option<Option<Bytes>>;

impl Renderer {
    /// Reads from `vault`; what is made has at most `max_size` bytes.
    pub fn new(vault: Vault, ffmpeg: PathBuf, max_size: u64) -> Self {
        Self {
            vault,
            transcoder: Transcoder::new(ffmpeg, TRANSCODE_TIMEOUT, max_size),
            easel: Semaphore::new(1),
        }
    }

    /// The wanted form of what is kept under `hash` and has the media type `mime`.
    pub async fn render(&self, hash: Hash, mime: &str, wanted: Rendition) -> io::Result<Rendered> {
        match wanted {
            Rendition::Thumbnail => {
                self.paint(hash, mime, |bytes| {
                    picture::thumbnail(bytes).map(Fitting::Jpeg)
                })
                .await
            }
            Rendition::Picture { max_bytes } => {
                self.paint(hash, mime, move |bytes| picture::fit(bytes, max_bytes))
                    .await
            }
            Rendition::Mp3 => Ok(self.transcode(hash, mime, Target::Mp3).await),
            Rendition::Amr => Ok(self.transcode(hash, mime, Target::Amr).await),
        }
    }

    async fn paint(
        &self,
        hash: Hash,
        mime: &str,
        how: impl FnOnce(&[u8]) -> Option<Fitting> + Send + 'static,
    ) -> io::Result<Rendered> {
        if !mime.starts_with("image/") {
            return Ok(None);
        }
        let _alone = self.easel.acquire().await;
        let Some(bytes) = self.vault.read(hash).await? else {
            return Ok(None);
        };
        let painted = tokio::task::spawn_blocking(move || how(&bytes))
            .await
            .unwrap_or_else(|panic| {
                tracing::warn!(%panic, %hash, "A picture broke its decoder");
                None
            });
        Ok(painted.map(|fitting| match fitting {
            Fitting::AsItIs => None,
            Fitting::Jpeg(bytes) => Some(bytes.into()),
        }))
    }

    async fn transcode(&self, hash: Hash, mime: &str, target: Target) -> Rendered {
        if mime == target.mime() {
            return Some(None);
        }
        self.transcoder
            .transcode(&self.vault.path(hash), mime, target)
            .await
            .map(Some)
    }
}
