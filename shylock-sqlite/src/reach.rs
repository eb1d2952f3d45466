//! Who else may see the file system that the file lies on: whether the file is refused, or what is to be said about it.

use std::path::Path;

use shylock_core::Result;

use crate::{
    builder::invalid,
    filesystem::{self, Reach},
    mounts,
};

/// Refuses a file system that other machines may see, unless that is `allowed`. Says what is weak about any other.
pub(crate) fn check(path: &Path, allowed: bool) -> Result<Option<String>> {
    judge(&of(path), allowed)
}

fn judge(reach: &Reach, allowed: bool) -> Result<Option<String>> {
    match reach {
        Reach::Local => Ok(None),
        Reach::Network(kind) if !allowed => Err(invalid(
            "path",
            format!(
                "it is on a file system that other machines may see ({kind}), and each would grant the same lock: use a \
                 local disk, or a lock server"
            ),
        )),
        Reach::Network(kind) => Ok(Some(format!(
            "the file system of the locks ({kind}) may be seen by other machines: a lock there holds only between the \
             processes of this one"
        ))),
        Reach::Unknown(kind) => Ok(Some(format!(
            "it is not known whether other machines see the file system of the locks ({kind}): if they do, a lock there \
             holds only between the processes of this one"
        ))),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn of(path: &Path) -> Reach {
    let folder = path.parent().unwrap_or(path);
    let Ok(found) = rustix::fs::statfs(folder) else { return Reach::Unknown("statfs failed".into()) };
    // The kind is a number of 32 bits, whatever the width of its field.
    let number = u32::try_from(found.f_type & 0xFFFF_FFFF).unwrap_or_default();
    filesystem::reach(number, || mounts::kind(&mounts::read(), folder).map(str::to_owned))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn of(_: &Path) -> Reach {
    Reach::Local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_refused_unless_it_is_allowed() {
        let network = Reach::Network("NFS".into());
        let error = judge(&network, false).expect_err("refused").to_string();
        assert!(error.contains("other machines may see (NFS)"), "{error}");
        assert!(!error.contains("allow_"), "the program has no such option: {error}");
        assert!(judge(&network, true).expect("allowed").is_some_and(|said| said.contains("NFS")));
    }

    #[test]
    fn what_is_not_known_is_said_and_what_is_local_is_not() {
        let unknown = Reach::Unknown("type 0x1234".into());
        assert!(judge(&unknown, false).expect("it may be local").is_some_and(|said| said.contains("0x1234")));
        assert_eq!(judge(&Reach::Local, false).expect("local"), None);
    }
}
