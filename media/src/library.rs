//! The media library: brings media here, keeps them, makes renditions of them, and makes and answers links.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use bridge_core::channel::{Channel, Fetched};
use bridge_core::clock::Clock;
use bridge_core::error::Remedy;
use bridge_core::media::{KeptMedia, MediaError, MediaLibrary, Rendition};
use bridge_core::message::{InboxName, Media, MediaSource};
use bridge_core::plugin::BuildError;
use bridge_core::store::StoredMedia;
use bytes::Bytes;
use futures_util::FutureExt as _;
use url::Url;

use crate::failure::Failure;
use crate::fetch::{Allowed, BadPattern, FetchLimits, Fetcher, Lookup, system_lookup};
use crate::flights::Flights;
use crate::hash::Hash;
use crate::ledger::{self, Ledger};
use crate::link::Links;
use crate::render::Renderer;
use crate::serve::{ServeError, Served, served};
use crate::settings::Settings;
use crate::vault::Vault;
use crate::{kind, name, picture};

/// What a library needs beside its section of the configuration.
pub struct Surroundings {
    /// Where the outside reaches us: links begin with it.
    pub public_url: Url,
    /// The `api_base` of every inbox: their hosts are always fetched from.
    pub api_bases: Vec<Url>,
    /// Signs links; see [`crate::link_key`].
    pub link_key: [u8; 32],
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Remembers what became of media.
    pub ledger: Arc<dyn Ledger>,
}

/// The library. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Library {
    shelves: Arc<Shelves>,
    arriving: Arc<Flights<Result<KeptMedia, MediaError>>>,
    rendering: Arc<Flights<Result<Option<KeptMedia>, MediaError>>>,
}

