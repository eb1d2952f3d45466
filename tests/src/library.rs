//! Shared libraries that are compiled from C, for what Rust could not do without `unsafe`.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

/// Compiles a library. The C compiler is the one that Rust links with.
///
/// # Errors
/// There is none, or it refuses the source.
pub fn compile(source: &Path, library: &Path, options: &[String]) -> io::Result<()> {
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).args(options);
    let output = compiler.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{} cannot be compiled: {complaint}", source.display())))
}
