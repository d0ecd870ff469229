//! Brings media here, keeps them, and makes renditions of them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use bridge_core::channel::{Channel, Fetched};
use bridge_core::clock::Clock;
use bridge_core::error::Remedy;
use bridge_core::media::{KeptMedia, MediaError, Rendition};
use bridge_core::message::{InboxName, Media, MediaSource};
use bridge_core::store::StoredMedia;
use bytes::Bytes;

use crate::failure::Failure;
use crate::fetch::Fetcher;
use crate::hash::Hash;
use crate::ledger::Ledger;
use crate::link::Links;
use crate::render::Renderer;
use crate::settings::Settings;
use crate::vault::Vault;
use crate::{kind, name, picture};

/// Where media stand, how they come there, and what is known of each.
pub(super) struct Shelves {
    pub(super) vault: Vault,
    pub(super) fetcher: Fetcher,
    pub(super) renderer: Renderer,
    pub(super) links: Links,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Arc<dyn Ledger>,
    /// Known only after the library: channels are built with it. Weak, because they hold it.
    pub(super) channels: OnceLock<HashMap<InboxName, Weak<dyn Channel>>>,
}

impl Shelves {
    /// What is at a platform, from here where it was brought here before.
    pub(super) async fn bring(&self, key: &str, media: &Media) -> Result<KeptMedia, MediaError> {
        match self
            .ledger
            .recall(key)
            .await
            .map_err(|error| passing(error.to_string()))?
        {
            Some(StoredMedia::Kept(kept)) if self.has(&kept.hash).await? => return Ok(kept),
            Some(StoredMedia::Gone { reason }) => {
                return Err(MediaError::new(Remedy::Never, reason));
            }
            _ => {}
        }
        let outcome = self.fetch(media).await;
        let fate = match &outcome {
            Ok(kept) => Some(StoredMedia::Kept(kept.clone())),
            Err(failure) => failure.is_final().then(|| StoredMedia::Gone {
                reason: failure.detail().to_owned(),
            }),
        };
        if let Some(fate) = fate
            && let Err(error) = self.ledger.remember(key, &fate).await
        {
            // It is only fetched once more than needed.
            tracing::warn!(%error, key, "What became of a medium could not be noted");
        }
        outcome.map_err(MediaError::from)
    }

    /// From its URL where there is one, which needs no token and costs no quota; by its channel where that knows how.
    /// What one way cannot do, the other may.
    async fn fetch(&self, media: &Media) -> Result<KeptMedia, Failure> {
        let MediaSource::Remote { inbox, handle, url } = &media.source else {
            return Err(Failure::refused("it is not at a platform"));
        };
        let by_url = match url {
            None => None,
            Some(url) => match self.download(url, media.name.as_deref()).await {
                Ok(kept) => return Ok(kept),
                Err(failure) => Some(failure),
            },
        };
        let by_channel = if handle.is_empty() {
            None
        } else {
            self.fetch_by_channel(inbox, media).await
        };
        match (by_url, by_channel) {
            (_, Some(Ok(kept))) => Ok(kept),
            (Some(first), Some(Err(second))) => Err(first.and(second)),
            (Some(failure), None) | (None, Some(Err(failure))) => Err(failure),
            (None, None) => Err(Failure::refused(format!(
                "nothing at {inbox} fetches it, and it has no URL"
            ))),
        }
    }

