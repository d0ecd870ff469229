//! Keeps bytes on disk, once per content: `ab/abcdef…` by their hash. A file is either whole or not there: it is
//! written aside, synced, and renamed. Its time of change says when it was last put, and is what retention goes by.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use bridge_core::clock::Timestamp;
use bytes::Bytes;

use crate::hash::Hash;

/// Unfinished files older than this were left by a crash.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A folder of blobs, and of notes about them.
#[derive(Clone)]
pub struct Vault {
    root: Arc<Path>,
    /// Held to write by the sweeper for each file it removes, so that it never removes one that is just put again.
    sweeping: Arc<RwLock<()>>,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many files.
    pub files: u64,
    /// How many bytes were in them.
    pub bytes: u64,
}

impl Vault {
    /// Opens the folder; makes it where it is not there, readable by this user alone.
    pub fn open(dir: &Path) -> io::Result<Self> {
        private_dir(&dir.join(TMP))?;
        Ok(Self {
            root: dir.into(),
            sweeping: Arc::default(),
        })
    }

    /// Keeps `bytes`, as put at `now`. They are on disk when this returns.
    pub async fn put(&self, bytes: Bytes, now: Timestamp) -> io::Result<Hash> {
        let vault = self.clone();
        blocking(move || vault.put_now(&bytes, now)).await
    }

    /// The whole of it; `None` when it is not kept (any more).
    pub async fn read(&self, hash: Hash) -> io::Result<Option<Bytes>> {
        let path = self.path(hash);
        blocking(move || found(fs::read(path)).map(|bytes| bytes.map(Bytes::from))).await
    }

    /// Whether it is kept; its bytes are not read.
    pub async fn has(&self, hash: Hash) -> io::Result<bool> {
        let path = self.path(hash);
        blocking(move || found(fs::metadata(path)).map(|found| found.is_some())).await
    }

    /// Where it lies. For programs that read files; it may be gone when they do.
    pub fn path(&self, hash: Hash) -> PathBuf {
        let hex = hash.to_string();
        self.root.join(&hex[..2]).join(hex)
    }

    /// A note about a blob, which goes when the blob's time has come.
    pub async fn note(&self, hash: Hash, topic: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.note_path(hash, topic);
        blocking(move || found(fs::read(path))).await
    }

    /// Writes a note. A crash may lose it, but never leaves half of one.
    pub async fn put_note(
        &self,
        hash: Hash,
        topic: &str,
        text: Vec<u8>,
        now: Timestamp,
    ) -> io::Result<()> {
        let (vault, path) = (self.clone(), self.note_path(hash, topic));
        blocking(move || vault.write(&path, &text, now, Durable::No)).await
    }

    /// Removes what was last put before `before`, and what a crash left behind.
    pub async fn sweep(&self, before: Timestamp) -> io::Result<Swept> {
        let vault = self.clone();
        blocking(move || vault.sweep_now(before)).await
    }

    fn note_path(&self, hash: Hash, topic: &str) -> PathBuf {
        self.path(hash).with_extension(topic)
    }

    fn put_now(&self, bytes: &[u8], now: Timestamp) -> io::Result<Hash> {
        let hash = Hash::of(bytes);
        let path = self.path(hash);
        let _kept = self.sweeping.read().unwrap_or_else(PoisonError::into_inner);
        if fs::metadata(&path).is_ok_and(|there| there.len() == bytes.len() as u64) {
            File::options()
                .append(true)
                .open(&path)?
                .set_modified(system_time(now))?;
        } else {
            self.write(&path, bytes, now, Durable::Yes)?;
        }
        Ok(hash)
    }

    fn write(&self, path: &Path, bytes: &[u8], now: Timestamp, durable: Durable) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        private_dir(folder)?;
        let mut aside = tempfile::NamedTempFile::new_in(self.root.join(TMP))?;
        aside.write_all(bytes)?;
        aside.as_file().set_modified(system_time(now))?;
        if durable == Durable::Yes {
            aside.as_file().sync_all()?;
        }
        aside.persist(path).map_err(|error| error.error)?;
        if durable == Durable::Yes {
            // The name itself: without this a power cut can forget it.
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    fn sweep_now(&self, before: Timestamp) -> io::Result<Swept> {
        let mut swept = Swept::default();
        for folder in fs::read_dir(&*self.root)? {
            let folder = folder?.path();
            // Unfinished files carry the machine's time, whatever the bridge's clock says.
            let limit = if folder.ends_with(TMP) {
                SystemTime::now() - ABANDONED
            } else {
                system_time(before)
            };
            if folder.is_dir() {
                self.sweep_folder(&folder, limit, &mut swept)?;
            }
        }
        Ok(swept)
    }

    fn sweep_folder(&self, folder: &Path, before: SystemTime, swept: &mut Swept) -> io::Result<()> {
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            let _alone = self
                .sweeping
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            let Some(metadata) = found(fs::metadata(&path))? else {
                continue;
            };
            if metadata.is_file() && metadata.modified()? < before {
                fs::remove_file(&path)?;
                swept.files += 1;
                swept.bytes += metadata.len();
            }
        }
        Ok(())
    }
}

