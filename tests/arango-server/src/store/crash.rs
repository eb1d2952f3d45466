//! A crash: what was not yet on the disk is gone.

use std::time::{Duration, Instant};

use super::{State, Store};

impl Store {
    /// Undoes the commits of so long a time, back to the last one that waited for the disk.
    pub(crate) fn crash(&self, lost: Duration) {
        let mut state = self.state();
        let survives = last_survivor(&state, lost, Instant::now());
        for collection in state.collections.values_mut() {
            for versions in collection.documents.values_mut() {
                versions.retain(|version| version.sequence <= survives);
            }
            collection.sort();
        }
        state.commits.retain(|commit| commit.sequence <= survives);
        for entry in state.audit.iter_mut().filter(|entry| entry.sequence > survives) {
            entry.lost = true;
        }
    }
}

/// The log is written in order: a commit on the disk has all earlier ones with it.
fn last_survivor(state: &State, lost: Duration, now: Instant) -> u64 {
    let survives = |at: Instant| now.duration_since(at) >= lost;
    let on_disk = state.commits.iter().rev().find(|commit| commit.synced || survives(commit.at));
    on_disk.map_or(0, |commit| commit.sequence)
}
