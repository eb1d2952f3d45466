//! The numbers. No label has a value that a caller chose, so that each number has a fixed count of series, and its key is
//! a static.

use std::time::Duration;

#[cfg(feature = "metrics")]
use metrics::{counter, gauge, histogram};

#[cfg(not(feature = "metrics"))]
use super::silent::{counter, gauge, histogram};
use super::{
    acquire::Outcome,
    hold::{Release, Renewal},
    request::Op,
};
use crate::{BackendError, Failure, LossReason};

/// A number with one label, by its known values.
macro_rules! by {
    ($kind:ident $name:literal, $label:literal = $value:expr => { $($known:pat => $text:literal),+ $(,)? }) => {
        match $value { $($known => $kind!($name, $label => $text)),+ }
    };
}

/// The two numbers of an acquisition's outcome.
macro_rules! outcome {
    ($text:literal) => {
        (
            counter!("shylock_acquisitions_total", "outcome" => $text),
            histogram!("shylock_wait_seconds", "outcome" => $text),
        )
    };
}

#[cfg(feature = "metrics")]
pub(crate) fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

    describe_counter!("shylock_acquisitions_total", "Acquisitions that have come to an outcome");
    describe_histogram!("shylock_wait_seconds", Unit::Seconds, "From the call of an acquisition to its outcome");
    describe_gauge!("shylock_waiting", "Acquisitions that have no outcome yet");
    describe_counter!("shylock_contentions_total", "Acquisitions that met a holder, or others who wait");
    describe_gauge!("shylock_held", "Locks that are held by this process");
    describe_histogram!("shylock_hold_seconds", Unit::Seconds, "From the grant of a lock to its release or loss");
    describe_counter!("shylock_releases_total", "Leases that were given back");
    describe_counter!("shylock_renewals_total", "Renewals of leases");
    describe_histogram!(
        "shylock_renewal_margin_seconds",
        Unit::Seconds,
        "What was left of a lease when it was renewed"
    );
    describe_gauge!("shylock_smallest_margin_seconds", Unit::Seconds, "What is left of the lease that is lost first");
    describe_counter!("shylock_losses_total", "Locks that were lost while they were held");
    describe_histogram!("shylock_store_request_seconds", Unit::Seconds, "From a request to the store's answer");
    describe_counter!("shylock_store_failures_total", "Requests that the store answered with an error, or not at all");
}

#[cfg(not(feature = "metrics"))]
pub(crate) const fn describe() {}

pub(super) fn waiting(change: f64) {
    gauge!("shylock_waiting").increment(change);
}

pub(super) fn acquired(outcome: Outcome, waited_seconds: f64) {
    waiting(-1.0);
    let (count, time) = match outcome {
        Outcome::Granted => outcome!("granted"),
        Outcome::TimedOut => outcome!("timed_out"),
        Outcome::Refused => outcome!("refused"),
        Outcome::Failed => outcome!("failed"),
        Outcome::Cancelled => outcome!("cancelled"),
    };
    count.increment(1);
    time.record(waited_seconds);
}

pub(super) fn contended() {
    counter!("shylock_contentions_total").increment(1);
}

pub(super) fn held(change: f64) {
    gauge!("shylock_held").increment(change);
}

pub(super) fn hold(time: Duration) {
    held(-1.0);
    histogram!("shylock_hold_seconds").record(time);
}

pub(super) fn lost(reason: LossReason) {
    by!(counter "shylock_losses_total", "reason" = reason => {
        LossReason::Expired => "expired",
        LossReason::Taken => "taken",
        LossReason::MaxHold => "max_hold",
        LossReason::Stopped => "stopped",
        LossReason::Released => "released",
    })
    .increment(1);
}

pub(super) fn released(became: Release) {
    by!(counter "shylock_releases_total", "outcome" = became => {
        Release::Released => "released",
        Release::HandedOver => "handed_over",
        Release::NotHeld => "not_held",
        Release::Failed => "failed",
        Release::Unsent => "unsent",
    })
    .increment(1);
}

pub(super) fn renewal(became: Renewal, leases: u64) {
    by!(counter "shylock_renewals_total", "outcome" = became => {
        Renewal::Renewed => "renewed",
        Renewal::Late => "late",
        Renewal::NotHeld => "not_held",
        Renewal::Failed => "failed",
    })
    .increment(leases);
}

pub(super) fn renewed(in_time: bool, left_seconds: Option<f64>) {
    renewal(if in_time { Renewal::Renewed } else { Renewal::Late }, 1);
    if in_time {
        histogram!("shylock_renewal_margin_seconds").record(left_seconds.unwrap_or_default());
    }
}

pub(super) fn smallest_margin(smallest: Option<Duration>) {
    gauge!("shylock_smallest_margin_seconds").set(smallest.map_or(f64::INFINITY, |margin| margin.as_secs_f64()));
}

pub(super) fn request(op: Op, took: Duration, error: Option<&BackendError>) {
    by!(histogram "shylock_store_request_seconds", "op" = op => {
        Op::TryAcquire => "try_acquire",
        Op::Renew => "renew",
        Op::Release => "release",
        Op::HandOff => "hand_off",
        Op::Inspect => "inspect",
        Op::List => "list",
        Op::Repair => "repair",
        Op::Watch => "watch",
    })
    .record(took);
    if let Some(error) = error {
        by!(counter "shylock_store_failures_total", "failure" = error.failure() => {
            Failure::NotApplied => "not_applied",
            Failure::Ambiguous => "ambiguous",
            Failure::Permanent => "permanent",
            Failure::Corrupt { .. } => "corrupt",
        })
        .increment(1);
    }
}
