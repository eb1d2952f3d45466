//! CK-R: at its end a process uses no more than at its beginning.

use std::collections::BTreeMap;

use super::{
    run::Run,
    violation::{Breach, Violation},
};
use crate::history::What;

const BREACHES: [Breach; 4] = [Breach::TasksLeft, Breach::ConnectionsLeft, Breach::FilesLeft, Breach::MemoryLeft];

pub(crate) fn check(run: &Run<'_>) -> Vec<Violation> {
    let mut uses: BTreeMap<u32, [(u64, [u64; 4]); 2]> = BTreeMap::new();
    for (at, event) in &run.events {
        if let What::Uses { tasks, connections, files, resident } = event.what {
            let now = (at.0, [tasks, connections, files, resident]);
            uses.entry(event.process).or_insert([now, now])[1] = now;
        }
    }
    let settings = run.settings;
    let more = [settings.more_tasks, settings.more_connections, settings.more_files, settings.more_resident];
    let mut found = Vec::new();
    for (process, [(begin, first), (end, last)]) in uses {
        for (kind, breach) in BREACHES.into_iter().enumerate() {
            if last[kind] > first[kind].saturating_add(more[kind]) {
                found.push(Violation::new(breach, "", process, &[], &[begin, end]));
            }
        }
    }
    found
}
