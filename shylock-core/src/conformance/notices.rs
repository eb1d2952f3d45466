//! P11 and P12: the store tells whoever listens which locks come free. A store that cannot says so.

use tokio::sync::mpsc::Receiver;

use super::lab::{LONG, Lab, acquire, fresh_name, in_time, request};
use crate::{LockName, Watch};

/// Three who listen, two of them over one handle, are told of a release and of a break by another handle, by name.
pub async fn a_freed_lock_is_told(lab: Lab) {
    let mut listeners = Vec::new();
    for store in [&lab.a, &lab.a, &lab.b] {
        match store.watch().await.expect("the store answers") {
            Watch::Freed(names) => listeners.push(names),
            Watch::Unsupported => assert!(!lab.fixture.notifies(), "the fixture says that the store tells"),
        }
    }
    assert_eq!(listeners.len(), if lab.fixture.notifies() { 3 } else { 0 }, "as the fixture says");
    let (released, broken) = (fresh_name("told_of_release"), fresh_name("told_of_break"));
    let lease = acquire(&lab.b, &request(&released, LONG)).await;
    acquire(&lab.b, &request(&broken, LONG)).await;
    lab.b.release(&lease).await.expect("released");
    lab.b.force_break(&broken).await.expect("broken").expect("it was held");
    for names in &mut listeners {
        let mut missing = vec![&released, &broken];
        while !missing.is_empty() {
            let told = in_time("the notice", next(names)).await;
            missing.retain(|name| **name != told);
        }
    }
}

async fn next(names: &mut Receiver<LockName>) -> LockName {
    names.recv().await.expect("the stream goes on")
}
