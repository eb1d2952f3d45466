//! Who is waited for, told on a terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use shylock_core::{LockInfo, LockManager};
use tokio::time::sleep;

use crate::{
    duration::shown,
    output::{held_for, plain, who},
};

/// So long one waits without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Never ends. Dropping it clears the line.
pub(super) async fn show(manager: &LockManager, name: &str) {
    if !stderr().is_terminal() {
        return std::future::pending().await;
    }
    sleep(PATIENCE).await;
    let _line = Line;
    loop {
        match manager.inspect(name).await {
            Ok(Some(holder)) => put(&format!("waiting for {}: {}", plain(name), of(&holder))),
            Ok(None) => put(&format!("waiting for {}", plain(name))),
            Err(_) => put(&format!("waiting for {}: the store does not answer", plain(name))),
        }
        sleep(PATIENCE).await;
    }
}

fn of(holder: &LockInfo) -> String {
    format!("held by {} for {}", who(holder), shown(held_for(holder)))
}

fn put(text: &str) {
    drop(write!(stderr(), "\r\x1b[K{text}").and_then(|()| stderr().flush()));
}

struct Line;

impl Drop for Line {
    fn drop(&mut self) {
        put("");
    }
}
