//! [`Resource`]: what the lock is for. It compares fencing tokens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    bug::Bug,
    process::Process,
    world::{World, lock},
};
use crate::history::What;

/// The guarded resource of each lock.
#[derive(Debug)]
pub(super) struct Resource {
    bug: Option<Bug>,
    /// The largest token that was accepted, and how many writes were.
    seen: BTreeMap<String, (u64, u64)>,
}

impl Resource {
    pub(super) const fn new(bug: Option<Bug>) -> Self {
        Self { bug, seen: BTreeMap::new() }
    }

    /// Accepts a write as its n-th, or refuses it.
    fn accept(&mut self, about: &str, token: u64) -> Option<u64> {
        let (largest, writes) = self.seen.entry(about.to_owned()).or_default();
        let stale = match self.bug {
            Some(Bug::NoFence) => false,
            Some(Bug::FenceOffByOne) => token <= *largest,
            _ => token < *largest,
        };
        if stale {
            return None;
        }
        (*largest, *writes) = (token.max(*largest), *writes + 1);
        Some(*writes)
    }
}

/// Sends a write, which arrives after so long, whatever has become of its writer.
pub(super) fn write(process: &Process, about: &Arc<str>, token: u64, delay: Duration) {
    let (world, number, about) = (Arc::clone(&process.world), process.number, Arc::clone(about));
    let write = world.number();
    world.record(number, &about, What::Writing { write, token });
    tokio::spawn(async move {
        world.wait(delay).await;
        arrive(&world, number, &about, write, token);
    });
}

fn arrive(world: &World, process: u32, about: &str, write: u64, token: u64) {
    let accepted = lock(&world.resource).accept(about, token);
    let what = accepted.map_or(What::Fenced { write, token }, |order| What::Accepted { write, token, order });
    world.record(process, about, what);
}
