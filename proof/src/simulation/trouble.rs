//! The one that disturbs the world.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    chance::Chance,
    plan::Kind,
    process::Process,
    world::{World, skewed},
};
use crate::history::What;

const KINDS: [Kind; 8] = [
    Kind::FailOver,
    Kind::ClockStep,
    Kind::Outage,
    Kind::Partition,
    Kind::CutNotices,
    Kind::SilentNotices,
    Kind::Kill,
    Kind::Pause,
];
/// So many processes are killed at most.
const MOST_KILLED: u64 = 3;

/// Disturbs the world, as its plan says, until it is healed.
pub(super) async fn disturb(world: Arc<World>) {
    let trouble = Arc::new(Trouble { chance: Chance::of(world.plan.seed, u64::MAX - 2), world });
    let kinds: Vec<Kind> = KINDS.into_iter().filter(|kind| trouble.world.plan.has(*kind)).collect();
    if kinds.is_empty() {
        return;
    }
    let calm = u64::try_from(trouble.world.plan.calm.as_millis()).unwrap_or(1);
    let mut killed = 0;
    loop {
        trouble.world.wait(trouble.chance.ms(1, calm)).await;
        if trouble.world.is_healed() {
            return;
        }
        match trouble.chance.one_of(&kinds) {
            Kind::Kill if killed >= MOST_KILLED => {}
            kind => {
                killed += u64::from(kind == Kind::Kill);
                trouble.make(kind).await;
            }
        }
    }
}

struct Trouble {
    world: Arc<World>,
    chance: Chance,
}

impl Trouble {
    async fn make(&self, kind: Kind) {
        match kind {
            Kind::FailOver => self.fail_over().await,
            Kind::Outage => {
                self.world.down.store(true, Ordering::Relaxed);
                self.world.begin(kind, 0, String::new());
                self.world.wait(self.chance.ms(10, 4000)).await;
                self.world.down.store(false, Ordering::Relaxed);
                self.world.end(kind, 0);
            }
            Kind::ClockStep => {
                let ahead = skewed(&self.world.plan, &self.chance);
                self.world.server().set_clock(ahead);
                self.world.begin(kind, 0, format!("{ahead} ms"));
                self.world.end(kind, 0);
            }
            _ => self.meet(kind),
        }
    }

    /// What happens to one process, while others go on.
    fn meet(&self, kind: Kind) {
        let living = self.world.living();
        let Some(process) = living.get(usize::try_from(self.chance.below(living.len() as u64)).unwrap_or_default())
        else {
            return;
        };
        let length = self.chance.ms(10, 5000);
        match kind {
            Kind::CutNotices => {
                process.cut_streams();
                self.world.begin(kind, process.number, String::new());
                self.world.end(kind, process.number);
            }
            Kind::Kill => {
                self.world.disturb(kind);
                process.kill();
                self.world.record(process.number, "", What::Killed);
                Process::start(&self.world);
            }
            Kind::Pause => {
                self.world.disturb(kind);
                process.pause();
                self.world.record(process.number, "", What::Paused);
                self.later(process, length, |process| {
                    process.world.record(process.number, "", What::Resumed);
                    process.resume();
                });
            }
            Kind::Partition => {
                process.cut_off(true);
                self.world.begin(kind, process.number, String::new());
                self.later(process, length, move |process| {
                    process.cut_off(false);
                    // Its stream was silent, and so it ends.
                    process.cut_streams();
                    process.world.end(kind, process.number);
                });
            }
            _ => {
                process.silence(true);
                self.world.begin(kind, process.number, String::new());
                self.later(process, length, move |process| {
                    process.silence(false);
                    process.cut_streams();
                    process.world.end(kind, process.number);
                });
            }
        }
    }

    /// The primary steps down, and another one follows after a while.
    async fn fail_over(&self) {
        let world = &self.world;
        let next = self.chance.below(3);
        let kept = self.chance.one_of(&[0, 500, 1000]);
        world.server().fail_over(world.at(), usize::try_from(next).unwrap_or_default(), kept);
        world.begin(Kind::FailOver, 0, format!("node {next}"));
        world.down.store(true, Ordering::Relaxed);
        world.wait(if self.chance.per_mille(500) { Duration::ZERO } else { self.chance.ms(1, 3000) }).await;
        world.down.store(false, Ordering::Relaxed);
        world.end(Kind::FailOver, 0);
    }

    fn later(&self, process: &Arc<Process>, length: Duration, end: impl FnOnce(&Process) + Send + 'static) {
        let process = Arc::clone(process);
        let task: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            process.world.wait(length).await;
            if !process.is_dead() {
                end(&process);
            }
        });
        tokio::spawn(task);
    }
}
