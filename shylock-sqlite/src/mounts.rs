//! What is mounted where, as Linux tells it in `/proc/self/mountinfo` (pure, but for the reading).

use std::{fs, path::Path};

/// Elsewhere there is no such list.
pub(crate) fn read() -> String {
    fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()
}

pub(crate) fn is_mount_point(mounts: &str, path: &Path) -> bool {
    mounted_at(mounts, path).is_some()
}

/// The type of the file system that this path without links lies on.
pub(crate) fn kind<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mount = path.ancestors().find_map(|path| mounted_at(mounts, path))?;
    mount.split_once(" - ")?.1.split(' ').next()
}

/// Of several mounts at one place, the last covers the others.
fn mounted_at<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let path = path.to_str()?;
    let escaped = path.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012");
    mounts.lines().rfind(|line| line.split(' ').nth(4) == Some(&escaped))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "24 1 254:0 / / rw shared:1 - ext4 /dev/vda rw
99 24 254:0 /a /srv/my\\040locks.db rw - ext4 /dev/vda rw
31 24 0:40 / /srv/far rw,nosuid shared:9 master:2 - fuse /dev/fuse rw
32 31 0:41 / /srv/far rw - fuse.sshfs me@there:/ rw
33 32 0:42 / /srv/far/near rw - tmpfs tmpfs rw
";

    #[test]
    fn a_file_that_is_mounted_is_found() {
        assert!(is_mount_point(MOUNTS, Path::new("/srv/my locks.db")));
        assert!(!is_mount_point(MOUNTS, Path::new("/srv/locks.db")));
    }

    #[test]
    fn a_path_is_on_the_innermost_mount_and_the_last_one_there() {
        let kinds = [
            ("/srv/far/locks.db", "fuse.sshfs"),
            ("/srv/far/near/locks.db", "tmpfs"),
            ("/srv/farther/locks.db", "ext4"),
            ("/", "ext4"),
        ];
        for (path, expected) in kinds {
            assert_eq!(kind(MOUNTS, Path::new(path)), Some(expected), "{path}");
        }
        assert_eq!(kind("", Path::new("/srv")), None);
        assert_eq!(kind("24 1 254:0 / / rw", Path::new("/srv")), None);
    }
}
