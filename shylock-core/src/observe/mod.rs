//! What others see of the engine: spans and events of `tracing`, and numbers by the facade `metrics` where the feature
//! of that name is on. All words that it says are here; `OBSERVABILITY.md` lists them, and tests compare.
//!
//! What must never change: no holder id is shown, and no note. Where nobody listens, nothing is formatted, allocated or
//! measured.

mod acquire;
mod events;
mod hold;
mod margins;
mod meters;
mod request;
#[cfg(not(feature = "metrics"))]
mod silent;

use std::{error::Error as StdError, time::Duration};

pub(crate) use self::{
    acquire::{Acquire, Attempts, Pending},
    events::{
        broken, does_not_listen, handed_out_to_nobody, listened, listens, no_thread, no_timers, not_released,
        renewals_failed, renewals_go_on, unknown, unsent,
    },
    hold::{Hold, detached, given_back, held_for, margin_of, renewal_refused, renewed, resumed},
    margins::Margins,
    meters::describe,
    request::{Op, request},
};

type Cause<'a> = &'a (dyn StdError + 'static);

/// Whether somebody wants to know times that are told at this level.
macro_rules! timed {
    ($level:ident) => {
        cfg!(feature = "metrics") || tracing::enabled!(tracing::Level::$level)
    };
}
use timed;

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| time.as_secs_f64())
}
