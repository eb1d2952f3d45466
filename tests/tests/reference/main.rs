//! Random sequences on the stores of databases, against the reference of forty lines in `shylock-core/tests/reference`.

mod arango;
#[rustfmt::skip] // it is forty lines
#[path = "../../../shylock-core/tests/reference/model.rs"]
mod model;
mod mongo;
#[path = "../../../shylock-core/tests/reference/run.rs"]
mod run;
#[path = "../../../shylock-core/tests/reference/steps.rs"]
mod steps;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use run::{World, run};
use shylock_core::Backend;
use steps::explore;

/// Two processes' ways to a store, in turns.
struct Handles {
    both: [Arc<dyn Backend>; 2],
    asked: AtomicUsize,
}

impl Handles {
    fn new(both: [Arc<dyn Backend>; 2]) -> Self {
        Self { both, asked: 0.into() }
    }

    fn next(&self) -> Arc<dyn Backend> {
        Arc::clone(&self.both[self.asked.fetch_add(1, Ordering::Relaxed) % 2])
    }
}

/// Each sequence has names of its own.
fn on(world: &dyn World, runtime: &tokio::runtime::Runtime, cases: u32) {
    let number = AtomicUsize::new(0);
    let outcome = explore(cases, |steps| {
        let prefix = format!("reference/{:06}/", number.fetch_add(1, Ordering::Relaxed));
        runtime.block_on(run(world, &prefix, &steps))
    });
    outcome.unwrap_or_else(|wrong| panic!("{wrong}"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

#[test]
fn arango_is_as_the_reference() {
    let runtime = runtime();
    let world = runtime.block_on(arango::Server::start());
    on(&world, &runtime, 200);
}

#[test]
fn mongo_is_as_the_reference() {
    let runtime = runtime();
    let world = runtime.block_on(mongo::Server::start());
    on(&world, &runtime, 100);
}
