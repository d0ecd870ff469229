//! Copies a whole library, for a backup and back from it, beside whoever works on it: a file is in the copy whole or not at
//! all, and with its own time, by which it will be swept.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::vault::{TMP, found, private_dir};

/// Copies what `to` has not yet. What is only being written at `from` is left out, and what goes meanwhile has had its time.
///
/// # Errors
/// The disk's. What was copied by then stays, and is not copied again.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    private_dir(&to.join(TMP))?;
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        if !folder.file_type()?.is_dir() || folder.file_name() == TMP {
            continue;
        }
        let target = to.join(folder.file_name());
        private_dir(&target)?;
        for file in fs::read_dir(folder.path())? {
            let file = file?;
            copy_file(&file.path(), &target.join(file.file_name()), &to.join(TMP))?;
        }
        // The names of the files: without this a power cut can forget them.
        File::open(&target)?.sync_all()?;
    }
    File::open(to)?.sync_all()
}

fn copy_file(from: &Path, to: &Path, aside: &Path) -> io::Result<()> {
    let Some(mut source) = found(File::open(from))? else {
        return Ok(());
    };
    let there = source.metadata()?;
    // Names are of the content: as long as the original is as good as the original.
    if fs::metadata(to).is_ok_and(|copy| copy.len() == there.len()) {
        return Ok(());
    }
    let mut copy = tempfile::NamedTempFile::new_in(aside)?;
    io::copy(&mut source, &mut copy)?;
    copy.as_file().set_modified(there.modified()?)?;
    copy.as_file().sync_all()?;
    copy.persist(to).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    fn library(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        dir
    }

    #[test]
    fn a_copy_keeps_the_time_by_which_a_file_is_swept() {
        let from = library(&[("ab/abcd", b"picture")]);
        let long_ago = SystemTime::now() - Duration::from_hours(24 * 100);
        let original = File::options()
            .write(true)
            .open(from.path().join("ab/abcd"));
        original.unwrap().set_modified(long_ago).unwrap();
        let to = tempfile::tempdir().unwrap();
        copy(from.path(), to.path()).unwrap();
        let copied = fs::metadata(to.path().join("ab/abcd")).unwrap();
        let apart = copied.modified().unwrap().duration_since(long_ago);
        assert!(apart.unwrap_or_default() < Duration::from_secs(2));
    }

    #[test]
    fn what_an_interrupted_copy_left_half_is_made_whole() {
        let from = library(&[("ab/abcd", b"picture")]);
        let to = library(&[("ab/abcd", b"pict")]);
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read(to.path().join("ab/abcd")).unwrap(), b"picture");
    }

    #[test]
    fn what_is_only_being_written_is_left_out() {
        let from = library(&[("ab/abcd", b"picture"), ("tmp/.tmpXYZ", b"pict")]);
        let to = tempfile::tempdir().unwrap();
        copy(from.path(), to.path()).unwrap();
        assert_eq!(fs::read_dir(to.path().join(TMP)).unwrap().count(), 0);
    }

    #[test]
    fn what_was_swept_meanwhile_is_passed_over() {
        let to = tempfile::tempdir().unwrap();
        let gone = to.path().join("gone");
        copy_file(&gone, &to.path().join("abcd"), to.path()).unwrap();
        assert!(!to.path().join("abcd").exists());
    }
}
