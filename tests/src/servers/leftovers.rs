//! Looking for what a test process left behind.

use std::{env, fs, path::Path};

use super::{
    cache, docker,
    failure::{Result, While},
    processes, runtime, unique,
};

/// The containers, folders and processes of the test process with that id; containers only where
/// there is a Docker engine.
///
/// # Panics
///
/// Where it cannot look.
pub async fn left_by(pid: u32) -> Vec<String> {
    let found = runtime::run(look(unique::prefix(pid))).await;
    found.unwrap_or_else(|failure| panic!("shylock-tests: {failure}"))
}

async fn look(prefix: String) -> Result<Vec<String>> {
    let mut found = folders(&env::temp_dir(), &prefix)?;
    found.extend(folders(&cache::folder()?, &prefix)?);
    let marked = processes::with_mark(|entry| entry.starts_with(processes::MARK) && entry.contains(&prefix))?;
    found.extend(marked.iter().map(|pid| format!("process {pid:?}")));
    if docker::engine().await.is_ok() {
        found.extend(docker::containers(&prefix).await?);
    }
    Ok(found)
}

fn folders(parent: &Path, prefix: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(parent).or_say(|| format!("cannot list {}", parent.display()))?;
    Ok(entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect())
}
