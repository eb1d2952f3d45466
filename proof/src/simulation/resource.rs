//! [`Resource`]: what the lock is for. It compares fencing tokens.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    bug::Bug,
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

impl Resource {
    fn has_seen_more_than(&self, about: &str, token: u64) -> bool {
        self.seen.get(about).is_some_and(|(largest, _)| *largest > token)
    }
}

/// Sends a write, which arrives after so long, whatever has become of its writer.
pub(super) fn write(world: &Arc<World>, number: u32, about: &Arc<str>, token: u64, delay: Duration) {
    let (world, about) = (Arc::clone(world), Arc::clone(about));
    let write = world.number();
    world.record(number, &about, What::Writing { write, token });
    tokio::spawn(async move {
        world.wait(delay).await;
        arrive(&world, number, &about, write, token);
    });
}

fn arrive(world: &World, process: u32, about: &str, write: u64, token: u64) {
    let mut resource = lock(&world.resource);
    let accepted = resource.accept(about, token);
    if accepted.is_none() && !resource.has_seen_more_than(about, token) {
        world.violated(format!("{:?}: {about} refused a write with the largest token, {token}", world.at()));
    }
    drop(resource);
    let what = accepted.map_or(What::Fenced { write, token }, |order| What::Accepted { write, token, order });
    world.record(process, about, what);
}
