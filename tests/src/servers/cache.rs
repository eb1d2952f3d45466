//! The folder for what is downloaded, below the target folder: not committed, and cleaned with it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use super::failure::{Result, While};

/// The folder, made where it is missing.
pub(crate) fn folder() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = package.parent().ok_or("this package is not in a workspace")?;
    let folder = workspace.join("target/shylock-test-mongod");
    fs::create_dir_all(&folder).or_say(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Waits until no other process downloads or builds, and keeps others from it until the result is
/// dropped. Without it, several test binaries would do the same work at once.
pub(crate) async fn lock() -> Result<File> {
    let path = folder()?.join("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(&path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok::<File, std::io::Error>(file)
    });
    let locked = locked.await.or_say(|| "cannot wait".to_owned())?;
    locked.or_say(|| "cannot lock the folder of downloads".to_owned())
}
