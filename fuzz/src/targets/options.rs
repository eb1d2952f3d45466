//! What users say of themselves: the bounds of options, and texts that could upset a terminal.

use std::time::Duration;

use shylock_core::{Error, HolderInfo, fuzzing};

use crate::input::{Input, lossy};

/// The target.
pub fn run(data: &[u8]) {
    check(data, ToString::to_string);
    options(data);
}

fn check(data: &[u8], show: impl Fn(&HolderInfo) -> String) {
    let mut input = Input::new(data);
    let pid = input.flag().then(|| u32::from_le_bytes(input.array()));
    let host = input.flag().then(|| input.text());
    let note = input.flag().then(|| lossy(input.rest()));
    let info = HolderInfo { host, pid, note };
    let shown = show(&info);
    assert_harmless(&shown);
    assert!(shown.starts_with("unknown host") || info.host.is_some(), "{shown:?}");
    for text in [&info.host, &info.note].into_iter().flatten() {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ');
        assert!(!plain || shown.contains(text.as_str()), "{text:?} is not in {shown:?}");
    }
    if let Some(pid) = info.pid {
        assert!(shown.contains(&format!(" (pid {pid})")), "{shown:?}");
    }
    assert_harmless(&Error::Timeout { waited: Duration::ZERO, holder: Some(info) }.to_string());
}

/// No character that a terminal, a log or a reader takes for something else than text.
fn assert_harmless(shown: &str) {
    let upsetting = |c: char| {
        c.is_control()
            || matches!(u32::from(c), 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
                | 0xfeff | 0xfff9..=0xfffb | 0xe000..=0xf8ff | 0xe0000..=0xe0fff | 0x10_fffe..)
    };
    assert!(!shown.contains(upsetting), "{shown:?}");
}

fn options(data: &[u8]) {
    let mut input = Input::new(data);
    let (second, hours) = (Duration::from_secs(1), Duration::from_secs(60 * 60));
    let instant = Duration::from_nanos(1);
    let edges = [second, second - instant, 24 * hours, 24 * hours + instant, Duration::ZERO, 12 * hours, instant];
    let mut time =
        || if input.flag() { input.pick(&edges) } else { Duration::from_nanos(input.number().unsigned_abs()) };
    let (ttl, max_hold, margin) = (time(), time(), time());
    let mut text = || input.flag().then(|| input.text().repeat(usize::from(input.byte() % 32)));
    let (note, label, namespace) = (text(), text(), text());

    let good = |ttl: Duration| ttl >= second && ttl <= 24 * hours;
    let fits = |text: &Option<String>, most: usize| text.as_ref().is_none_or(|text| text.len() <= most);
    let lock = fuzzing::check_lock(Some(ttl), Some(max_hold), note.clone());
    assert_eq!(lock.is_ok(), good(ttl) && !max_hold.is_zero() && fits(&note, 4096), "{ttl:?}, {max_hold:?}, {note:?}");
    let named = |space: &String| !space.is_empty() && !space.chars().any(|c| c == '/' || c.is_control());
    let expected = good(ttl)
        && margin < ttl / 2
        && fits(&label, 256)
        && fits(&namespace, 64)
        && namespace.as_ref().is_none_or(named);
    let manager = fuzzing::check_manager(ttl, Some(margin), namespace.clone(), label.clone());
    assert_eq!(manager.is_ok(), expected, "{ttl:?}, {margin:?}, {namespace:?}, {label:?}");
    for error in [lock.err(), manager.err()].into_iter().flatten() {
        assert_harmless(&error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(show: fn(&HolderInfo) -> String) {
        hunt(&|data| check(data, show), &corpus("options"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn texts_that_are_shown_as_they_are_are_found() {
        finds(|info| format!("{info}{}", info.note.as_deref().unwrap_or_default()));
        finds(|info| info.to_string().replace("\\u{202e}", "\u{202e}"));
        finds(|info| info.to_string().replace("\\u{1b}", "\u{1b}"));
    }

    #[test]
    fn a_process_that_is_not_shown_is_found() {
        finds(|info| HolderInfo { pid: None, ..info.clone() }.to_string());
    }
}
