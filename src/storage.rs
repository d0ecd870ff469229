//! The store of the configuration: SQLite in a file of this machine, or PostgreSQL.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use bridge_core::{
    clock::{Clock, SystemClock},
    secret::masked_url,
    store::{Backend, StoreError},
};
use bridge_store_postgres::Postgres;
use bridge_store_sqlite::Sqlite;

use crate::settings::{Settings, StorageSection};

/// Where a store is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// A database server. The URL holds a password and is shown to nobody.
    Server(bridge_core::secret::Secret),
}

impl Place {
    /// The place a URL names: `sqlite://path` or `postgres://…`.
    pub(crate) fn of(url: &str) -> Self {
        match url.strip_prefix("sqlite://") {
            Some(path) => Self::File(PathBuf::from(path)),
            None => Self::Server(bridge_core::secret::Secret::new(url)),
        }
    }

    /// The file, where it is one; else why not.
    pub(crate) fn file(&self) -> anyhow::Result<&PathBuf> {
        match self {
            Self::File(path) => Ok(path),
            Self::Server(_) => anyhow::bail!(
                "PostgreSQL 请用 pg_dump / pg_restore 备份和恢复，见 docs/operations.md / PostgreSQL is backed up by pg_dump and pg_restore, see docs/operations.md"
            ),
        }
    }

    /// Opens it for the message path.
    ///
    /// # Errors
    /// As the store's own.
    pub(crate) async fn open(
        &self,
        migrate: bool,
        section: &StorageSection,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Backend>, StoreError> {
        Ok(match self {
            Self::File(path) => {
                let options = bridge_store_sqlite::Options {
                    migrate,
                    ..Default::default()
                };
                Sqlite::open(path, clock, options)?
            }
            Self::Server(url) => {
                let options = bridge_store_postgres::Options {
                    migrate,
                    connections: section.connections,
                    ..Default::default()
                };
                let store = Postgres::connect(url.expose(), clock, options).await?;
                store.warm().await;
                store
            }
        })
    }

    /// Opens it beside whoever works on it: for reading only.
    pub(crate) async fn look(
        &self,
        section: &StorageSection,
    ) -> Result<Arc<dyn Backend>, StoreError> {
        match self {
            Self::File(path) => {
                let store: Arc<dyn Backend> = Sqlite::read_only(path, Arc::new(SystemClock))?;
                Ok(store)
            }
            Self::Server(_) => self.open(false, section, Arc::new(SystemClock)).await,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Server(url) => {
                // Options may hold a password, too.
                let shown = masked_url(url.expose());
                f.write_str(shown.split('?').next().unwrap_or_default())
            }
        }
    }
}

/// The configured place.
pub(crate) fn place(settings: &Settings) -> Place {
    Place::of(settings.storage.url.expose())
}

/// Opens the configured store.
pub(crate) async fn open(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn Backend>> {
    let place = place(settings);
    let section = &settings.storage;
    place
        .open(section.migrate, section, clock.clone())
        .await
        .with_context(|| format!("storage.url: 无法打开 {place} / cannot open {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_however_it_is_written() {
        for (url, shown) in [
            (
                "postgres://u:hush@db:5432/kefu?sslmode=require",
                "postgres://u:***@db:5432/kefu",
            ),
            ("postgres://u:12/hush@db/kefu", "postgres://u:***@db/kefu"),
            (
                "postgres://u:a@hush?b@one,two/kefu",
                "postgres://u:***@one,two/kefu",
            ),
            (
                "postgres://db/kefu?user=u&password=hu@sh",
                "postgres://db/kefu",
            ),
        ] {
            assert_eq!(Place::of(url).to_string(), shown);
        }
    }
}
