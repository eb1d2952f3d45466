//! Which file systems several machines may see at once (pure).

use Sight::{Alone, Shared};

/// Who may see the files of a file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine alone.
    Local,
    /// Other machines, too.
    Network(String),
    /// Nobody knows: a number without a name, or a program of its own that answers and may ask others.
    Unknown(String),
}

/// What is known of a kind.
#[derive(Debug, Clone, Copy)]
enum Sight {
    Alone,
    Shared,
}

/// The numbers that `statfs` has for kinds of file systems: those of the kernel's `magic.h`, of GNU coreutils' `stat`, and
/// of what each vendor's module says. What stands on another file system, as eCryptfs does, is in neither half.
const KINDS: [(u32, Sight, &str); 52] = [
    (0x0000_EF53, Alone, "ext4"),
    (0x5846_5342, Alone, "XFS"),
    (0x9123_683E, Alone, "Btrfs"),
    (0x0102_1994, Alone, "tmpfs"),
    (0x8584_58F6, Alone, "ramfs"),
    (0x794C_7630, Alone, "overlay"),
    (0x6175_6673, Alone, "aufs"),
    (0x2FC1_2FC1, Alone, "ZFS"),
    (0xF2F5_2010, Alone, "F2FS"),
    (0xCA45_1A4E, Alone, "bcachefs"),
    (0x3153_464A, Alone, "JFS"),
    (0x5265_4973, Alone, "ReiserFS"),
    (0x0000_3434, Alone, "NILFS"),
    (0x2405_1905, Alone, "UBIFS"),
    (0x0000_72B6, Alone, "JFFS2"),
    (0x0000_4D44, Alone, "FAT"),
    (0x2011_BAB0, Alone, "exFAT"),
    (0x5346_544E, Alone, "NTFS"),
    (0x7366_746E, Alone, "NTFS3"),
    (0x0000_4244, Alone, "HFS"),
    (0x0000_482B, Alone, "HFS+"),
    (0x0001_1954, Alone, "UFS"),
    (0x1501_3346, Alone, "UDF"),
    (0x0000_6969, Shared, "NFS"),
    (0x6E66_7364, Shared, "NFS"),
    (0x0000_517B, Shared, "SMB"),
    (0xFF53_4D42, Shared, "SMB"),
    (0xFE53_4D42, Shared, "SMB"),
    (0x5346_414F, Shared, "AFS"),
    (0x6B41_4653, Shared, "AFS"),
    (0x7375_7245, Shared, "Coda"),
    (0x0000_564C, Shared, "NCP"),
    (0x00C3_6400, Shared, "Ceph"),
    (0x0BD0_0BD0, Shared, "Lustre"),
    (0x0116_1970, Shared, "GFS2"),
    (0x7461_636F, Shared, "OCFS2"),
    (0x4750_4653, Shared, "GPFS"),
    (0xAAD7_AAEA, Shared, "PanFS"),
    (0x1983_0326, Shared, "BeeGFS"),
    (0xBEEF_DEAD, Shared, "StorNext"),
    (0x0131_11A8, Shared, "IBRIX"),
    (0xA501_FCF5, Shared, "VxFS"),
    (0x6163_6673, Shared, "ACFS"),
    (0x2003_0528, Shared, "OrangeFS"),
    (0x1803_1977, Shared, "Weka"),
    (0x0102_1997, Shared, "9P, as of a virtual machine's host"),
    (0x786F_4256, Shared, "VirtualBox's shared folders"),
    (0xBACB_ACBC, Shared, "VMware's shared folders"),
    (0x7C7C_6673, Shared, "Parallels' shared folders"),
    (0x6A65_6A63, Shared, "Docker Desktop's shared folders"),
    (0x00C0_FFEE, Shared, "the host's files in User-mode Linux"),
    (0x5346_4846, Shared, "the files of Windows in WSL"),
];

/// FUSE has one number for all.
const FUSE: u32 = 0x6573_5546;

