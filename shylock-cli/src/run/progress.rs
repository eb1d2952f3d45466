//! Who is waited for, shown on a terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::Duration,
};

use shylock_core::{LockInfo, LockManager};
use tokio::time::sleep;

use super::terminal::Terminal;
use crate::{
    duration::shown,
    output::{held_for, plain, who},
};

/// So long one waits without a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows that the store does not answer. Never ends. Dropping it clears the line.
pub(super) async fn show_opening(name: &str) {
    if !stderr().is_terminal() {
        return std::future::pending().await;
    }
    sleep(PATIENCE).await;
    let line = Line::new();
    loop {
        line.put(&format!("waiting for {}: the store does not answer", plain(name)));
        sleep(PATIENCE).await;
    }
}

/// Shows who holds the lock. Never ends. Dropping it clears the line.
pub(super) async fn show(manager: &LockManager, name: &str) {
    if !stderr().is_terminal() {
        return std::future::pending().await;
    }
    sleep(PATIENCE).await;
    let line = Line::new();
    loop {
        match manager.inspect(name).await {
            Ok(Some(holder)) => line.put(&format!("waiting for {}: {}", plain(name), of(&holder))),
            Ok(None) => line.put(&format!("waiting for {}", plain(name))),
            Err(_) => line.put(&format!("waiting for {}: the store does not answer", plain(name))),
        }
        sleep(PATIENCE).await;
    }
}

fn of(holder: &LockInfo) -> String {
    let note = holder.note.as_deref().map(|note| format!(": {}", plain(note))).unwrap_or_default();
    format!("held by {} for {}{note}", who(holder), shown(held_for(holder)))
}

/// A line that is written again and again, unless this is a job in the background.
struct Line(Terminal);

impl Line {
    fn new() -> Self {
        Self(Terminal::of_this_process())
    }

    fn put(&self, text: &str) {
        if self.0.is_ours() {
            // A longer text would leave lines behind.
            let width = usize::from(Terminal::width());
            let text: String = text.chars().take(width.saturating_sub(1)).collect();
            drop(write!(stderr(), "\r\x1b[K{text}").and_then(|()| stderr().flush()));
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.put("");
    }
}
