//! One schedule, from its seed to its verdict.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use shylock_core::simulation::Simulation;
use tokio::time;

use super::{
    bug::Bug,
    judge::judge,
    plan::{Kind, Plan},
    process::Process,
    trouble::disturb,
    wish::Wish,
    world::World,
};
use crate::history::{Event, What};

/// What became of one schedule.
#[derive(Debug)]
pub struct Outcome {
    /// Its plan.
    pub plan: Plan,
    /// What happened.
    pub history: Vec<Event>,
    /// What must not have happened.
    pub violations: Vec<String>,
    /// The disturbances, by kind.
    pub faults: BTreeMap<Kind, u64>,
    /// How long it took, on its own clock.
    pub took: Duration,
}

/// Runs the schedule of this seed.
///
/// # Panics
/// There is no runtime to be had.
#[must_use]
pub fn run(seed: u64, bug: Option<Bug>) -> Outcome {
    let _simulation = Simulation::with_seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let world = runtime.block_on(live(Plan::new(seed, bug)));
    let (took, history, mut violations) = (runtime.block_on(async { world.at() }), world.history(), world.violations());
    violations.extend(judge(&history, &world.plan));
    world.clear();
    Outcome { plan: world.plan.clone(), took, history, violations, faults: world.faults() }
}

async fn live(plan: Plan) -> Arc<World> {
    let world = World::new(plan);
    for _ in 0..world.plan.processes {
        Process::start(&world);
    }
    tokio::spawn(disturb(Arc::clone(&world)));
    time::sleep(world.plan.disturbed).await;
    heal(&world).await;
    world
}

/// Nothing is disturbed from here on. Everybody must get to an end, and each lock must be had.
async fn heal(world: &Arc<World>) {
    world.heal();
    world.living().iter().for_each(|process| process.resume());
    world.record(0, "", What::AllHealed);
    let patience = patience(&world.plan);
    for process in world.living() {
        if time::timeout(patience, process.finished()).await.is_err() {
            world.violated(format!("a user of process {} has not ended {patience:?} after all healed", process.number));
        }
    }
    for process in world.living() {
        for name in ["x", "y"] {
            have_it_once(world, &process, name, patience).await;
        }
    }
    for process in world.living() {
        if time::timeout(patience, process.manager().close()).await.is_err() {
            world.violated(format!("the manager of process {} does not close", process.number));
        }
    }
    for (name, record) in world.server().records() {
        if !record.freed && world.plan.bug.is_none() {
            world.violated(format!("{name} is not free in the end: {record:?}"));
        }
    }
}

async fn have_it_once(world: &World, process: &Arc<Process>, name: &str, patience: Duration) {
    let wish = Wish::new(process, name, Some(patience));
    let guard = process.manager().lock(name).acquire_timeout(patience).await;
    let guard = match guard {
        Ok(guard) => guard,
        Err(error) => {
            world.violated(format!("process {} did not get {name} in {patience:?}: {error}", process.number));
            drop(wish.outcome(Err(error)));
            return;
        }
    };
    wish.granted(&guard);
    let token = guard.token().get();
    world.record(process.number, name, What::Asked { token, held: guard.is_held(), left: 1 });
    world.record(process.number, name, What::Releasing { token });
    match guard.release().await {
        Ok(()) => {
            world.record(process.number, name, What::Released { token, answer: crate::history::Answer::Released })
        }
        Err(error) => world.violated(format!("process {} did not release {name}: {error}", process.number)),
    }
}

/// How long it takes at most until whoever waits has the lock, in a world that is healed: the longest lease and the
/// grace, a look, and the time that the others hold it.
pub(super) fn patience(plan: &Plan) -> Duration {
    let looks = Duration::from_secs(6);
    let others = Duration::from_secs(4);
    (plan.ttl * 2).mul_f64(1.1) + plan.allowance * 2 + plan.skew * 2 + looks + others
}
