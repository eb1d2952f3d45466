//! Tables for people, JSON for programs. What others have written into a store is shown as text and nothing else.

use std::{
    io::{ErrorKind, Write, stderr, stdout},
    time::SystemTime,
};

use comfy_table::{Table, presets};
use serde_json::{Value, json};
use shylock_core::LockInfo;

use crate::{duration::shown, failure::Failure};

/// Text that does nothing to a terminal: no control characters, and none that turn its direction or hide.
pub(crate) fn plain(text: &str) -> String {
    let is_tricky = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    text.chars().map(|c| if is_tricky(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// `api-3 (pid 4711)`. A lock that is kept by `--at-least` has no process.
pub(crate) fn who(info: &LockInfo) -> String {
    let host = plain(info.host.as_deref().unwrap_or("unknown host"));
    match info.pid {
        Some(pid) => format!("{host} (pid {pid})"),
        None => format!("{host} (kept by --at-least)"),
    }
}

/// What the end of its lease means: a holder renews it, and nobody renews one that is kept.
fn lease(info: &LockInfo) -> String {
    let remaining = shown(info.remaining);
    if info.pid.is_some() { format!("renewed, {remaining} left") } else { format!("free in {remaining}") }
}

/// How long it has been held: by the store's clock at its beginning, and by ours now.
pub(crate) fn held_for(info: &LockInfo) -> std::time::Duration {
    SystemTime::now().duration_since(info.acquired).unwrap_or_default()
}

pub(crate) fn table(locks: &[LockInfo]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["LOCK", "HELD BY", "FOR", "LEASE", "TOKEN", "NOTE"]);
    for info in locks {
        table.add_row([
            plain(info.name.as_str()),
            who(info),
            shown(held_for(info)),
            lease(info),
            info.token.to_string(),
            plain(info.note.as_deref().unwrap_or_default()),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

pub(crate) fn as_json(info: &LockInfo) -> Value {
    let acquired = info.acquired.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "name": info.name.as_str(),
        "token": info.token.get(),
        "host": info.host,
        "pid": info.pid,
        "note": info.note,
        "acquired_at": humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + acquired).to_string(),
        "remaining_ms": u64::try_from(info.remaining.as_millis()).unwrap_or(u64::MAX),
    })
}

/// Prints a line. Who reads it may have enough.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let written = writeln!(stdout(), "{text}").and_then(|()| stdout().flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::system("nothing can be printed", &error)),
        _ => Ok(()),
    }
}

pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}"))
}

/// Writes a line to stderr, which may be closed.
pub(crate) fn report(text: &str) {
    drop(writeln!(stderr(), "shylock: {text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_does_nothing_to_a_terminal() {
        assert_eq!(plain("Übertrag\u{1b}[2J\r\u{202e}x"), "Übertrag\\u{1b}[2J\\u{d}\\u{202e}x");
    }
}
