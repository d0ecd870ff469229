//! How anything is built from its section of the configuration: one way for bots, guards and channels.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{cache::Cache, clock::Clock, media::MediaLibrary, texts::Locale};

/// Something that is built from its own section of the configuration.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// The section. Its doc comments are the documentation; give it `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned + schemars::JsonSchema;

    /// Builds it. Not async: it cannot reach out.
    fn build(config: Self::Config, tools: &Tools) -> Result<Self, BuildError>;
}

/// What a plugin may hold on to.
#[derive(Clone)]
pub struct Tools {
    /// The name of the section it is built from: the inbox's or the bot's.
    pub name: Arc<str>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Short-lived facts shared between nodes: access tokens, rate counters.
    pub cache: Arc<dyn Cache>,
    /// Pictures, voices and files.
    pub media: Arc<dyn MediaLibrary>,
    /// The language people are spoken to in.
    pub locale: Locale,
    /// Where the outside reaches us, without a slash at the end.
    pub public_url: String,
    /// Keys to sign and seal with.
    pub keys: Keyring,
}

/// A secret that this installation made for itself: the same on every node and after every restart. Each purpose has a
/// key of its own, so that what was signed for one is never taken for another's.
#[derive(Clone)]
pub struct Keyring([u8; 32]);

impl Keyring {
    /// A ring around the installation's secret.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The key of a purpose: `web.session/shop`.
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        // The purpose is hashed first: what is hashed with the secret has always the same length, so that nobody can
        // reckon a longer purpose's key from a shorter one's.
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(Sha256::digest(purpose));
        hash.finalize().into()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

/// Why something could not be built: what is wrong in its section, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {what}{}", if example.is_empty() { String::new() } else { format!(" (e.g. {example})") })]
pub struct BuildError {
    /// The key below the section, dotted: `encoding_aes_key`.
    pub key: String,
    /// What is wrong with it, in English.
    pub what: String,
    /// The same in Chinese; empty: `what` serves.
    pub what_zh: String,
    /// An example of what is right.
    pub example: String,
}

impl BuildError {
    /// A fault of one key.
    pub fn new(
        key: impl Into<String>,
        what: impl Into<String>,
        example: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
            what_zh: String::new(),
            example: example.into(),
        }
    }

    /// Adds the Chinese words.
    pub fn zh(mut self, what: impl Into<String>) -> Self {
        self.what_zh = what.into();
        self
    }
}

/// Reads a section into its type; a fault names the key's path.
pub fn read_config<C: DeserializeOwned>(config: serde_json::Value) -> Result<C, BuildError> {
    serde_path_to_error::deserialize(config).map_err(|error| {
        let path = error.path().to_string();
        let key = if path == "." { String::new() } else { path };
        BuildError::new(key, error.into_inner().to_string(), "")
    })
}

/// Registers a bot, a guard or a channel:
/// `bridge_core::register!(BotSpec::new::<Weather>("weather").aliases(&["天气"]));`
#[macro_export]
macro_rules! register {
    ($spec:expr) => {
        $crate::inventory::submit! { $spec.from_crate(env!("CARGO_PKG_NAME")) }
    };
}
