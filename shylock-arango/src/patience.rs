//! Asking again while a server is being set up: it may not be ready, or may not know yet what was made a moment ago.

use std::time::Duration;

use tokio::time::Instant;

use crate::{errno::Meaning, error::RequestError};

/// How long a cluster may take to tell all coordinators of a new database or collection.
pub(crate) const PROPAGATION: Duration = Duration::from_secs(60);
/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to ask again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// While the server is not ready.
    unready: Duration,
    /// How long an index that is being made is waited for.
    pub(crate) indexes: Duration,
    /// When something was made that other coordinators may not know of yet.
    pub(crate) made: Option<Instant>,
}

impl Patience {
    /// Of a program that connects.
    pub(crate) const CONNECTING: Self =
        Self { unready: Duration::from_secs(5), indexes: Duration::from_secs(2), made: None };
    /// Of the first call where nobody has connected. Its caller has a time-out, and repeats the call; no acquisition
    /// waits for an index.
    pub(crate) const FIRST_CALL: Self = Self { unready: Duration::from_secs(1), indexes: Duration::ZERO, made: None };

    /// Asks until the answer is no error that passes, or the patience with that error is over. Whatever is asked may be
    /// asked twice.
    pub(crate) async fn ask<T, F>(self, ask: impl Fn() -> F + Send) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, RequestError>> + Send,
    {
        self.ask_unless(0, ask).await
    }

    /// The same, but this error is an answer.
    pub(crate) async fn ask_unless<T, F>(self, answer: u64, ask: impl Fn() -> F + Send) -> Result<T, RequestError>
    where
        F: Future<Output = Result<T, RequestError>> + Send,
    {
        let since = Instant::now();
        loop {
            let error = match ask().await {
                Err(error) if !error.is(answer) => error,
                answered => return answered,
            };
            if since.elapsed() >= self.with(&error) {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn with(self, error: &RequestError) -> Duration {
        match error.meaning() {
            // Nobody listens there, or nobody who speaks HTTP, or nobody who answers in time: that is told at once.
            _ if !error.is_answered() => Duration::ZERO,
            // It is somebody else's address.
            _ if matches!(error, RequestError::Unreadable { status: 0..500, .. }) => Duration::ZERO,
            Meaning::Missing if self.made.is_some() => PROPAGATION,
            Meaning::Missing | Meaning::Permanent => Duration::ZERO,
            // A leader that moves, a server that starts up, a proxy that has no server behind it: all of that passes.
            _ => self.unready,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const PATIENCE: Patience = Patience::CONNECTING;

    fn refused(number: u64) -> RequestError {
        RequestError::Refused { status: 500, number, message: String::new() }
    }

    #[test]
    fn what_passes_is_waited_for() {
        for number in [30, 38, 503, 1200, 1429, 1448, 1477, 1491, 1495, 1496, 21_003, 99_999] {
            assert_eq!(PATIENCE.with(&refused(number)), PATIENCE.unready, "{number}");
        }
        for number in [10, 11, 1203, 1228, 1501] {
            assert_eq!(PATIENCE.with(&refused(number)), Duration::ZERO, "{number}");
        }
        let new = Patience { made: Some(Instant::now()), ..PATIENCE };
        assert_eq!(new.with(&refused(1203)), PROPAGATION);
        let html = |status| RequestError::Unreadable { status, what: "HTML" };
        let silent = || RequestError::Unanswered { endpoint: "http://a".into(), source: "reset".into() };
        let nobody = || RequestError::Undelivered { endpoint: "http://a".into(), source: "refused".into() };
        let login = |source| RequestError::Login { source: Arc::new(source) };
        for passing in [html(502), html(503), login(refused(503))] {
            assert_eq!(PATIENCE.with(&passing), PATIENCE.unready, "{passing}");
        }
        for final_one in
            [html(200), html(404), nobody(), silent(), login(nobody()), login(silent()), login(refused(401))]
        {
            assert_eq!(PATIENCE.with(&final_one), Duration::ZERO, "{final_one}");
        }
    }
}
