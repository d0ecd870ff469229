//! A library in a temporary folder, on a clock that the test moves, with names that resolve as the test says.

use std::collections::HashMap;
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bridge_core::clock::TestClock;
use bridge_core::message::{InboxName, Media};
use bridge_core::settings::{Size, Span};
use bridge_core::store::{StoreError, StoredMedia};
use bridge_media::{Ledger, Library, Lookup, Settings, Surroundings};
use url::Url;

pub const MAX_SIZE: u64 = 100_000;

/// What became of media, in memory.
#[derive(Default)]
pub struct Notebook(pub Mutex<HashMap<String, StoredMedia>>);

#[async_trait]
impl Ledger for Notebook {
    async fn recall(&self, key: &str) -> Result<Option<StoredMedia>, StoreError> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }

    async fn remember(&self, key: &str, media: &StoredMedia) -> Result<(), StoreError> {
        self.0.lock().unwrap().insert(key.to_owned(), media.clone());
        Ok(())
    }
}

/// Everything a library stands on.
pub struct World {
    /// Removes everything at the end.
    _dir: tempfile::TempDir,
    pub clock: Arc<TestClock>,
    pub ledger: Arc<Notebook>,
    /// Hosts whose addresses may be private.
    pub known: Vec<Url>,
    pub settings: Settings,
}

impl World {
    pub fn new() -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            dir: dir.path().join("media"),
            max_size: Size(MAX_SIZE),
            fetch_timeout: Span::secs(60),
            ..Settings::default()
        };
        Self {
            _dir: dir,
            clock: Arc::default(),
            ledger: Arc::default(),
            known: Vec::new(),
            settings,
        }
    }

    /// A world in which 127.0.0.1 is the configured address of a platform.
    pub fn with_local_platform() -> Self {
        let mut world = Self::new();
        world
            .known
            .push(Url::parse("http://127.0.0.1:1/cgi-bin").unwrap());
        world
    }

    /// Opens the library (again).
    pub fn library(&self) -> Library {
        Library::open_with(self.settings.clone(), self.surroundings(), names()).unwrap()
    }

    pub fn surroundings(&self) -> Surroundings {
        Surroundings {
            public_url: Url::parse("https://kefu.example.com").unwrap(),
            api_bases: self.known.clone(),
            link_key: [7; 32],
            clock: self.clock.clone(),
            ledger: self.ledger.clone(),
        }
    }

    /// How many blobs and notes lie on disk.
    pub fn files(&self) -> usize {
        fn count(dir: &Path) -> usize {
            let entries = std::fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            entries
                .map(|path| if path.is_dir() { count(&path) } else { 1 })
                .sum()
        }
        count(&self.settings.dir)
    }
}

/// The first label says where a name leads: `10-0-0-1.qpic.cn`; `both` leads to a private address in two spellings.
fn names() -> Lookup {
    Arc::new(|name| {
        let label = name.split('.').next().unwrap_or_default();
        let addresses: Vec<IpAddr> = match label {
            "both" => vec!["::1".parse().unwrap(), "::ffff:127.0.0.1".parse().unwrap()],
            label => label.replace('-', ".").parse().into_iter().collect(),
        };
        Box::pin(async move {
            Ok(addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0))
                .collect())
        })
    })
}

pub fn inbox() -> InboxName {
    InboxName::new("mall")
}

/// Something at the platform of `mall`, known by its URL.
pub fn at(url: impl Into<String>) -> Media {
    Media::remote(&inbox(), "", Some(url.into()))
}

/// A JPEG.
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb([200, 40, 40]))
        .write_to(&mut out, image::ImageFormat::Jpeg)
        .unwrap();
    out.into_inner()
}
