//! [`State`]: all that there is at one moment.

use std::time::Duration;

use shylock_core::{
    FencingToken, HolderId,
    protocol::{Belief, Ledger},
    record::Record,
};

use super::{
    bounds::{Bounds, server_time, ticks},
    message::Message,
    property::Breaches,
};

/// All that there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The time.
    pub now: u8,
    /// How far the clock of the server is from it that is primary now.
    pub skew: i8,
    /// What the store keeps of the lock.
    pub record: Option<Record>,
    /// To what a weak write concern may roll back.
    pub durable: Option<Record>,
    /// The newest lease that was ever granted, whatever became of its record. It is free only if its holder, or whoever
    /// broke it, has freed it.
    pub newest: Option<Record>,
    /// The largest token whose write the resource has accepted.
    pub fence: Option<FencingToken>,
    /// The clients.
    pub clients: Vec<Client>,
    /// What is under way, sorted.
    pub net: Vec<Message>,
    /// How much may still go wrong.
    pub faults: u8,
    /// How often the lock may still be broken.
    pub breaks: u8,
    /// The lock was broken, so that its holder may not know yet.
    pub was_broken: bool,
    /// What is wrong.
    pub breaches: Breaches,
}

/// One who wants the lock from time to time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Client {
    /// How far the clock of its process has fallen behind.
    pub lag: u8,
    /// Its process has ended.
    pub crashed: bool,
    /// One of its requests was doubled, so that it may be carried out at any time.
    pub doubled: bool,
    /// How often it still repeats a request.
    pub repeats: u8,
    /// How often it still renews.
    pub renewals: u8,
    /// How often it still writes.
    pub writes: u8,
    /// Its acquisitions, one after the other. Only the last may be waiting or held.
    pub acquisitions: Vec<Acquisition>,
}

/// One holder id, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Acquisition {
    /// Its requests, as production counts them.
    pub ledger: Ledger<u8>,
    /// What it is to its client.
    pub phase: Phase,
}

/// What an acquisition is to its client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It is waited for.
    Waiting,
    /// Its lease was granted, and is the client's until it lets go of it.
    Held(FencingToken, Belief<u8>),
    /// It was given up or released. The lease that was handed out has ended for its client.
    Over,
}

/// Which acquisition of which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The client's place.
    pub client: u8,
    /// The acquisition's place.
    pub acquisition: u8,
}

impl State {
    /// Nobody has ever wanted the lock.
    fn new(bounds: &Bounds) -> Self {
        let client = Client {
            lag: 0,
            crashed: false,
            doubled: false,
            repeats: bounds.repeats,
            renewals: bounds.renewals,
            writes: bounds.writes,
            acquisitions: Vec::new(),
        };
        Self {
            now: 0,
            skew: 0,
            record: None,
            durable: None,
            newest: None,
            fence: None,
            clients: vec![client; bounds.processes.len()],
            net: Vec::new(),
            faults: bounds.faults,
            breaks: bounds.breaks,
            was_broken: false,
            breaches: Breaches::default(),
        }
    }

    /// How the world may begin: any server may be primary. What one clock differs from another matters, not what they
    /// differ from the time; so the extremes stand for all.
    #[must_use]
    pub fn first(bounds: &Bounds) -> Vec<Self> {
        let mut skews = vec![-bounds.skew, bounds.skew];
        skews.dedup();
        skews.into_iter().map(|skew| Self { skew, ..Self::new(bounds) }).collect()
    }

    /// What the clock of the server reads.
    #[must_use]
    pub fn server_time(&self) -> Duration {
        server_time(self.now, self.skew)
    }

    /// What the clock of a client reads.
    #[must_use]
    pub fn clock(&self, client: u8) -> u8 {
        self.now - self.clients[usize::from(client)].lag
    }

    /// How long ago a reading of a client's clock was.
    pub fn age(&self, client: u8) -> impl Fn(u8) -> Duration + use<> {
        let clock = self.clock(client);
        move |reading| ticks(clock.saturating_sub(reading))
    }

    /// An acquisition.
    #[must_use]
    pub fn acquisition(&self, id: Id) -> &Acquisition {
        &self.clients[usize::from(id.client)].acquisitions[usize::from(id.acquisition)]
    }

    /// An acquisition, to be changed.
    pub fn acquisition_mut(&mut self, id: Id) -> &mut Acquisition {
        &mut self.clients[usize::from(id.client)].acquisitions[usize::from(id.acquisition)]
    }

    /// The last acquisition of a client.
    #[must_use]
    pub fn current(&self, client: u8) -> Option<Id> {
        let acquisitions = &self.clients[usize::from(client)].acquisitions;
        Some(Id { client, acquisition: u8::try_from(acquisitions.len()).ok()?.checked_sub(1)? })
    }

    /// The acquisitions of a client.
    pub fn ids(&self, client: u8) -> impl Iterator<Item = Id> + use<> {
        let number = u8::try_from(self.clients[usize::from(client)].acquisitions.len()).unwrap_or(u8::MAX);
        (0..number).map(move |acquisition| Id { client, acquisition })
    }

    /// All clients, by their places.
    pub fn places(&self) -> impl Iterator<Item = u8> + use<> {
        0..u8::try_from(self.clients.len()).unwrap_or(u8::MAX)
    }

    /// Puts a message on its way.
    pub fn send(&mut self, message: Message) {
        let place = self.net.partition_point(|other| *other < message);
        self.net.insert(place, message);
    }

    /// Takes a message from its way.
    pub fn take(&mut self, message: Message) {
        let place = self.net.partition_point(|other| *other < message);
        debug_assert_eq!(self.net.get(place), Some(&message));
        self.net.remove(place);
    }

    /// Forgets what cannot matter any more, so that fewer states differ.
    pub fn forget(&mut self) {
        for client in self.places() {
            for id in self.ids(client) {
                if self.acquisition(id).phase == Phase::Over && !self.net.iter().any(|message| message.concerns(id)) {
                    self.acquisition_mut(id).ledger = Ledger::default();
                }
            }
        }
    }
}

impl Id {
    /// The holder id, as the store knows it.
    #[must_use]
    pub const fn holder(self) -> HolderId {
        let mut bytes = [0; 16];
        bytes[0] = self.client;
        bytes[1] = self.acquisition;
        HolderId::from_bytes(bytes)
    }
}
