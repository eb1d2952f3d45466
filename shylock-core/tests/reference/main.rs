//! Random sequences on `MemoryBackend`, against a reference of forty lines. `shylock-tests` does the same to the stores
//! of databases.

#[path = "../broken/mod.rs"]
mod broken;
#[rustfmt::skip] // it is forty lines
mod model;
mod run;
mod steps;

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use broken::{BrokenFixture, Bug};
use run::{World, run};
use shylock_core::{
    AcquireRequest, Backend, HolderId, HolderInfo, LockName,
    conformance::{ClientClock, Fixture, MemoryFixture},
};
use steps::{Step, explore};
use tokio::time::Instant;

/// A store on tokio's paused clock.
struct Paused {
    fixture: Box<dyn Fixture>,
    /// What the server's clock showed when tokio's did this.
    started: (Duration, Instant),
}

impl Paused {
    /// A lock that was just acquired tells the server's time.
    async fn new(fixture: Box<dyn Fixture>) -> Self {
        let store = fixture.handle(ClientClock::True).await;
        let name = LockName::new("the time").expect("a valid name");
        let request = AcquireRequest {
            name: name.clone(),
            holder: HolderId::from_bytes([9; 16]),
            ttl: Duration::from_secs(1),
            info: HolderInfo::default(),
        };
        store.try_acquire(&request).await.expect("the store answers");
        let info = store.inspect(&name).await.expect("the store answers").expect("it is held");
        let now = info.acquired.duration_since(UNIX_EPOCH).expect("after 1970");
        Self { fixture, started: (now, Instant::now()) }
    }
}

#[async_trait]
impl World for Paused {
    async fn handle(&self) -> Arc<dyn Backend> {
        self.fixture.handle(ClientClock::True).await
    }

    fn grace(&self) -> u64 {
        0
    }

    fn tick(&self) -> u64 {
        500
    }

    fn slack(&self) -> u64 {
        0
    }

    async fn pass(&self, ms: u64) {
        tokio::time::advance(Duration::from_millis(ms)).await;
    }

    async fn clock(&self) -> u64 {
        u64::try_from((self.started.0 + self.started.1.elapsed()).as_millis()).expect("soon")
    }

    async fn clean_up(&self, name: &LockName) {
        self.fixture.clean_up(name).await;
    }
}

fn test(fixture: fn() -> Box<dyn Fixture>, steps: &[Step]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(async { run(&Paused::new(fixture()).await, "r/", steps).await })
}

#[test]
fn memory_is_as_the_reference() {
    let outcome = explore(2_000, |steps| test(|| Box::<MemoryFixture>::default(), &steps));
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn a_store_of_records_is_as_the_reference() {
    let outcome = explore(500, |steps| test(|| Box::new(BrokenFixture::new(None)), &steps));
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
}

macro_rules! found {
    ($($bug:ident)*) => {
        mod found {
            $(
                #[test]
                #[expect(non_snake_case, reason = "named by the bug")]
                fn $bug() {
                    let fixture = || -> Box<dyn super::Fixture> { Box::new(super::BrokenFixture::new(Some(super::Bug::$bug))) };
                    let wrong = super::explore(2_000, |steps| super::test(fixture, &steps)).expect_err("a bug");
                    println!("{wrong}");
                }
            )*
        }

        const FOUND: &[Bug] = &[$(Bug::$bug),*];
    };
}

found! {
    TellsNoPid TokenRestartsAfterRelease TokenRestartsAfterCleanUp ReleasesByName RenewsByName HandsOffByName
    HandsOffTheOldLease AnswersTheBatchAsOne RenewsAnExpiredLease RenewalShortens WaitsForTheJanitor TakesEarly
    WaitingShortensTheLease RepeatedRequestIsRefused RepeatedReleaseIsReleased FoldsNames ListsTheFree
}

/// What one client with one lease at a time cannot see: a race, a client's clock, a batch, a corrupt record, a lost answer, and
/// notices.
const UNSEEN: [Bug; 8] = [
    Bug::AnswersTheReleasesAsOne,
    Bug::ChecksThenActs,
    Bug::ExpiresOnTheClientsClock,
    Bug::FailsLooksUnknown,
    Bug::TrustsTheRecord,
    Bug::TellsOnlyTheFirst,
    Bug::RepairForgetsTheToken,
    Bug::RepairsTheSound,
];

#[test]
fn every_bug_is_found_or_cannot_be() {
    for bug in Bug::ALL {
        assert_ne!(FOUND.contains(&bug), UNSEEN.contains(&bug), "{bug:?}");
    }
}
