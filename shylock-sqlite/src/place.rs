//! [`Place`]: where the file and its companions lie, and whether they are still the ones that were opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags};
use shylock_core::{BackendError, Result};

use crate::{builder::invalid, error::SqliteError, mounts, rights};

/// The log, and its index.
pub(crate) const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// An opened file. No handle on it is ever opened here: closing one would drop the locks that SQLite holds in this process.
#[derive(Debug)]
pub(crate) struct Place {
    /// The newest records are in the log alone, and who writes it is told by its index: each of the three counts.
    files: [(PathBuf, Identity); 3],
}

type Identity = Option<(u64, u64)>;

impl Place {
    /// That of the files which lie there now, and which SQLite has opened.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        let [log, index] = COMPANIONS;
        let known = |ending| {
            let path = with(path, ending);
            let identity = identity(&fs::metadata(&path)?);
            io::Result::Ok((path, identity))
        };
        Ok(Self { files: [known("")?, known(log)?, known(index)?] })
    }

    /// The file that changes with each commit, while it is open.
    pub(crate) fn log(&self) -> PathBuf {
        self.files[1].0.clone()
    }

    /// Says that a write failed for want of room, if it did. What was to be written then is not there.
    pub(crate) fn explain(&self, error: BackendError) -> BackendError {
        if rights::has_no_room(&self.log()) {
            BackendError::permanent(SqliteError::DiskFull(error.into()))
        } else {
            error
        }
    }

    /// Refuses to go on where a path leads to another file by now.
    pub(crate) fn check(&self) -> Result<(), BackendError> {
        for (at, (path, known)) in self.files.iter().enumerate() {
            match fs::metadata(path) {
                // The file itself is never empty.
                Ok(found) if identity(&found) == *known && (at != 0 || found.len() != 0) => {}
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(BackendError::not_applied(error, None));
                }
                _ => return Err(BackendError::permanent(SqliteError::Replaced)),
            }
        }
        Ok(())
    }
}

/// The path without links, if it can be that of the locks. Says whether the file is there.
pub(crate) fn find(path: &Path) -> Result<(PathBuf, bool)> {
    let refuse = |reason: String| Err(invalid("path", reason));
    let Some(name) = path.file_name() else { return refuse("it names no file".into()) };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = match folder.canonicalize() {
        Ok(folder) => folder,
        Err(error) => return refuse(format!("its folder has to be there, and cannot be used: {error}")),
    };
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => refuse("it is no file".into()),
        Ok(found) if has_other_names(&found) => {
            refuse("the file has another name, too (a hard link): who uses that would not see the locks".into())
        }
        Ok(_) => match path.canonicalize() {
            // SQLite keeps two more files beside it; mounted by itself, it has others in each container.
            Ok(path) if mounts::is_mount_point(&mounts::read(), &path) => refuse(
                "the file is mounted by itself: mount its folder, which has to be the same for all processes".into(),
            ),
            Ok(path) => Ok((path, true)),
            Err(error) => refuse(format!("it cannot be used: {error}")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_ok() => {
            refuse("it is a link that leads to no file".into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((folder.join(name), false)),
        Err(error) => refuse(format!("it cannot be used: {error}")),
    }
}

/// A connection on the file, which has to be there.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// The path of a companion.
pub(crate) fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(unix)]
fn identity(found: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> Identity {
    None
}

#[cfg(unix)]
fn has_other_names(found: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
fn has_other_names(_: &fs::Metadata) -> bool {
    false
}