/// Why a library cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// `media.fetch_hosts`.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// `media.dir`.
    #[error("the folder cannot be made or written: {0}")]
    Dir(#[from] std::io::Error),
    /// The HTTP client: the system's certificates.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

struct Shelves {
    vault: Vault,
    fetcher: Fetcher,
    renderer: Renderer,
    links: Links,
    settings: Settings,
    clock: Arc<dyn Clock>,
    ledger: Arc<dyn Ledger>,
    /// Known only after the library: channels are built with it. Weak, because they hold it.
    channels: OnceLock<HashMap<InboxName, Weak<dyn Channel>>>,
}

impl Library {
    /// Opens the library; makes its folder where it is not there.
    pub fn open(settings: Settings, surroundings: Surroundings) -> Result<Self, OpenError> {
        Self::open_with(settings, surroundings, system_lookup())
    }

    /// As [`Library::open`], with another way to look names up.
    pub fn open_with(
        settings: Settings,
        surroundings: Surroundings,
        lookup: Lookup,
    ) -> Result<Self, OpenError> {
        let Surroundings {
            public_url,
            mut api_bases,
            link_key,
            clock,
            ledger,
        } = surroundings;
        api_bases.push(public_url.clone());
        let allowed = Allowed::new(&settings.fetch_hosts, &api_bases)?;
        let limits = FetchLimits {
            max_size: settings.max_size.0,
            timeout: settings.fetch_timeout.0,
        };
        let vault = Vault::open(&settings.dir)?;
        let shelves = Shelves {
            fetcher: Fetcher::new(allowed, limits, lookup)?,
            renderer: Renderer::new(vault.clone(), settings.ffmpeg.clone(), settings.max_size.0),
            links: Links::new(public_url, link_key, settings.link_lifetime.0),
            vault,
            settings,
            clock,
            ledger,
            channels: OnceLock::new(),
        };
        Ok(Self {
            shelves: Arc::new(shelves),
            arriving: Arc::default(),
            rendering: Arc::default(),
        })
    }

    /// Tells the library the channels, which fetch what only they can. Once; later calls change nothing.
    pub fn connect<'a>(
        &self,
        channels: impl IntoIterator<Item = (InboxName, &'a Arc<dyn Channel>)>,
    ) {
        let weak = channels
            .into_iter()
            .map(|(inbox, channel)| (inbox, Arc::downgrade(channel)))
            .collect();
        // Connected already: the first channels stay.
        let _ = self.shelves.channels.set(weak);
    }

    /// Answers `GET /media/{token}/{name}`; both percent-decoded.
    pub async fn serve(&self, token: &str, name: &str) -> Result<Served, ServeError> {
        let shelves = &self.shelves;
        let (hash, seconds_left) = shelves.links.check(token, name, shelves.clock.now())?;
        let bytes = shelves.vault.read(hash).await?.ok_or(ServeError::Gone)?;
        Ok(served(bytes, name, seconds_left))
    }
}

#[async_trait]
impl MediaLibrary for Library {
    async fn keep(&self, media: &Media) -> Result<KeptMedia, MediaError> {
        match &media.source {
            MediaSource::Kept { hash } => self.shelves.find(hash, media.name.as_deref()).await,
            MediaSource::Remote { inbox, handle, url } => {
                let key = ledger::key(inbox, handle, url.as_deref());
                let (shelves, media) = (self.shelves.clone(), media.clone());
                let bring = |key: String| async move { shelves.bring(&key, &media).await }.boxed();
                self.arriving.join(key.clone(), || bring(key)).await
            }
        }
    }

    async fn open(&self, kept: &KeptMedia) -> Result<Bytes, MediaError> {
        self.shelves.read(&kept.hash).await
    }

    async fn put(&self, bytes: Bytes, name: Option<&str>) -> Result<KeptMedia, MediaError> {
        self.shelves.put(bytes, name).await
    }

    fn url(&self, kept: &KeptMedia) -> String {
        // A hash that is none leads to a link that leads nowhere: it was never a medium of this library.
        let hash = Hash::parse(&kept.hash).unwrap_or(Hash([0; 32]));
        self.shelves
            .links
            .make(hash, &kept.name, self.shelves.clock.now())
    }

    async fn rendition(
        &self,
        kept: &KeptMedia,
        wanted: Rendition,
    ) -> Result<Option<KeptMedia>, MediaError> {
        let (shelves, kept) = (self.shelves.clone(), kept.clone());
        let key = format!("{}/{wanted:?}", kept.hash);
        self.rendering
            .join(key, || {
                async move { shelves.render(&kept, wanted).await }.boxed()
            })
            .await
    }

    /// What has not been received or sent for longer than `media.retention`.
    async fn sweep(&self) -> Result<u64, MediaError> {
        let shelves = &self.shelves;
        let before = shelves.clock.now() - shelves.settings.retention.0;
        let swept = shelves.vault.sweep(before).await.map_err(disk)?;
        if swept.files > 0 {
            tracing::debug!(bytes = swept.bytes, files = swept.files, "Media swept");
        }
        Ok(swept.files)
    }
}

impl Shelves {
    /// What is at a platform, from here where it was brought here before.
    async fn bring(&self, key: &str, media: &Media) -> Result<KeptMedia, MediaError> {
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

    async fn put(&self, bytes: Bytes, name: Option<&str>) -> Result<KeptMedia, MediaError> {
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

    async fn find(&self, hash: &str, name: Option<&str>) -> Result<KeptMedia, MediaError> {
        let bytes = self.read(hash).await?;
        let hash = Hash::of(&bytes);
        Ok(describe(hash, bytes, name).await)
    }

    async fn read(&self, hash: &str) -> Result<Bytes, MediaError> {
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

    async fn render(
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

fn disk(error: std::io::Error) -> MediaError {
    passing(format!("disk: {error}"))
}

impl From<OpenError> for BuildError {
    fn from(error: OpenError) -> Self {
        let what = error.to_string();
        match error {
            OpenError::Pattern(BadPattern(text)) => {
                Self::new("media.fetch_hosts", what, "*.qpic.cn")
                    .zh(format!("“{text}”不是主机名或通配模式"))
            }
            OpenError::Dir(cause) => Self::new("media.dir", what, "data/media")
                .zh(format!("文件夹无法创建或写入：{cause}")),
            OpenError::Client(cause) => {
                Self::new("media", what, "").zh(format!("无法建立 HTTP 客户端：{cause}"))
            }
        }
    }
}
