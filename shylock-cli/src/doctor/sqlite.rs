//! What is particular to SQLite.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use shylock_sqlite::SqliteBackend;

use super::check::{Check, State};
use crate::failure::chain;

pub(super) async fn checks(path: &Path) -> Vec<Check> {
    let deployment = Check::good("deployment", "a file, for the processes of this machine only");
    let others = [who_may(path), Check::good("clocks", "one machine, one clock")];
    [deployment].into_iter().chain(place(path).await).chain(others).collect()
}

/// What the store says of the file system and the folder.
async fn place(path: &Path) -> Vec<Check> {
    const NAME: &str = "place";
    match SqliteBackend::open(path).await {
        Ok(file) if file.weaknesses().is_empty() => {
            vec![Check::good(NAME, "a file system of this machine alone, by its type")]
        }
        Ok(file) => file.weaknesses().iter().map(|said| Check::new(NAME, State::Weak, said.as_str())).collect(),
        Err(error) => vec![Check::failed(NAME, State::Unknown, &chain(&error))],
    }
}

fn who_may(path: &Path) -> Check {
    const NAME: &str = "who may";
    match fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o002 != 0 => {
            Check::new(NAME, State::Weak, "every user of this machine can change the locks")
                .hint("chmod o-w takes that away")
        }
        Ok(file) => Check::good(NAME, format!("the file's mode is {:03o}", file.permissions().mode() & 0o777)),
        Err(error) => Check::new(NAME, State::Unknown, error.to_string()),
    }
}
