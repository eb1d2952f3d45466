//! What may become of one wish for a lock.

use shylock_proof::history::{Answer, Before, What};

use crate::{
    line::{Held, Line},
    world::{MICRO, MILLI, SECOND, World},
};

impl Line {
    /// Granted, used, given back.
    pub(crate) fn hold_turn(&mut self, world: &mut World) {
        let held = self.acquire(world);
        let mut now = held.told;
        let pace = *self.random.pick(&[2 * MICRO, MILLI, SECOND]).expect("a time");
        for _ in 0..self.random.between(1, 5) {
            now += self.random.between(1, pace);
            self.holds(world, held, now);
            now = self.write(world, held, now);
            if self.asleep.is_some() {
                now += 200 * MILLI;
                self.wakes(world, now);
            }
        }
        now += self.random.between(1, pace);
        self.release(world, held, now);
    }

    pub(crate) fn refused_turn(&mut self, world: &mut World) {
        let (process, call, wanted) = self.wants(world, Some(0));
        let answer = wanted + self.trip();
        world.add(answer, process, &self.name, What::Refused { call });
        self.free = self.free.max(answer);
    }

    /// Its holder, or somebody who waits and holds nothing, is killed.
    pub(crate) fn killed_turn(&mut self, world: &mut World) {
        if self.random.one_in(4) {
            let (process, _, wanted) = self.wants(world, None);
            let killed = self.free.max(wanted + self.trip());
            self.rest(killed);
            world.add(killed, process, "", What::Killed);
            return self.replace(process);
        }
        let held = self.acquire(world);
        let asked = held.told + self.random.between(1, SECOND);
        self.holds(world, held, asked);
        let killed = self.write(world, held, asked + 1) + self.random.between(1, 8 * SECOND);
        world.add(killed, held.process, "", What::Killed);
        self.replace(held.process);
        let ends = self.renewed(held, killed);
        self.free = killed;
        self.goes_to_its_end(ends);
    }

    /// A call whose outcome nobody knows: it fails, is dropped, gives up or is killed; the store may have granted it.
    pub(crate) fn answer_lost_turn(&mut self, world: &mut World, applied: bool) {
        let mut sent = World::beside(world);
        let wish = self.wants(&mut sent, None);
        world.calls = sent.calls;
        let (process, call, wanted) = wish;
        let stored = applied.then(|| self.grant(world, wish));
        let end = stored.map_or(self.free.max(wanted), |held| held.stored) + self.random.between(1, 2 * SECOND);
        let mut limit = None;
        let mut killed = false;
        match self.random.between(0, 4) {
            0 => world.add(end, process, &self.name, What::Failed { call, error: "connection reset".into() }),
            1 => world.add(end, process, &self.name, What::Abandoned { call }),
            2 => {
                let late = self.random.between(0, 50 * MILLI).min(end - wanted - 1);
                limit = Some(end - wanted - late);
                world.add(end, process, &self.name, What::Refused { call });
            }
            _ => {
                killed = true;
                world.add(end, process, "", What::Killed);
                self.replace(process);
            }
        }
        world.add(wanted, process, &self.name, What::Wanted { call, limit });
        self.free = end + self.trip();
        match stored {
            Some(held) if killed || self.random.one_in(3) => self.goes_to_its_end(held.ends),
            Some(_) => self.record = Before::Free,
            None => self.rest(self.free),
        }
    }

    /// No renewal comes through, so its holder is told at its deadline.
    pub(crate) fn lost_turn(&mut self, world: &mut World) {
        let held = self.acquire(world);
        self.holds(world, held, held.told + 1);
        let deadline = held.stored + 9 * SECOND;
        let denied = deadline + self.random.between(0, 10 * MILLI);
        let lost = What::Lost { token: held.token, reason: "its time is over".into() };
        world.add(deadline + self.random.between(1, 40 * MILLI), held.process, &self.name, lost);
        world.add(denied, held.process, &self.name, What::Asked { token: held.token, held: false, left: 0 });
        self.lets_go(world, held.process, held.token, deadline + 100 * MILLI);
        self.free = deadline + 200 * MILLI;
        self.goes_to_its_end(held.ends);
    }

    /// Its holder stands still; somebody else will wake it once the lock is another's.
    pub(crate) fn asleep_turn(&mut self, world: &mut World) {
        let held = self.acquire(world);
        let asked = held.told + self.random.between(1, SECOND);
        self.holds(world, held, asked);
        let written = self.write(world, held, asked + 1);
        let under_way = self.random.one_in(2).then(|| self.stale_write(world, held, written + 1));
        let paused = written + 2;
        world.add(paused, held.process, "", What::Paused);
        self.replace(held.process);
        self.asleep = Some((held.process, held.token, paused, under_way));
        self.free = paused;
        self.goes_to_its_end(held.ends);
    }

    fn stale_write(&mut self, world: &mut World, held: Held, at: u64) -> u64 {
        world.writes += 1;
        world.add(at, held.process, &self.name, What::Writing { write: world.writes, token: held.token });
        world.writes
    }

    /// Whoever stood still goes on, after another's write: all that it does is too late.
    fn wakes(&mut self, world: &mut World, at: u64) {
        let Some((process, token, paused, under_way)) = self.asleep.take() else { return };
        let resumed = at - 150 * MILLI;
        world.add(resumed, process, "", What::Resumed);
        let write = under_way.unwrap_or_else(|| {
            world.writes += 1;
            world.add(resumed + 1, process, &self.name, What::Writing { write: world.writes, token });
            world.writes
        });
        world.add(resumed + MILLI, process, &self.name, What::Fenced { write, token });
        world.add(resumed + 2 * MILLI, process, &self.name, What::Asked { token, held: false, left: 0 });
        let lost = What::Lost { token, reason: "it stood still".into() };
        world.add(resumed + self.random.between(1, 50 * MILLI), process, &self.name, lost);
        let time = resumed + 3 * MILLI - paused;
        world.add(resumed + 3 * MILLI, process, &self.name, What::Took { call: "renew".into(), limit: SECOND, time });
        self.lets_go(world, process, token, resumed + 110 * MILLI);
    }

    fn lets_go(&mut self, world: &mut World, process: u32, token: u64, at: u64) {
        world.add(at, process, &self.name, What::Releasing { token });
        let answer = if self.random.one_in(3) { Answer::Unknown } else { Answer::Lost };
        world.add(at + 1, process, &self.name, What::Released { token, answer });
    }
}
