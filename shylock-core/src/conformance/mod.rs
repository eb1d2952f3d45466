//! Every promise that a store can break, as a test that any store can run (feature `conformance`).
//!
//! A store's own tests say how to [make a fixture](Fixture), and have one `#[test]` per promise:
//!
//! ```
//! use shylock_core::conformance::{MemoryFixture, conformance_tests};
//!
//! async fn fixture() -> MemoryFixture {
//!     MemoryFixture::default()
//! }
//!
//! // A store with a clock of its own.
//! conformance_tests!(fixture().await);
//!
//! mod paused {
//!     use super::*;
//!
//!     // A store on tokio's clock: nothing has to be waited for.
//!     conformance_tests!(paused, fixture().await);
//! }
//! # fn main() {}
//! ```
//!
//! Each test uses lock names of its own and deletes nothing, so that they can share a store with each other. A test
//! panics where the store breaks the promise.

#![expect(clippy::missing_panics_doc, reason = "what a panic means is the same for all tests, and said above")]

pub mod ambiguity;
mod client;
pub mod data;
pub mod exclusion;
pub mod expiry;
mod faults;
mod fixture;
mod lab;
pub mod looking;
pub mod notices;
pub mod ownership;
pub mod tokens;
pub mod waiting;

use std::{future::Future, pin::Pin};

pub use self::{
    client::{Client, HeldLock, Waiting},
    fixture::{ClientClock, Defect, Fixture, MemoryFixture},
    lab::Lab,
};
pub use crate::conformance_tests;

/// One test of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name, which says what it checks.
    pub name: &'static str,
    /// The number of the promise that it checks, such as `P1`: one holder at a time. Some promises have several tests.
    pub promise: &'static str,
    /// The test; it panics where the promise is broken.
    pub run: fn(Lab) -> BoxedTest,
}

/// Runs one test in a runtime of its own, for the macro.
///
/// # Panics
/// The store breaks the promise, or no runtime can be made.
#[doc(hidden)]
pub fn run<F: Fixture>(paused: bool, make: impl Future<Output = F>, case: fn(Lab) -> BoxedTest) {
    let mut builder = if paused {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    let runtime = builder.enable_all().start_paused(paused).build().expect("a runtime");
    runtime.block_on(async move { case(Lab::new(make.await).await).await });
}

/// A test under way.
#[doc(hidden)]
pub type BoxedTest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One `#[test]` per promise, on the store that the expression makes: `conformance_tests!(fixture().await)`.
///
/// With `paused, ` in front, the tests run on tokio's paused clock.
#[macro_export]
macro_rules! conformance_tests {
    (paused, $make:expr) => {
        $crate::__conformance_cases! { __conformance_test [true, $make] }
    };
    ($make:expr) => {
        $crate::__conformance_cases! { __conformance_test [false, $make] }
    };
}

/// The list of all tests, given to the macro named first.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($callback:ident $args:tt) => {
        $crate::$callback! { $args
            "P1" exclusion::one_of_many_gets_a_free_lock,
            "P1" exclusion::a_held_lock_is_refused_and_tells_its_holder,
            "P2" tokens::token_grows_after_release,
            "P2" tokens::token_grows_after_clean_up,
            "P3" ownership::a_stale_holder_cannot_release,
            "P3" ownership::a_stale_holder_cannot_renew,
            "P3" ownership::a_stale_holder_cannot_hand_off,
            "P3" ownership::hand_off_passes_the_lock_on,
            "P3" ownership::a_batch_is_answered_one_by_one,
            "P3" ownership::a_batch_of_releases_is_answered_one_by_one,
            "P3" expiry::an_expired_lease_cannot_be_renewed,
            "P3" expiry::renewal_never_shortens,
            "P4" expiry::an_expired_lease_is_taken_over,
            "P4" expiry::a_lease_is_not_taken_early,
            "P5" expiry::waiting_never_shortens_the_lease,
            "P6" expiry::client_clocks_have_no_say,
            "P7" looking::break_frees_and_fences,
            "P8" waiting::a_cancelled_acquisition_leaves_nothing_held,
            "P9" waiting::a_dropped_guard_frees_the_lock,
            "P10" ambiguity::a_repeated_request_recognises_its_grant,
            "P10" ambiguity::a_repeated_release_is_harmless,
            "P10" ambiguity::a_lost_answer_to_a_release_is_survived,
            "P11" waiting::waiters_of_one_process_are_served_in_order,
            "P11" waiting::another_process_gets_its_turn,
            "P12" notices::a_freed_lock_is_told,
            "P13" data::hostile_names_and_notes_are_data,
            "P13" looking::inspect_and_list_tell_the_truth,
            "P13" looking::a_failed_look_has_changed_nothing,
            "P15" data::a_corrupt_record_is_reported_and_untouched,
            "P15" data::a_corrupt_record_is_repaired_and_a_sound_one_is_not,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    ([$paused:literal, $make:expr] $($promise:literal $module:ident::$case:ident,)*) => {$(
        #[test]
        fn $case() {
            $crate::conformance::run($paused, async { $make }, |lab| {
                ::std::boxed::Box::pin($crate::conformance::$module::$case(lab))
            });
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_list {
    ([] $($promise:literal $module:ident::$case:ident,)*) => {
        vec![$(Case { name: stringify!($case), promise: $promise, run: |lab| Box::pin($module::$case(lab)) },)*]
    };
}

/// All tests of the suite.
#[must_use]
pub fn cases() -> Vec<Case> {
    crate::__conformance_cases! { __conformance_list [] }
}
