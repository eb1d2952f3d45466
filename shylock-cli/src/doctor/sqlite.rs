//! What is particular to SQLite.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use super::check::{Check, State};

/// Whether the file system will do was looked at when the file was opened.
pub(super) fn checks(path: &Path) -> Vec<Check> {
    vec![
        Check::good("deployment", "a file, for the processes of this machine only"),
        who_may(path),
        Check::good("clocks", "one machine, one clock"),
    ]
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
