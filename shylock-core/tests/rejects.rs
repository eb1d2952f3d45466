//! The suite tests stores; this tests the suite. Each of these stores has one bug, and fails exactly the test that
//! names it; the same store without a bug passes all.

mod broken;

use std::panic::{AssertUnwindSafe, catch_unwind};

use broken::{BrokenFixture, Bug};
use shylock_core::conformance::{Lab, cases};

/// The names of the tests that a store with this bug fails.
fn failures(bug: Option<Bug>) -> Vec<&'static str> {
    let fails = |run: fn(Lab) -> _| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let test = async { run(Lab::new(BrokenFixture::new(bug)).await).await };
        catch_unwind(AssertUnwindSafe(|| runtime.block_on(test))).is_err()
    };
    cases().into_iter().filter(|case| fails(case.run)).map(|case| case.name).collect()
}

#[test]
fn without_a_bug_it_passes() {
    assert_eq!(failures(None), [""; 0]);
}

macro_rules! each_bug_fails_its_test {
    ($($bug:ident => $test:ident,)*) => {
        mod rejected_because {
            $(
                #[test]
                #[expect(non_snake_case, reason = "named by the bug")]
                fn $bug() {
                    assert_eq!(super::failures(Some(super::Bug::$bug)), [stringify!($test)]);
                }
            )*
        }

        #[test]
        fn every_bug_is_listed() {
            assert_eq!(Bug::ALL, [$(Bug::$bug),*]);
        }

        #[test]
        fn every_test_of_a_store_fails_for_some_bug() {
            let listed = [$(stringify!($test)),*];
            // These are about the engine, over a store that works.
            let of_the_engine = |case: &shylock_core::conformance::Case| {
                ["P7", "P8", "P9", "P11"].contains(&case.promise)
                    || case.name == "a_lost_answer_to_a_release_is_survived"
            };
            let unlisted: Vec<_> = cases()
                .into_iter()
                .filter(|case| !listed.contains(&case.name) && !of_the_engine(case))
                .map(|case| case.name)
                .collect();
            assert_eq!(unlisted, [""; 0]);
        }
    };
}

each_bug_fails_its_test! {
    ChecksThenActs => one_of_many_gets_a_free_lock,
    TellsNoPid => a_held_lock_is_refused_and_tells_its_holder,
    TokenRestartsAfterRelease => token_grows_after_release,
    TokenRestartsAfterCleanUp => token_grows_after_clean_up,
    ReleasesByName => a_stale_holder_cannot_release,
    RenewsByName => a_stale_holder_cannot_renew,
    HandsOffByName => a_stale_holder_cannot_hand_off,
    HandsOffTheOldLease => hand_off_passes_the_lock_on,
    AnswersTheBatchAsOne => a_batch_is_answered_one_by_one,
    AnswersTheReleasesAsOne => a_batch_of_releases_is_answered_one_by_one,
    RenewsAnExpiredLease => an_expired_lease_cannot_be_renewed,
    RenewalShortens => renewal_never_shortens,
    WaitsForTheJanitor => an_expired_lease_is_taken_over,
    TakesEarly => a_lease_is_not_taken_early,
    WaitingShortensTheLease => waiting_never_shortens_the_lease,
    ExpiresOnTheClientsClock => client_clocks_have_no_say,
    RepeatedRequestIsRefused => a_repeated_request_recognises_its_grant,
    RepeatedReleaseIsReleased => a_repeated_release_is_harmless,
    FoldsNames => hostile_names_and_notes_are_data,
    ListsTheFree => inspect_and_list_tell_the_truth,
    TrustsTheRecord => a_corrupt_record_is_reported_and_untouched,
    RepairForgetsTheToken => a_corrupt_record_is_repaired_and_a_sound_one_is_not,
    RepairsTheSound => a_corrupt_record_is_repaired_and_a_sound_one_is_not,
    FailsLooksUnknown => a_failed_look_has_changed_nothing,
    TellsOnlyTheFirst => a_freed_lock_is_told,
}
