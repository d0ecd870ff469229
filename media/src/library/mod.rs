//! The media library: brings media here, keeps them, makes renditions of them, and makes and answers links.

mod shelves;

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bridge_core::channel::Channel;
use bridge_core::clock::Clock;
use bridge_core::media::{KeptMedia, MediaError, MediaLibrary, Rendition};
use bridge_core::message::{InboxName, Media, MediaSource};
use bridge_core::plugin::BuildError;
use bytes::Bytes;
use futures_util::FutureExt as _;
use url::Url;

use crate::fetch::{Allowed, BadPattern, FetchLimits, Fetcher, Lookup, system_lookup};
use crate::flights::Flights;
use crate::hash::Hash;
use crate::ledger::{self, Ledger};
use crate::link::Links;
use crate::render::Renderer;
use crate::serve::{ServeError, Served, served};
use crate::settings::Settings;
use crate::vault::Vault;

use shelves::{Shelves, disk};

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
