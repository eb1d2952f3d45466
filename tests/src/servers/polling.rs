//! Waiting for conditions.

use std::time::{Duration, Instant};

use super::failure::Result;

/// Long enough for a small machine under load; nobody waits that long where all is well.
const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(25);

/// How far a condition is.
pub(crate) enum State<T> {
    /// It holds.
    Done(T),
    /// It does not hold yet, and this is how things stand.
    NotYet(String),
}

/// Asks again and again until `ask` says that `what` is done, fails, or a minute is over.
pub(crate) async fn until<T, F>(what: &str, ask: impl Fn() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<State<T>>> + Send,
{
    let start = Instant::now();
    loop {
        match ask().await? {
            State::Done(result) => return Ok(result),
            State::NotYet(state) if start.elapsed() > DEADLINE => {
                return Err(format!("{what} not within {DEADLINE:?}: {state}"));
            }
            State::NotYet(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
