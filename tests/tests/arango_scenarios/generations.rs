//! The conformance suite on servers that differ from the usual one in what they may differ in.

use std::{sync::LazyLock, time::Duration};

use arango_server::{ArangoServer, Builder, CacheMode, DateNow, Generation, Level, Rights};
use shylock_core::conformance::{self, Lab, conformance_tests};
use shylock_tests::{Arango, ArangoFixture};

use crate::secrets::PASSWORD;

fn started(builder: Builder) -> Arango {
    let server = builder.user("root", PASSWORD, Rights::new(Level::ReadWrite)).start().expect("started");
    Arango::of(server, "root", PASSWORD)
}

mod version_4 {
    use super::*;

    static SERVER: LazyLock<Arango> =
        LazyLock::new(|| started(ArangoServer::builder().generation(Generation::V4).hardened()));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

/// Two handles of a test ask one coordinator each.
mod cluster {
    use super::*;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| started(ArangoServer::builder().coordinators(&[0, 0])));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

/// The same with clocks as far apart as the skew allowance says.
mod cluster_with_clocks_apart {
    use super::*;

    /// Those that compare times which two handles see, to the millisecond, or clean up after no time at all.
    /// `clocks.rs` has what is left of them where there is more than one clock.
    const OF_ONE_CLOCK: [&str; 6] = [
        "a_batch_is_answered_one_by_one",
        "a_held_lock_is_refused_and_tells_its_holder",
        "a_lease_is_not_taken_early",
        "an_expired_lease_cannot_be_renewed",
        "client_clocks_have_no_say",
        "token_grows_after_clean_up",
    ];

    #[tokio::test(flavor = "multi_thread")]
    async fn all_but_six_hold() {
        let server = started(ArangoServer::builder().coordinators(&[0, 250]));
        let (without, cases): (Vec<_>, Vec<_>) =
            conformance::cases().into_iter().partition(|case| OF_ONE_CLOCK.contains(&case.name));
        assert_eq!((without.len(), cases.len() >= 20), (OF_ONE_CLOCK.len(), true));
        let mut running = Vec::new();
        for case in cases {
            let lab = Lab::new(ArangoFixture::new(&server).await).await;
            running.push((case.name, tokio::spawn((case.run)(lab))));
        }
        for (name, case) in running {
            assert!(case.await.is_ok(), "{name}");
        }
    }
}

mod doubles {
    use super::*;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| started(ArangoServer::builder().all_doubles()));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

/// RocksDB has two words for a key whose lock is not free in time.
mod key_locks_that_time_out {
    use super::*;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| started(ArangoServer::builder().key_locks_time_out_as_18()));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

mod results_cache {
    use super::*;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| started(ArangoServer::builder().results_cache(CacheMode::On)));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

mod clock_read_at_each_call {
    use super::*;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| started(ArangoServer::builder().date_now(DateNow::PerCall)));

    conformance_tests!(ArangoFixture::new(&SERVER).await);
}

/// A day has always passed for those who clean up: records go a moment after their leases.
mod swept {
    use super::*;

    const RETENTION_MS: i64 = 24 * 60 * 60 * 1000;
    /// Longer than a tick of the clock: within one, a record that is gone would be made anew with the same token.
    const LEFT_MS: i64 = 20;

    static SERVER: LazyLock<Arango> = LazyLock::new(|| {
        let sweeping = ArangoServer::builder().ttl_interval(Duration::from_millis(50));
        started(sweeping.ttl_clock_offset(RETENTION_MS - LEFT_MS))
    });

    conformance_tests!(ArangoFixture::swept(&SERVER).await);
}
