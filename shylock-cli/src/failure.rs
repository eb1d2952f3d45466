//! [`Failure`]: what is told on stderr, with which exit status. The numbers are those of `sysexits.h` and of shells.

use std::{borrow::Cow, error::Error as StdError, io::IsTerminal, process::ExitCode, time::Duration};

use shylock_core::Error;

use crate::{hints, output::report};

/// Wrong arguments.
const USAGE: u8 = 64;
/// The store cannot be used.
pub(crate) const UNAVAILABLE: u8 = 69;
/// The operating system refused something.
const SYSTEM: u8 = 71;
/// The lock was about to be lost, or is.
pub(crate) const LOST: u8 = 75;
/// The command ran for longer than `--at-most`.
pub(crate) const TOO_LONG: u8 = 124;
const NOT_STARTED: u8 = 126;
const NOT_FOUND: u8 = 127;

#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<Cow<'static, str>>,
    /// Whether the same may succeed the next time.
    passing: bool,
    /// Reported on a terminal only: a script asked for it, and cron would send a letter about it.
    expected: bool,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: USAGE, message: message.into(), hint: None, passing: false, expected: false }
    }

    pub(crate) fn system(what: &str, error: &dyn StdError) -> Self {
        Self { code: SYSTEM, ..Self::usage(format!("{what}: {error}")) }
    }

    /// The lock is held, and nobody was to wait for it.
    pub(crate) fn conflict(code: u8, message: String) -> Self {
        Self { code, expected: true, ..Self::usage(message) }
    }

    /// The lock was held for as long as it was to be waited for.
    pub(crate) fn waited_in_vain(code: u8, message: String) -> Self {
        Self { code, ..Self::usage(message) }
    }

    /// The command did not start.
    pub(crate) fn not_started(program: &str, error: &std::io::Error) -> Self {
        let (code, why) = match error.kind() {
            std::io::ErrorKind::NotFound => (NOT_FOUND, "there is no such command".to_owned()),
            std::io::ErrorKind::PermissionDenied => (NOT_STARTED, "it may not be run".to_owned()),
            _ => (NOT_STARTED, error.to_string()),
        };
        Self { code, ..Self::usage(format!("{program}: {why}")) }
    }

    /// A signal came before there was a command to pass it on to.
    pub(crate) fn interrupted(signal: i32) -> Self {
        let code = u8::try_from(128 + signal).unwrap_or(SYSTEM);
        Self { code, expected: true, ..Self::usage("gave up waiting") }
    }

    /// The store gave no answer at all.
    pub(crate) fn unanswered(limit: Duration) -> Self {
        let message = format!("no answer within {}", humantime::format_duration(limit));
        Self { code: UNAVAILABLE, passing: true, ..Self::usage(message) }
            .with_hint("`shylock doctor` looks at the store closely")
    }

    pub(crate) const fn is_passing(&self) -> bool {
        self.passing
    }

    pub(crate) fn with_hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(crate) fn about(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Reports it on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        if !self.expected || is_conflict_shown() {
            report(&self.message);
            if let Some(hint) = &self.hint {
                report(&format!("hint: {hint}"));
            }
        }
        ExitCode::from(self.code)
    }
}

/// Whether a conflict that a script asked for is reported.
pub(crate) fn is_conflict_shown() -> bool {
    std::io::stderr().is_terminal() || tracing::enabled!(tracing::Level::DEBUG)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::InvalidName(_) | Error::InvalidOption { .. } => USAGE,
            Error::Lost { .. } => LOST,
            _ => UNAVAILABLE,
        };
        let hint = match &error {
            Error::Backend { .. } => Some("`shylock doctor` looks at the store closely".into()),
            Error::CorruptRecord { name, .. } => Some(hints::for_corrupt_record(name.as_str()).into()),
            _ => None,
        };
        let passing = matches!(error, Error::Backend { retryable: true, .. });
        Self { code, hint, passing, ..Self::usage(chain(&error)) }
    }
}

/// The error and its sources.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut texts = vec![error.to_string()];
    let mut error = error;
    while let Some(source) = error.source() {
        texts.push(source.to_string());
        error = source;
    }
    // Drivers repeat their sources in their own texts.
    texts.dedup_by(|source, error| error.contains(source.as_str()));
    texts.join(": ")
}

/// Help was asked for, or the arguments are wrong. An address in a place where none belongs may carry a password.
pub(crate) fn of_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument.to_string_lossy().contains("://")) {
        report(&format!("{}; the address of a store belongs to --store, or into SHYLOCK_STORE", error.kind()));
    } else {
        drop(error.print());
    }
    ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
}
