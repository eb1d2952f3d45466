//! A lease in the hands of its holder, to its end.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use super::{meters, seconds, timed};
use crate::{BackendError, LossReason, clock::Moment, engine::Lease};

/// Whether a lease is in the hands of a holder: each is counted once, and its end is told once.
#[derive(Debug, Default)]
pub(crate) struct Hold(AtomicU8);

const HELD: u8 = 1;
const OVER: u8 = 2;

/// What became of a lease that was given back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Release {
    Released,
    HandedOver,
    NotHeld,
    Failed,
    Unsent,
}

/// What became of a renewal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Renewal {
    Renewed,
    Late,
    NotHeld,
    Failed,
}

impl Hold {
    /// The holder has it. `over`: why it has it no more, where that is so already.
    pub(crate) fn begins(&self, lease: &Lease, over: Option<LossReason>) {
        let begun = self.0.compare_exchange(0, HELD, Ordering::Relaxed, Ordering::Relaxed);
        match (begun, over) {
            (Ok(_), _) => {
                meters::held(1.0);
            }
            (Err(_), Some(reason)) => lost(lease, reason),
            (Err(_), None) => {}
        }
    }

    /// It is over. May be said again.
    pub(crate) fn ends(&self, lease: &Lease, reason: LossReason) {
        if self.0.swap(OVER, Ordering::Relaxed) == HELD {
            meters::hold(lease.held_for());
            if reason != LossReason::Released {
                lost(lease, reason);
            }
        }
    }
}

fn lost(lease: &Lease, reason: LossReason) {
    let (lock, token) = (&lease.key.name, lease.key.token.get());
    tracing::warn!(
        %lock,
        token,
        %reason,
        held_seconds = lease.held_for().as_secs_f64(),
        left_seconds = lease.left_on_server().as_secs_f64(),
        "a lease is lost"
    );
    meters::lost(reason);
}

/// How long it has been held, where somebody wants to know.
pub(crate) fn held_for(lease: &Lease) -> Option<Duration> {
    tracing::enabled!(tracing::Level::DEBUG).then(|| lease.held_for())
}

/// The lease was given back after it was held for so long. `Ok(false)`: it was not the holder's any more.
pub(crate) fn given_back(
    lease: &Lease,
    held: Option<Duration>,
    handed_over: bool,
    outcome: Result<bool, &BackendError>,
) {
    let (lock, token, held_seconds) = (&lease.key.name, lease.key.token.get(), seconds(held));
    let became = match outcome {
        Ok(true) if handed_over => {
            tracing::debug!(%lock, token, held_seconds, "the lock is handed over");
            Release::HandedOver
        }
        Ok(true) => {
            tracing::debug!(%lock, token, held_seconds, "the lock is released");
            Release::Released
        }
        Ok(false) => {
            tracing::debug!(%lock, token, held_seconds, "the lock was not its holder's any more when it was released");
            Release::NotHeld
        }
        // Told to whoever waits for the release, or else a warning.
        Err(_) => Release::Failed,
    };
    meters::released(became);
}

/// The holder has made a ticket of it.
pub(crate) fn detached(lease: &Lease) {
    let (lock, token) = (&lease.key.name, lease.key.token.get());
    tracing::debug!(%lock, token, "the lock is detached from its guard");
}

/// A holder goes on with it.
pub(crate) fn resumed(lease: &Lease) {
    let (lock, token) = (&lease.key.name, lease.key.token.get());
    tracing::debug!(%lock, token, "the lock is resumed with a ticket");
    lease.handed_out();
}

/// How long its holder may still act without a renewal, where somebody wants to know.
pub(crate) fn margin_of(lease: &Lease) -> Option<Duration> {
    timed!(TRACE).then(|| lease.margin(Moment::now()))
}

/// The store has renewed it, when so much was left. `in_time`: before its holder had let go or was told of a loss.
pub(crate) fn renewed(lease: &Lease, margin: Option<Duration>, in_time: bool) {
    let (lock, token, left_seconds) = (&lease.key.name, lease.key.token.get(), seconds(margin));
    if in_time {
        tracing::trace!(%lock, token, left_seconds, "a lease is renewed");
    }
    meters::renewed(in_time, left_seconds);
}

/// The store says that it is not held by this lease. Its holder may have let go of it while the renewal was under way.
pub(crate) fn renewal_refused(lease: &Lease) {
    let let_go = lease.valid_for() == Err(LossReason::Released);
    meters::renewal(if let_go { Renewal::Late } else { Renewal::NotHeld }, 1);
}
