//! What `kefu-bridge check` tries on the real platform.

use async_trait::async_trait;

use super::Bilingual;

/// What `kefu-bridge check` tries.
#[async_trait]
pub trait Check: Send + Sync {
    /// Tries the credentials and whatever else can be wrong; one finding per thing tried.
    async fn check(&self) -> Vec<Finding>;
}

/// One line of `kefu-bridge check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is well.
    pub ok: bool,
    /// The setting it is about, below the section: `app_secret`.
    pub key: &'static str,
    /// What was found, in Chinese and English.
    pub what: Bilingual,
    /// How to mend it; empty where nothing is to mend.
    pub mend: Bilingual,
}
