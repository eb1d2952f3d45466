//! [`Mark`]: the variable by which a command's processes are found when nobody else knows them any more, and by which a run
//! inside another one knows what is held around it.

use std::{ffi::OsString, fs, io};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// One word for each run around a process, the outermost first: a random id, the token and the name of its lock.
pub(crate) const VARIABLE: &str = "SHYLOCK_RUN";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn random() -> io::Result<Self> {
        let random = || getrandom::u64().map_err(|error| io::Error::other(error.to_string()));
        let (high, low) = (random()?, random()?);
        Ok(Self(format!("{high:016x}{low:016x}")))
    }

    /// What another process of this program was given as one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_mark = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_mark.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The variable for a command that is run under this lock.
    pub(crate) fn variable(&self, name: &str, token: u64) -> OsString {
        let mut value = std::env::var_os(VARIABLE).unwrap_or_default();
        if !value.is_empty() {
            value.push(" ");
        }
        value.push(format!("{}:{token}:{}", self.0, utf8_percent_encode(name, NON_ALPHANUMERIC)));
        value
    }

    /// Whether this process was started with it.
    pub(crate) fn is_on(&self, pid: i32) -> bool {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let mark = self.0.as_bytes();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| {
            let value = variable.strip_prefix(VARIABLE.as_bytes());
            value.is_some_and(|value| value.windows(mark.len()).any(|window| window == mark))
        })
    }
}

/// The locks that are held around this process, as (token, name).
pub(crate) fn held_around(variable: impl Fn(&str) -> Option<OsString>) -> Vec<(u64, String)> {
    let text = |name| variable(name).and_then(|value| value.into_string().ok());
    let mut held: Vec<_> = text(VARIABLE).unwrap_or_default().split(' ').filter_map(read).collect();
    if let (Some(name), Some(Ok(token))) = (text("SHYLOCK_NAME"), text("SHYLOCK_TOKEN").map(|token| token.parse())) {
        held.push((token, name));
    }
    held
}

fn read(word: &str) -> Option<(u64, String)> {
    let mut parts = word.splitn(3, ':');
    Mark::parse(parts.next()?)?;
    let token = parts.next()?.parse().ok()?;
    Some((token, percent_decode_str(parts.next()?).decode_utf8().ok()?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_random_and_read_back() {
        let (one, other) = (Mark::random().expect("random"), Mark::random().expect("random"));
        assert_ne!(one, other);
        assert_eq!(Mark::parse(one.as_str()), Some(one));
        assert_eq!(Mark::parse("0123"), None);
    }

    #[test]
    fn what_is_held_around_is_read() {
        let mark = Mark::random().expect("random");
        let inner = mark.variable("a b", 7).into_string().expect("text");
        let words = format!("{inner} {}:9:c no-mark x:1:d", mark.as_str());
        let variable = move |name: &str| match name {
            VARIABLE => Some(OsString::from(&words)),
            "SHYLOCK_NAME" => Some("d".into()),
            "SHYLOCK_TOKEN" => Some("11".into()),
            _ => None,
        };
        assert_eq!(held_around(variable), [(7, "a b".to_owned()), (9, "c".to_owned()), (11, "d".to_owned())]);
        assert_eq!(held_around(|_| None), []);
    }
}
