//! To come.

use std::{path::Path, process::ExitCode};

use crate::Result;

/// To come.
///
/// # Errors
/// To come.
pub async fn run(_folder: &Path, _kills: u32) -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
