//! The files of a test: what its processes write down, and marks that show whether two of them are inside at once.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{sleep, timeout};

/// Longer than anything takes that these programs do.
const LONG: Duration = Duration::from_secs(120);

#[derive(Debug, Clone)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Adds a line to the journal of all processes.
    pub(crate) fn note(&self, line: &str) {
        let journal = OpenOptions::new().append(true).create(true).open(self.file("journal"));
        journal.and_then(|mut journal| journal.write_all(format!("{line}\n").as_bytes())).expect("written");
    }

    /// The lines of the journal.
    pub(crate) fn journal(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("journal")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The lines of the journal that end with this word, without it.
    pub(crate) fn noted(&self, word: &str) -> Vec<String> {
        let journal = self.journal();
        journal.iter().filter_map(|line| Some(line.strip_suffix(word)?.strip_suffix(' ')?.to_owned())).collect()
    }

    /// Waits until the journal fulfils a condition.
    pub(crate) async fn until(&self, what: &str, is_fulfilled: impl Fn(&Self) -> bool + Send + Sync) {
        let wait = async {
            while !is_fulfilled(self) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{what}: {:#?}", self.journal()));
    }
}

/// A mark that its maker is inside of what only one may be inside of. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Inside(PathBuf);

impl Inside {
    /// Fails if another is inside. A mark whose maker was killed does not count.
    pub(crate) fn enter(path: &Path) -> io::Result<Self> {
        if fs::read_link(path).is_ok_and(|maker| !is_alive(&maker)) {
            fs::remove_file(path)?;
        }
        // A link is made with its content, and never over another.
        symlink(std::process::id().to_string(), path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        fs::remove_file(&self.0).expect("nobody else removes it");
    }
}

fn is_alive(pid: &Path) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status")).unwrap_or_default();
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    state.is_some_and(|state| !state.trim().starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the scenarios rely on.
    #[test]
    fn a_second_one_inside_is_noticed_and_a_dead_one_is_not_counted() {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("inside-{}", std::process::id()));
        let first = Inside::enter(&path).expect("nobody is inside");
        Inside::enter(&path).expect_err("the first is inside");
        drop(first);
        // A number that no process can have.
        symlink("4194305", &path).expect("made");
        drop(Inside::enter(&path).expect("its maker is dead"));
        assert!(!path.is_symlink(), "it is gone with its maker");
    }
}
