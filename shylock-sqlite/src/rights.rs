//! Whose rights keep SQLite from using the file, and what room the disk has. All is asked by path: closing a handle on the file
//! or on its index would drop the locks that SQLite has on it.

use std::path::Path;

/// Why the file cannot be opened or its companions created, if it is because of somebody's rights.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn why_denied(path: &Path) -> Option<String> {
    use rustix::fs::Access;
    let folder = path.parent().unwrap_or(path);
    let denied = access(folder, Access::WRITE_OK | Access::EXEC_OK).err();
    denied.map(|error| format!("the folder {}: {error}", described(folder))).or_else(|| why_read_only(path))
}

/// Why the file, its log or its index cannot be written, if it is because of somebody's rights.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn why_read_only(path: &Path) -> Option<String> {
    use rustix::{fs::Access, io::Errno};

    use crate::place::{COMPANIONS, with};

    let files = ["", COMPANIONS[0], COMPANIONS[1]].map(|ending| with(path, ending));
    let denied = |file: &&std::path::PathBuf| {
        access(file, Access::READ_OK | Access::WRITE_OK).is_err_and(|error| error != Errno::NOENT)
    };
    if let Some(file) = files.iter().find(denied) {
        let hint = if file == path { "" } else { "; SQLite gives it the file's mode when it is made anew" };
        return Some(format!("this user may not write {}{hint}", described(file)));
    }
    is_protected(&files[1]).then(|| {
        let folder = path.parent().unwrap_or(path).display();
        format!(
            "the folder {folder} is sticky, where Linux (fs.protected_regular) opens nobody's files for others: use a \
             folder without that bit"
        )
    })
}

/// With the rights that count when a file is opened: those of the effective user.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn access(path: &Path, access: rustix::fs::Access) -> rustix::io::Result<()> {
    rustix::fs::accessat(rustix::fs::CWD, path, access, rustix::fs::AtFlags::EACCESS)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn why_denied(_: &Path) -> Option<String> {
    Some("the file, or its folder, may not be written".into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn why_read_only(_: &Path) -> Option<String> {
    None
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

/// Whether the kernel refuses to open this log as SQLite does, with `O_CREAT`, though its mode lets this user write.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_protected(log: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Some((folder, log)) = log.parent().and_then(|folder| folder.metadata().ok()).zip(log.metadata().ok()) else {
        return false;
    };
    if !is_sticky_for_others(folder.mode()) {
        return false;
    }
    let us = rustix::process::geteuid().as_raw();
    let strictness = std::fs::read_to_string("/proc/sys/fs/protected_regular");
    let strictness = strictness.ok().and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    shuts_out(folder.mode(), &[folder.uid(), us], log.uid(), strictness)
}

/// The kernel's rule for a file in this folder that belongs neither to the folder's owner nor to the one who opens it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn shuts_out(folder: u32, exempt: &[u32], owner: u32, strictness: u8) -> bool {
    let by_all = folder & 0o002 != 0 && strictness >= 1;
    let by_group = folder & 0o020 != 0 && strictness >= 2;
    folder & 0o1000 != 0 && !exempt.contains(&owner) && (by_all || by_group)
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

#[cfg(all(test, any(target_os = "linux", target_os = "android")))]
mod tests {
    use super::*;

    #[test]
    fn a_sticky_folder_shuts_out_whom_linux_shuts_out() {
        let (root, alice, bob) = (0, 1, 2);
        let opens = |folder, us, strictness| !shuts_out(folder, &[root, us], alice, strictness);
        assert!(!opens(0o1777, bob, 1) && !opens(0o1777, bob, 2) && !opens(0o1770, bob, 2));
        assert!(opens(0o1777, bob, 0) && opens(0o1770, bob, 1) && opens(0o1700, bob, 2) && opens(0o777, bob, 2));
        assert!(opens(0o1777, alice, 2), "it is her own");
        assert!(shuts_out(0o1777, &[bob, bob], root, 1), "root's file, in bob's folder");
    }
}
