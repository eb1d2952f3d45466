//! A request to the store.

use std::future::Future;

use tokio::time::Instant;
use tracing::{Instrument, field};

use super::meters;
use crate::{BackendError, Failure, LockName};

/// What a store is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    TryAcquire,
    Renew,
    Release,
    HandOff,
    Inspect,
    List,
    Repair,
    Watch,
}

/// Waits for the answer. `lock`: the one it is about, where it is about one.
pub(crate) async fn request<T>(
    op: Op,
    lock: Option<&LockName>,
    call: impl Future<Output = Result<T, BackendError>>,
) -> Result<T, BackendError> {
    let span = tracing::trace_span!("request", op = op.name(), lock = lock.map(field::display), outcome = field::Empty);
    let since = cfg!(feature = "metrics").then(Instant::now);
    let answer = call.instrument(span.clone()).await;
    span.record("outcome", answer.as_ref().map_or_else(|error| name(error.failure()), |_| "answered"));
    meters::request(op, since.map(|since| since.elapsed()).unwrap_or_default(), answer.as_ref().err());
    answer
}

impl Op {
    const fn name(self) -> &'static str {
        match self {
            Self::TryAcquire => "try_acquire",
            Self::Renew => "renew",
            Self::Release => "release",
            Self::HandOff => "hand_off",
            Self::Inspect => "inspect",
            Self::List => "list",
            Self::Repair => "repair",
            Self::Watch => "watch",
        }
    }
}

const fn name(failure: &Failure) -> &'static str {
    match failure {
        Failure::NotApplied => "not_applied",
        Failure::Ambiguous => "ambiguous",
        Failure::Permanent => "permanent",
        Failure::Corrupt { .. } => "corrupt",
    }
}
