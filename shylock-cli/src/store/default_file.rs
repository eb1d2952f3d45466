//! The file that is used where no store is named: where it is, and whether it may be made.
//!
//! Each user, and each environment, has one of its own. Two jobs that should exclude each other and have different ones do
//! not, without any error, so the program names the file where that may happen unseen.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

use crate::{failure::Failure, output::plain};

/// The path, by this environment.
pub(super) fn path(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    let path = state.map(|state| state.join("shylock").join("locks.sqlite"));
    path.ok_or_else(|| {
        Failure::usage("no store is named, and there is no home for a file")
            .with_hint("name one: --store sqlite:/var/lib/shylock/locks.sqlite, or by SHYLOCK_STORE")
    })
}

/// Makes the folder of the file, unless that would be in somebody else's home: what root makes there shuts its owner out.
pub(super) fn make_folder(file: &Path) -> Result<(), Failure> {
    let folder = file.parent().unwrap_or(file);
    if geteuid().is_root()
        && !file.exists()
        && let Some((home, owner)) = nearest(folder).filter(|(_, owner)| *owner != 0)
    {
        return Err(Failure::usage(format!(
            "no store is named, and {} belongs to another user (uid {owner}), whom a file of root's would shut out",
            home.display()
        ))
        .with_hint("name a store by --store or SHYLOCK_STORE, or use root's own file: sudo -H"));
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            let what = format!("no store is named, and the folder {} cannot be made: {error}", folder.display());
            Failure::usage(what).with_hint("name a store by --store or SHYLOCK_STORE")
        }
        _ => Failure::system(&format!("the folder {} cannot be made", folder.display()), &error),
    })
}

/// The nearest folder above that is there, and its owner.
fn nearest(folder: &Path) -> Option<(&Path, u32)> {
    folder.ancestors().find_map(|ancestor| Some((ancestor, fs::metadata(ancestor).ok()?.uid())))
}

/// The user who has become root by `sudo`, and at whose terminal the default file is another one.
pub(super) fn sudo_user() -> Option<String> {
    let user = std::env::var_os("SUDO_USER").filter(|_| geteuid().is_root())?;
    Some(user.to_string_lossy().into_owned())
}

/// How the file is named to people, with the reason why it may be another one than they think.
pub(super) fn notice(shown: &str, is_new: bool, sudo_user: Option<&str>) -> String {
    let made = if is_new { ", made just now" } else { "" };
    let whose = match sudo_user {
        Some(user) => format!("root's own, not that of {}", plain(user)),
        None => "that of this user and environment".to_owned(),
    };
    format!("the locks are in {shown}{made}: the default file, {whose}; SHYLOCK_STORE names one for all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_the_state_folder() {
        let file = |variables: &[(&str, &str)]| {
            let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
            path(variable).ok().map(|path| path.display().to_string())
        };
        let at_home = Some("/h/.local/state/shylock/locks.sqlite");
        assert_eq!(file(&[("HOME", "/h")]).as_deref(), at_home);
        assert_eq!(file(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]).as_deref(), Some("/s/shylock/locks.sqlite"));
        assert_eq!(file(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")]).as_deref(), at_home);
        assert_eq!(file(&[("HOME", "")]), None);
        assert_eq!(file(&[]), None);
    }

    #[test]
    fn a_notice_names_the_file_and_the_way_out() {
        let notice = |is_new, user| notice("sqlite:/h/locks.sqlite", is_new, user);
        for text in ["sqlite:/h/locks.sqlite", "SHYLOCK_STORE", "default", "this user"] {
            assert!(notice(false, None).contains(text), "{}", notice(false, None));
        }
        assert!(notice(true, None).contains("made just now"));
        assert!(notice(false, Some("alice\n")).contains("not that of alice\\u{a};"));
    }
}
