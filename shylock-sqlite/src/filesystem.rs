//! Which file systems several machines may see at once.

/// Who may see the files of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// This machine alone, as far as is known.
    Local,
    /// Other machines, too.
    Network(&'static str),
    /// A program of its own answers, which may ask others.
    Unknown(&'static str),
}

/// What `statfs` says on Linux.
pub(crate) const fn reach(kind: u32) -> Reach {
    match kind {
        0x6969 => Reach::Network("NFS"),
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Reach::Network("SMB"),
        0x5346_414F | 0x6B41_4653 => Reach::Network("AFS"),
        0x7375_7245 => Reach::Network("Coda"),
        0x564C => Reach::Network("NCP"),
        0x00C3_6400 => Reach::Network("Ceph"),
        0x0BD0_0BD0 => Reach::Network("Lustre"),
        0x0116_1970 => Reach::Network("GFS2"),
        0x7461_636F => Reach::Network("OCFS2"),
        0x4750_4653 => Reach::Network("GPFS"),
        0xAAD7_AAEA => Reach::Network("PanFS"),
        0x1983_0326 => Reach::Network("BeeGFS"),
        0x0102_1997 => Reach::Network("9P, as of a virtual machine's host"),
        0x786F_4256 => Reach::Network("VirtualBox's shared folders"),
        0xBACB_ACBC => Reach::Network("VMware's shared folders"),
        0x6573_5546 => Reach::Unknown("FUSE"),
        _ => Reach::Local,
    }
}

/// Types of FUSE file systems whose files others may have, too; a virtual machine's host, for one.
const SHARED: [&str; 25] = [
    "virtiofs",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.s3ql",
    "fuse.goofys",
    "fuse.mountpoint-s3",
    "fuse.gcsfuse",
    "fuse.blobfuse",
    "fuse.blobfuse2",
    "fuse.juicefs",
    "fuse.moosefs",
    "fuse.mfs",
    "fuse.lizardfs",
    "fuse.seaweedfs",
    "fuse.davfs",
    "fuse.davfs2",
    "fuse.curlftpfs",
    "fuse.smbnetfs",
    "fuse.vmhgfs-fuse",
    "fuse.grpcfuse",
    "fuse.osxfs",
];

/// FUSE has one number for all; the list of mounts tells which it is.
pub(crate) fn reach_of_fuse(kind: Option<&str>) -> Reach {
    let shared = SHARED.into_iter().find(|shared| Some(*shared) == kind);
    shared.map_or(Reach::Unknown("FUSE"), Reach::Network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_see_is_known() {
        for (kind, name) in [(0x6969, "NFS"), (0xFF53_4D42, "SMB"), (0xFE53_4D42, "SMB"), (0x00C3_6400, "Ceph")] {
            assert_eq!(reach(kind), Reach::Network(name));
        }
        assert_eq!(reach(0x6573_5546), Reach::Unknown("FUSE"));
    }

    #[test]
    fn fuse_is_told_apart_by_its_type() {
        for kind in ["virtiofs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"] {
            assert_eq!(reach_of_fuse(Some(kind)), Reach::Network(kind));
        }
        for kind in [Some("fuse"), Some("fuseblk"), Some("fuse.mergerfs"), None] {
            assert_eq!(reach_of_fuse(kind), Reach::Unknown("FUSE"), "{kind:?}");
        }
    }

    #[test]
    fn disks_and_memory_are_local() {
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, FAT, exFAT, NTFS
        let kinds = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010];
        for kind in kinds.into_iter().chain([0x4D44, 0x2011_BAB0, 0x5346_544E]) {
            assert_eq!(reach(kind), Reach::Local, "{kind:x}");
        }
    }
}