/// The folder of unfinished files; inside the vault, because a rename does not cross file systems.
pub(crate) const TMP: &str = "tmp";

#[derive(PartialEq, Eq)]
enum Durable {
    Yes,
    No,
}

pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// "Not there" is an answer, not a failure.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn system_time(moment: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(moment.0).unwrap_or(0))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_767_232_800);

    fn vault() -> (tempfile::TempDir, Vault) {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open(&dir.path().join("media")).unwrap();
        (dir, vault)
    }

    fn files(vault: &Vault) -> usize {
        fs::read_dir(&*vault.root)
            .unwrap()
            .flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap())
            .count()
    }

    #[tokio::test]
    async fn the_same_bytes_are_kept_once() {
        let (_dir, vault) = vault();
        let first = vault.put(Bytes::from_static(b"one"), NOW).await.unwrap();
        let again = vault.put(Bytes::from_static(b"one"), NOW).await.unwrap();
        let other = vault.put(Bytes::from_static(b"two"), NOW).await.unwrap();
        assert_eq!(first, again);
        assert_ne!(first, other);
        assert_eq!(files(&vault), 2);
        assert_eq!(vault.read(first).await.unwrap().unwrap(), "one");
        assert_eq!(vault.read(Hash::of(b"three")).await.unwrap(), None);
    }

    /// A file that a disk error or a hand cut short is replaced, not believed.
    #[tokio::test]
    async fn a_damaged_file_is_written_again() {
        let (_dir, vault) = vault();
        let hash = vault.put(Bytes::from_static(b"whole"), NOW).await.unwrap();
        fs::write(vault.path(hash), b"who").unwrap();
        vault.put(Bytes::from_static(b"whole"), NOW).await.unwrap();
        assert_eq!(vault.read(hash).await.unwrap().unwrap(), "whole");
    }

    #[tokio::test]
    async fn a_sweep_takes_what_was_not_put_for_long_and_its_notes() {
        let (_dir, vault) = vault();
        let old = vault.put(Bytes::from_static(b"old"), NOW).await.unwrap();
        let renewed = vault
            .put(Bytes::from_static(b"renewed"), NOW)
            .await
            .unwrap();
        vault
            .put_note(old, "mp3", b"{}".to_vec(), NOW)
            .await
            .unwrap();
        let later = NOW + Duration::from_secs(100);
        vault
            .put(Bytes::from_static(b"renewed"), later)
            .await
            .unwrap();

        let swept = vault.sweep(NOW + Duration::from_secs(50)).await.unwrap();

        assert_eq!(swept, Swept { files: 2, bytes: 5 });
        assert!(!vault.has(old).await.unwrap());
        assert_eq!(vault.note(old, "mp3").await.unwrap(), None);
        assert!(vault.has(renewed).await.unwrap());
    }

    #[tokio::test]
    async fn a_sweep_takes_what_a_crash_left_and_leaves_what_is_being_written() {
        let (_dir, vault) = vault();
        let abandoned = vault.root.join(TMP).join("abandoned");
        let file = File::create(&abandoned).unwrap();
        file.set_modified(SystemTime::now() - ABANDONED - Duration::from_secs(60))
            .unwrap();
        let writing = vault.root.join(TMP).join("writing");
        fs::write(&writing, b"half").unwrap();

        vault.sweep(Timestamp(0)).await.unwrap();

        assert!(!abandoned.exists() && writing.exists());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_on_the_machine_can_look_inside() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, vault) = vault();
        let hash = vault
            .put(Bytes::from_static(b"private"), NOW)
            .await
            .unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
        assert_eq!((mode(&vault.root), mode(&vault.path(hash))), (0, 0));
    }
}