/// Types of FUSE file systems whose files others may have, too; a virtual machine's host, for one.
const SHARED: [&str; 46] = [
    "virtiofs",
    "fuse.alluxio-fuse",
    "fuse.beegfs",
    "fuse.blobfuse",
    "fuse.blobfuse2",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.chubaofs",
    "fuse.cosfs",
    "fuse.cubefs",
    "fuse.curlftpfs",
    "fuse.curvefs",
    "fuse.davfs",
    "fuse.davfs2",
    "fuse.gcsfuse",
    "fuse.geesefs",
    "fuse.glusterfs",
    "fuse.goofys",
    "fuse.google-drive-ocamlfuse",
    "fuse.grpcfuse",
    "fuse.gvfsd-fuse",
    "fuse.hdfs",
    "fuse.hf3fs",
    "fuse.juicefs",
    "fuse.kio-fuse",
    "fuse.lizardfs",
    "fuse.mfs",
    "fuse.moosefs",
    "fuse.mountpoint-s3",
    "fuse.objectivefs",
    "fuse.onedriver",
    "fuse.osxfs",
    "fuse.ossfs",
    "fuse.prl_fsd",
    "fuse.quobyte",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.s3ql",
    "fuse.saunafs",
    "fuse.seadrive",
    "fuse.seaweedfs",
    "fuse.smbnetfs",
    "fuse.sshfs",
    "fuse.vboxsf",
    "fuse.vmhgfs-fuse",
    "fuse.xtreemfs",
];

/// Judges the number that `statfs` says on Linux. `mounted` tells the type as the list of mounts has it.
pub(crate) fn reach(number: u32, mounted: impl FnOnce() -> Option<String>) -> Reach {
    if number == FUSE {
        return reach_of_fuse(mounted().as_deref());
    }
    match KINDS.into_iter().find(|(kind, ..)| *kind == number) {
        Some((_, Alone, _)) => Reach::Local,
        Some((_, Shared, name)) => Reach::Network(name.into()),
        None => {
            Reach::Unknown(mounted().map_or_else(|| format!("type {number:#x}"), |name| format!("{name}, {number:#x}")))
        }
    }
}

fn reach_of_fuse(kind: Option<&str>) -> Reach {
    match kind {
        Some(kind) if SHARED.contains(&kind) => Reach::Network(kind.into()),
        Some(kind) => Reach::Unknown(format!("FUSE, {kind}")),
        None => Reach::Unknown("FUSE".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: u32) -> Reach {
        reach(number, || None)
    }

    #[test]
    fn what_other_machines_see_is_known() {
        let kinds = [
            (0x6969, "NFS"),
            (0xFF53_4D42, "SMB"),
            (0x00C3_6400, "Ceph"),
            (0x6A65_6A63, "Docker Desktop"),
            (0x7C7C_6673, "Parallels"),
            (0xBEEF_DEAD, "StorNext"),
            (0x0131_11A8, "IBRIX"),
            (0xA501_FCF5, "VxFS"),
            (0x6163_6673, "ACFS"),
            (0x2003_0528, "OrangeFS"),
            (0x1803_1977, "Weka"),
        ];
        for (number, name) in kinds {
            assert!(matches!(of(number), Reach::Network(kind) if kind.contains(name)), "{name}");
        }
    }

    #[test]
    fn what_has_no_name_is_taken_for_unknown() {
        assert_eq!(of(0x1234_5678), Reach::Unknown("type 0x12345678".into()));
        let named = reach(0x1234_5678, || Some("farfs".into()));
        assert_eq!(named, Reach::Unknown("farfs, 0x12345678".into()));
        assert!(matches!(of(0xF15F), Reach::Unknown(_)), "eCryptfs stands on another one");
    }

    #[test]
    fn fuse_is_told_apart_by_its_type() {
        let fuse = |kind: Option<&str>| reach(FUSE, || kind.map(str::to_owned));
        for kind in ["virtiofs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"] {
            assert_eq!(fuse(Some(kind)), Reach::Network(kind.into()));
        }
        for kind in [Some("fuse"), Some("fuseblk"), Some("fuse.mergerfs"), None] {
            assert!(matches!(fuse(kind), Reach::Unknown(said) if said.starts_with("FUSE")), "{kind:?}");
        }
    }

    #[test]
    fn disks_and_memory_are_local() {
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, FAT, exFAT, NTFS
        let kinds = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010];
        for kind in kinds.into_iter().chain([0x4D44, 0x2011_BAB0, 0x5346_544E]) {
            assert_eq!(of(kind), Reach::Local, "{kind:x}");
        }
    }

    #[test]
    fn each_number_stands_once() {
        for (at, (number, ..)) in KINDS.iter().enumerate() {
            assert!(KINDS[at + 1..].iter().all(|(other, ..)| other != number), "{number:x}");
        }
    }
}
