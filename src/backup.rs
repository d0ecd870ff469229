//! A copy of the store and the media while the bridge runs, and back from it. For SQLite; PostgreSQL has its own tools.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::{http::runtime, operate::say, settings::Settings, storage};

/// The store's copy, in the folder of a backup.
const STORE: &str = "kefu.db";

/// A consistent copy of store and media while the bridge runs.
pub(crate) fn backup(settings: &Settings, directory: &Path) -> anyhow::Result<()> {
    let place = storage::place(settings);
    place.file()?;
    let whole = directory.join(STORE);
    if whole.exists() {
        bail!(
            "{} 已存在；每次备份请用一个新目录 / exists already; name a new folder for each backup",
            whole.display()
        );
    }
    // The media after the store: whatever the copy of the store names was kept by then. And the copy of the store
    // gets its name last: a backup that was cut short must not look like one.
    let unfinished = directory.join("unfinished");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    runtime().map_err(anyhow::Error::new)?.block_on(async {
        let store = place.look(&settings.storage).await?;
        let wrong = "无法备份数据库 / the store cannot be copied";
        store.backup(&unfinished).await.context(wrong)
    })?;
    let media = &settings.media.dir;
    if media.is_dir() {
        bridge_media::copy(media, &directory.join("media"))
            .context("无法复制媒体文件 / the media cannot be copied")?;
    }
    std::fs::rename(unfinished.join(STORE), &whole)?;
    std::fs::remove_dir(&unfinished)?;
    std::fs::File::open(directory)?.sync_all()?;
    say(&format!("已备份到 / copied to {}", directory.display()));
    Ok(())
}

/// Back from a copy.
pub(crate) fn restore(settings: &Settings, directory: &Path) -> anyhow::Result<()> {
    let place = storage::place(settings);
    let (from, to) = (directory.join(STORE), place.file()?);
    if !from.is_file() {
        bail!("{} 不是备份目录 / holds no {STORE}", directory.display());
    }
    // Another database's log would be taken for this one's, and written into it.
    for there in [to.clone(), beside(to, "-wal"), beside(to, "-journal")] {
        if there.exists() {
            bail!(
                "{} 已存在，请先移走 / exists already; move it away first",
                there.display()
            );
        }
    }
    // The media first: a store that is there is whole, and so is what it names.
    let media = directory.join("media");
    if media.is_dir() {
        bridge_media::copy(&media, &settings.media.dir)
            .context("无法复制媒体文件 / the media cannot be copied")?;
    }
    bridge_store_sqlite::restore(&from, to)
        .with_context(|| format!("copying to {}", to.display()))?;
    say(&format!("已恢复到 / restored to {}", to.display()));
    Ok(())
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
