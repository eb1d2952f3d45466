//! The corpora: small inputs that libFuzzer found worth keeping, and a few of ours.

use std::{fs, path::Path};

/// The corpus of a target, in the order of the file names.
///
/// # Panics
/// It cannot be read, or there is none: then nothing would be tested that takes a whole record.
#[must_use]
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort_unstable();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}
