use std::{
    fs,
    path::{Path, PathBuf},
};

use shylock_sqlite::HolderId;

/// A folder nobody else has; gone when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        Self::under(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// One that other users can reach.
    pub(crate) fn for_all() -> Self {
        Self::under(&std::env::temp_dir())
    }

    fn under(folder: &Path) -> Self {
        let id = HolderId::random().expect("random numbers");
        let path = folder.join(format!("shylock-{:032x}", u128::from_be_bytes(*id.as_bytes())));
        fs::create_dir_all(&path).expect("made");
        Self(path.canonicalize().expect("it is there"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The file of the locks.
    pub(crate) fn locks(&self) -> PathBuf {
        self.0.join("locks.db")
    }

    /// Its companion with this ending.
    pub(crate) fn beside(&self, ending: &str) -> PathBuf {
        self.0.join(format!("locks.db{ending}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
