//! One lock and those who want it, turn by turn.

use shylock_proof::history::{Answer, Before, What};

use crate::{
    random::Random,
    world::{MICRO, MILLI, SECOND, World, settings},
};

/// The servers' clock, in milliseconds, at the beginning of a run.
const EPOCH: u64 = 1_790_000_000_000;
const TTL: u64 = 10_000;
const GRACE: u64 = 500;

pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) random: Random,
    /// From when on the lock can be granted.
    pub(crate) free: u64,
    processes: Vec<u32>,
    next_process: u32,
    last_wanted: u64,
    last_token: u64,
    pub(crate) record: Before,
    pub(crate) order: u64,
    /// Who stands still with this token, since when, and with this write under way.
    pub(crate) asleep: Option<(u32, u64, u64, Option<u64>)>,
}

/// A grant in a turn.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) process: u32,
    pub(crate) call: u64,
    pub(crate) token: u64,
    /// When the store granted it.
    pub(crate) stored: u64,
    /// When its caller learnt of it.
    pub(crate) told: u64,
    /// Its end in the store, in milliseconds.
    pub(crate) ends: u64,
    pub(crate) wanted: u64,
}

impl Line {
    pub(crate) fn new(lock: u64, seed: u64) -> Self {
        let first = u32::try_from(lock * 10_000).expect("a number");
        Self {
            name: format!("lock {lock}"),
            random: Random::new(seed),
            free: SECOND,
            processes: vec![first, first + 1, first + 2],
            next_process: first + 3,
            last_wanted: MILLI,
            last_token: 0,
            record: Before::Nothing,
            order: 0,
            asleep: None,
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.free
    }

    pub(crate) fn wait_until(&mut self, at: u64) {
        self.free = self.free.max(at);
        self.last_wanted = self.last_wanted.max(at - MILLI);
    }

    /// The lock stays free until then, since nobody else wants it.
    pub(crate) fn rest(&mut self, until: u64) {
        self.free = self.free.max(until);
        self.last_wanted = self.last_wanted.max(self.free);
    }

    pub(crate) fn turn(&mut self, world: &mut World, rough: bool) {
        match self.random.between(0, if rough { 14 } else { 9 }) {
            0..=5 => self.hold_turn(world),
            6 => self.refused_turn(world),
            7 => self.killed_turn(world),
            8 => self.answer_lost_turn(world, false),
            9..=10 => self.answer_lost_turn(world, true),
            11 => self.lost_turn(world),
            _ if self.asleep.is_none() => self.asleep_turn(world),
            _ => self.hold_turn(world),
        }
    }

    /// Wakes whoever is asleep, and leaves the lock free.
    pub(crate) fn settle(&mut self, world: &mut World) {
        self.hold_turn(world);
        assert!(self.asleep.is_none(), "whoever holds a lock wakes those who stand still");
    }

    /// The time of one way of a message.
    pub(crate) fn trip(&mut self) -> u64 {
        let most = *self.random.pick(&[2 * MICRO, 100 * MICRO, 2 * MILLI]).expect("a time");
        self.random.between(MICRO, most)
    }

    pub(crate) fn a_process(&mut self) -> u32 {
        *self.random.pick(&self.processes).expect("a process")
    }

    pub(crate) fn replace(&mut self, process: u32) {
        self.processes.retain(|known| *known != process);
        self.processes.push(self.next_process);
        self.next_process += 1;
    }

    pub(crate) fn wants(&mut self, world: &mut World, limit: Option<u64>) -> (u32, u64, u64) {
        let process = self.a_process();
        world.calls += 1;
        let most = *self.random.pick(&[2 * SECOND, 15 * SECOND]).expect("a time");
        let early = self.free.saturating_sub(self.random.between(0, most));
        let wanted = early.max(self.last_wanted + 1);
        self.last_wanted = wanted;
        world.add(wanted, process, &self.name, What::Wanted { call: world.calls, limit });
        (process, world.calls, wanted)
    }

    /// The store grants the lock to a call, and its caller will be told.
    pub(crate) fn grant(&mut self, world: &mut World, (process, call, wanted): (u32, u64, u64)) -> Held {
        let poll = if matches!(self.record, Before::Ended { .. }) { self.random.between(0, SECOND) } else { 0 };
        let stored = self.free.max(wanted) + poll + self.trip();
        let granted = EPOCH + stored / MILLI;
        let token = (self.last_token + 1).max(granted * 1024);
        self.last_token = token;
        let ends = granted + TTL;
        world.add(stored, 0, &self.name, What::Stored { token, granted, ends, before: self.record });
        Held { process, call, token, stored, told: stored + self.trip(), ends, wanted }
    }

    pub(crate) fn acquire(&mut self, world: &mut World) -> Held {
        let limit = if self.random.one_in(2) { None } else { Some(60 * SECOND) };
        let wish = self.wants(world, limit);
        let held = self.grant(world, wish);
        world.add(held.told, held.process, &self.name, What::Granted { call: held.call, token: held.token });
        let took = What::Took { call: "acquire".into(), limit: 60 * SECOND, time: held.told - held.wanted };
        world.add(held.told, held.process, &self.name, took);
        held
    }

    /// Its guard says that it holds; the lease was renewed not long before.
    pub(crate) fn holds(&mut self, world: &mut World, held: Held, at: u64) {
        let left = settings().ttl - self.random.between(SECOND, 4 * SECOND);
        world.add(at, held.process, &self.name, What::Asked { token: held.token, held: true, left });
    }

    /// A write is sent and accepted. The answer's time.
    pub(crate) fn write(&mut self, world: &mut World, held: Held, at: u64) -> u64 {
        world.writes += 1;
        self.order += self.random.between(1, 3);
        let (write, token, answer) = (world.writes, held.token, at + self.trip());
        world.add(at, held.process, &self.name, What::Writing { write, token });
        world.add(answer, held.process, &self.name, What::Accepted { write, token, order: self.order });
        answer
    }

    pub(crate) fn release(&mut self, world: &mut World, held: Held, at: u64) {
        world.add(at, held.process, &self.name, What::Releasing { token: held.token });
        let done = at + self.trip();
        if self.random.one_in(4) {
            self.record = Before::Handed;
        } else {
            self.record = Before::Free;
        }
        if !self.random.one_in(4) {
            let answer = What::Released { token: held.token, answer: Answer::Released };
            world.add(done + 1, held.process, &self.name, answer);
        }
        self.free = done;
    }

    /// The lease goes to its end in the store.
    pub(crate) fn goes_to_its_end(&mut self, ends: u64) {
        self.record = Before::Ended { at: ends };
        self.free = self.free.max((ends + GRACE - EPOCH) * MILLI);
    }

    /// The end of a lease that was renewed until now, as its holder renews it.
    pub(crate) fn renewed(&mut self, held: Held, now: u64) -> u64 {
        held.ends.max(EPOCH + now / MILLI + TTL - self.random.between(0, TTL / 3))
    }
}
