//! Jobs and scripts, written the way users write them, on an ordinary day. Programs that use the library are in
//! `tests/tests/ordinary`.

mod container;
mod cron;
mod deploy;
mod shells;
#[path = "../support/mod.rs"]
mod support;

/// One test for each store.
macro_rules! on_each_store {
    ($scenario:path) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn on_mongodb() {
            let (_server, store) = crate::support::stores::mongodb().await;
            tokio::task::block_in_place(|| $scenario(&crate::support::Place::on(store)));
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn on_arangodb() {
            let (_server, store) = crate::support::stores::arangodb().await;
            tokio::task::block_in_place(|| $scenario(&crate::support::Place::on(store)));
        }

        #[test]
        fn on_sqlite() {
            $scenario(&crate::support::Place::on_a_file());
        }
    };
}

use on_each_store;
