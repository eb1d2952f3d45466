//! [`Place`]: where the file lies, and whether it is still the one that was opened.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use shylock_core::{BackendError, Result};

use crate::{
    builder::invalid,
    error::SqliteError,
    filesystem::{self, Reach},
    mounts,
};

/// An opened file. No handle on it is ever opened here: closing one would drop the locks that SQLite holds in this process.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    identity: Identity,
}

type Identity = Option<(u64, u64)>;

impl Place {
    /// That of the file which lies there now.
    pub(crate) fn new(path: PathBuf) -> io::Result<Self> {
        let identity = identity(&fs::metadata(&path)?);
        Ok(Self { path, identity })
    }

    /// A companion of the file.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        with(&self.path, ending)
    }

    /// Refuses to go on where the path leads to another file by now.
    pub(crate) fn check(&self) -> Result<(), BackendError> {
        match fs::metadata(&self.path) {
            Ok(found) if identity(&found) == self.identity => Ok(()),
            Ok(_) => Err(BackendError::permanent(SqliteError::Replaced)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(BackendError::permanent(SqliteError::Replaced))
            }
            Err(error) => Err(BackendError::not_applied(error, None)),
        }
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

/// Refuses a file system that other machines may see, or warns.
pub(crate) fn check_reach(path: &Path, allowed: bool) -> Result<()> {
    judge(reach(path), path, allowed)
}

fn judge(reach: Reach, path: &Path, allowed: bool) -> Result<()> {
    match reach {
        Reach::Network(kind) if !allowed => Err(invalid(
            "path",
            format!(
                "it is on a network file system ({kind}), where two machines would grant the same lock: use a local \
                 disk, or a lock server; if all processes run on this machine, `allow_network_file_system`"
            ),
        )),
        Reach::Network(kind) | Reach::Unknown(kind) => {
            let path = path.display();
            tracing::warn!(%path, kind, "locks hold only between processes of this machine, whoever else sees the file");
            Ok(())
        }
        Reach::Local => Ok(()),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn reach(path: &Path) -> Reach {
    let folder = path.parent().unwrap_or(path);
    // The kind is a number of 32 bits, whatever the width of its field.
    let kind = rustix::fs::statfs(folder).map(|found| u32::try_from(found.f_type & 0xFFFF_FFFF).unwrap_or_default());
    match kind.map_or(Reach::Unknown("unknown"), filesystem::reach) {
        Reach::Unknown("FUSE") => filesystem::reach_of_fuse(mounts::kind(&mounts::read(), folder)),
        reach => reach,
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reach(_: &Path) -> Reach {
    Reach::Local
}

/// Whether SQLite could not open the file because of somebody's rights, or of a disk that may only be read. Asked by path:
/// closing a handle would drop the locks.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_denied(path: &Path) -> bool {
    use rustix::{
        fs::{Access, access},
        io::Errno,
    };
    let folder = access(path.parent().unwrap_or(path), Access::WRITE_OK | Access::EXEC_OK);
    let files = ["", "-wal", "-shm"].map(|ending| access(with(path, ending), Access::READ_OK | Access::WRITE_OK));
    folder.is_err() || files.into_iter().any(|found| found.is_err_and(|error| error != Errno::NOENT))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_denied(_: &Path) -> bool {
    true
}

fn with(path: &Path, ending: &str) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_refused_unless_it_is_allowed() {
        let judge = |reach, allowed| judge(reach, Path::new("/srv/locks.db"), allowed);
        let error = judge(Reach::Network("NFS"), false).expect_err("refused");
        assert!(error.to_string().contains("network file system (NFS)"), "{error}");
        judge(Reach::Network("NFS"), true).expect("allowed");
        judge(Reach::Unknown("FUSE"), false).expect("it may be local");
        judge(Reach::Local, false).expect("local");
    }
}
