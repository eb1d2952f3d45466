//! A library in C that is preloaded into a worker, for what Rust could not do without `unsafe`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::fresh;

/// Removed when dropped.
pub(crate) struct Shim(PathBuf);

impl Shim {
    /// Compiled from a source beside this file. The C compiler is the one that Rust links with.
    pub(crate) fn from_source(name: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.so", fresh(name)));
        shylock_tests::compile(&source, &library, &[]).expect("compiled");
        Self(library)
    }

    /// The process that this command starts will have it.
    pub(crate) fn preload(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.0);
    }
}

impl Drop for Shim {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
