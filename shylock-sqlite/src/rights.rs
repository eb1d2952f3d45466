//! Whose rights keep SQLite from using the file, and what room the disk has. All is asked by path: closing a handle on the file
//! or on its index would drop the locks that SQLite has on it.

use std::path::Path;

/// Why the file, its log or its index cannot be written, if it is because of somebody's rights.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn why_denied(path: &Path) -> Option<String> {
    use rustix::{
        fs::{Access, access},
        io::Errno,
    };

    use crate::place::{COMPANIONS, with};

    let folder = path.parent().unwrap_or(path);
    if let Err(error) = access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        return Some(format!("the folder {}: {error}", described(folder)));
    }
    let files = ["", COMPANIONS[0], COMPANIONS[1]].map(|ending| with(path, ending));
    let denied = |file: &&std::path::PathBuf| {
        access(file.as_path(), Access::READ_OK | Access::WRITE_OK).is_err_and(|error| error != Errno::NOENT)
    };
    if let Some(file) = files.iter().find(denied) {
        let hint = if file == path { "" } else { "; the file's own rights are given to it when it is made anew" };
        return Some(format!("this user may not write {}{hint}", described(file)));
    }
    is_protected(&files[1]).then(|| {
        format!(
            "the folder {} is sticky, where Linux (fs.protected_regular) opens nobody's files for others: use a folder \
             without that bit",
            folder.display()
        )
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn why_denied(_: &Path) -> Option<String> {
    Some("the file, or its folder, may not be written".into())
}

/// What would shut out others who may write the file.
#[cfg(unix)]
pub(crate) fn weakness(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let (file, folder) = (path.metadata().ok()?, path.parent()?.metadata().ok()?);
    let is_shared = file.mode() & 0o022 != 0;
    (is_shared && is_sticky_for_others(folder.mode())).then(|| {
        format!(
            "the folder {} is sticky: where fs.protected_regular is on, Linux shuts out all users but the one whose files \
             they are",
            path.parent().unwrap_or(path).display()
        )
    })
}

#[cfg(not(unix))]
pub(crate) fn weakness(_: &Path) -> Option<String> {
    None
}

/// Whether the kernel refuses to open this log as SQLite does, so that it may be made, though its mode lets this user write.
/// SQLite has no locks on its log that closing it could drop.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_protected(log: &Path) -> bool {
    let mut like_sqlite = std::fs::OpenOptions::new();
    like_sqlite.read(true).write(true).create(true).truncate(false);
    log.exists() && like_sqlite.open(log).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

#[cfg(unix)]
const fn is_sticky_for_others(mode: u32) -> bool {
    mode & 0o1000 != 0 && mode & 0o022 != 0
}

/// A path with its owner, group and mode.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn described(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    match path.metadata() {
        Ok(found) => {
            let mode = found.mode() & 0o7777;
            format!("{} (user {}, group {}, mode {mode:03o})", path.display(), found.uid(), found.gid())
        }
        Err(_) => path.display().to_string(),
    }
}

/// Whether nothing can be added to this file: the disk is full, or a quota, or files may not grow further. SQLite reports the
/// last two as it reports a broken disk.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_no_room(log: &Path) -> bool {
    use rustix::{
        fs::{Mode, OFlags, open},
        io::{Errno, pwrite},
    };
    const PAGE: [u8; 8192] = [1; 8192];
    let folder = log.parent().unwrap_or(log);
    // A file without a name, which is gone when it is closed.
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let Ok(file) = open(folder, flags, Mode::RUSR | Mode::WUSR) else { return false };
    let end = log.metadata().map_or(0, |found| found.len());
    matches!(pwrite(&file, &PAGE, end), Err(Errno::DQUOT | Errno::NOSPC | Errno::FBIG))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn has_no_room(_: &Path) -> bool {
    false
}