    async fn fetch_by_channel(
        &self,
        inbox: &InboxName,
        media: &Media,
    ) -> Option<Result<KeptMedia, Failure>> {
        let channel = self.channels.get()?.get(inbox)?.upgrade()?;
        let fetching = channel.fetch()?.fetch(media, self.settings.max_size.0);
        let timeout = self.settings.fetch_timeout.0;
        Some(match tokio::time::timeout(timeout, fetching).await {
            Ok(Ok(Fetched::Bytes { bytes, name, .. })) => {
                let name = media.name.clone().or(name);
                self.put(bytes, name.as_deref())
                    .await
                    .map_err(Failure::from)
            }
            Ok(Ok(Fetched::At(url))) => self.download(&url, media.name.as_deref()).await,
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Failure::passing(format!(
                "{inbox} did not hand it over within {timeout:?}"
            ))),
        })
    }

    async fn download(&self, url: &str, name: Option<&str>) -> Result<KeptMedia, Failure> {
        let download = self.fetcher.fetch(url).await?;
        Ok(self
            .put(download.bytes, name.or(download.name.as_deref()))
            .await?)
    }

    pub(super) async fn put(
        &self,
        bytes: Bytes,
        name: Option<&str>,
    ) -> Result<KeptMedia, MediaError> {
        let limit = self.settings.max_size.0;
        if bytes.is_empty() {
            return Err(MediaError::new(Remedy::Never, "it is empty"));
        }
        if bytes.len() as u64 > limit {
            return Err(MediaError::new(
                Remedy::Never,
                format!("larger than {limit} bytes"),
            ));
        }
        let hash = self
            .vault
            .put(bytes.clone(), self.clock.now())
            .await
            .map_err(disk)?;
        Ok(describe(hash, bytes, name).await)
    }

    pub(super) async fn find(
        &self,
        hash: &str,
        name: Option<&str>,
    ) -> Result<KeptMedia, MediaError> {
        let bytes = self.read(hash).await?;
        let hash = Hash::of(&bytes);
        Ok(describe(hash, bytes, name).await)
    }

    pub(super) async fn read(&self, hash: &str) -> Result<Bytes, MediaError> {
        let gone = || MediaError::new(Remedy::Never, "it is not kept (any more)");
        let hash = Hash::parse(hash).ok_or_else(gone)?;
        self.vault.read(hash).await.map_err(disk)?.ok_or_else(gone)
    }

    async fn has(&self, hash: &str) -> Result<bool, MediaError> {
        match Hash::parse(hash) {
            Some(hash) => self.vault.has(hash).await.map_err(disk),
            None => Ok(false),
        }
    }

    pub(super) async fn render(
        &self,
        kept: &KeptMedia,
        wanted: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        let Some(hash) = Hash::parse(&kept.hash) else {
            return Ok(None);
        };
        let topic = topic(wanted);
        if let Some(before) = self.noted(hash, &topic).await? {
            return Ok(Some(before));
        }
        let Some(made) = self
            .renderer
            .render(hash, &kept.mime, wanted)
            .await
            .map_err(disk)?
        else {
            return Ok(None);
        };
        let Some(bytes) = made else {
            return Ok(Some(kept.clone()));
        };
        let mime = kind::sniff(&bytes[..bytes.len().min(kind::HEAD)]);
        let made = self
            .put(bytes, Some(&name::renamed(&kept.name, mime)))
            .await?;
        let note = serde_json::to_vec(&made).unwrap_or_default();
        self.vault
            .put_note(hash, &topic, note, self.clock.now())
            .await
            .map_err(disk)?;
        Ok(Some(made))
    }

    /// The rendition that was made before, if it is still kept.
    async fn noted(&self, hash: Hash, topic: &str) -> Result<Option<KeptMedia>, MediaError> {
        let note = self.vault.note(hash, topic).await.map_err(disk)?;
        match note.and_then(|note| serde_json::from_slice::<KeptMedia>(&note).ok()) {
            Some(made) if self.has(&made.hash).await? => Ok(Some(made)),
            _ => Ok(None),
        }
    }
}

async fn describe(hash: Hash, bytes: Bytes, name: Option<&str>) -> KeptMedia {
    let mime = kind::sniff(&bytes[..bytes.len().min(kind::HEAD)]);
    let size = bytes.len() as u64;
    let dimensions = if mime.starts_with("image/") {
        // A decoder that panics on a stranger's header says no more than one that refuses it.
        tokio::task::spawn_blocking(move || picture::dimensions(&bytes))
            .await
            .unwrap_or(None)
    } else {
        None
    };
    let hash = hash.to_string();
    KeptMedia {
        name: name::file_name(name, &hash, mime),
        mime: mime.to_owned(),
        size,
        dimensions,
        hash,
    }
}

/// The file name extension of the note about a rendition.
fn topic(wanted: Rendition) -> String {
    match wanted {
        Rendition::Thumbnail => "thumbnail".to_owned(),
        Rendition::Picture { max_bytes } => format!("picture-{max_bytes}"),
        Rendition::Mp3 => "mp3".to_owned(),
        Rendition::Amr => "amr".to_owned(),
    }
}

fn passing(detail: impl Into<String>) -> MediaError {
    MediaError::new(Remedy::retry_secs(5), detail)
}

pub(super) fn disk(error: std::io::Error) -> MediaError {
    passing(format!("disk: {error}"))
}
