//! The database holds what people told each other: nobody else on the machine is to read it. Its log and its memory
//! (`-wal`, `-shm`) take their rights from the file.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes the folder a file will lie in, where it is not there, for this user alone. One that is there stays as it is.
pub(crate) fn folder_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|one| !one.as_os_str().is_empty());
    let Some(folder) = folder else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// Opens a file to write; makes it for this user alone where it is not there.
pub(crate) fn file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

    use bridge_core::{clock::SystemClock, store::Records};

    use crate::{Options, Sqlite, restore};

    #[tokio::test]
    async fn nobody_else_on_the_machine_can_read_the_database_or_a_copy_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (data, copy) = (folder.path().join("data"), folder.path().join("copies/1"));
        let path = data.join("kefu.db");
        let store = Sqlite::open(&path, Arc::new(SystemClock), Options::default()).unwrap();
        store.backup(&copy).await.unwrap();
        restore(&copy.join("kefu.db"), &folder.path().join("back/kefu.db")).unwrap();
        for place in [&data, &copy, &folder.path().join("back")] {
            let files = fs::read_dir(place)
                .unwrap()
                .map(|file| file.unwrap().path());
            for path in files.chain([place.clone()]) {
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", path.display());
            }
        }
    }
}
