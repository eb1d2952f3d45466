//! P11 and P12: the store tells whoever listens which locks come free. A store that cannot says so.

use tokio::sync::mpsc::Receiver;

use super::{
    Defect,
    lab::{LONG, Lab, acquire, fresh_name, in_time, release, request},
};
use crate::{LockName, Watch};

/// Three who listen, two of them over one handle, are told of a release, of each in a batch, and of a repair by another
/// handle, by name.
pub async fn a_freed_lock_is_told(lab: Lab) {
    let mut listeners = Vec::new();
    for store in [&lab.a, &lab.a, &lab.b] {
        match store.watch().await.expect("the store answers") {
            Watch::Freed(names) => listeners.push(names),
            Watch::Unsupported => assert!(!lab.fixture.notifies(), "the fixture says that the store tells"),
        }
    }
    assert_eq!(listeners.len(), if lab.fixture.notifies() { 3 } else { 0 }, "as the fixture says");
    let mut freed = vec![fresh_name("told_of_release"), fresh_name("told_first"), fresh_name("told_second")];
    let mut leases = Vec::new();
    for name in &freed {
        leases.push(acquire(&lab.b, &request(name, LONG)).await);
    }
    release(&lab.b, &leases[0]).await;
    lab.b.release(&leases[1..]).await.expect("the store answers");
    let corrupt = fresh_name("told_of_repair");
    if lab.fixture.plant(&corrupt, Defect::ExpiryIsTooFar).await {
        assert!(lab.b.repair(&corrupt).await.expect("the store answers"));
        freed.push(corrupt);
    }
    for names in &mut listeners {
        let mut missing = freed.clone();
        while !missing.is_empty() {
            let told = in_time("the notice", next(names)).await;
            missing.retain(|name| *name != told);
        }
    }
}

async fn next(names: &mut Receiver<LockName>) -> LockName {
    names.recv().await.expect("the stream goes on")
}
