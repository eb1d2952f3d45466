//! Futures that never resolve where there is nothing to wait for, for the branches of a `select!`.

use std::{
    future::{Future, pending},
    pin::Pin,
    time::Duration,
};

use tokio::time::{self, Instant};

use super::{Engine, admission::Permit, call::InFlight, place::Place};

/// A request that waits to be sent.
pub(super) type Queued<'a> = Pin<Box<dyn Future<Output = Permit> + Send + 'a>>;

/// The permit of a request that waits to be sent.
pub(super) async fn admitted(queued: &mut Option<Queued<'_>>) -> Permit {
    match queued {
        Some(queued) => queued.await,
        None => pending().await,
    }
}

/// The end of a request under way.
pub(super) async fn end(in_flight: &mut Option<InFlight>) {
    match in_flight {
        Some(in_flight) => in_flight.end().await,
        None => pending().await,
    }
}

/// Resolves when the lock of this place may have become free.
pub(super) async fn woken(place: Option<&Place>) {
    match place {
        Some(place) => place.woken().await,
        None => pending().await,
    }
}

/// Resolves when the store has answered nothing since then for the longest time that may be.
pub(super) async fn silent(engine: &Engine, since: Instant, longest: Option<Duration>) {
    match longest {
        Some(longest) => engine.health.silence(since, longest).await,
        None => pending().await,
    }
}

pub(super) async fn at(when: Option<Instant>) {
    match when {
        Some(when) => until(when).await,
        None => pending().await,
    }
}

/// Timers count in whole milliseconds: a sleep until now would take one.
pub(super) async fn until(when: Instant) {
    if when > Instant::now() {
        time::sleep_until(when).await;
    }
}
