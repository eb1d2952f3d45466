//! Keeping one lock for the whole run.

use std::time::Duration;

use shylock_proof::history::What;

use super::Worker;
use crate::clock;

/// How the names of such locks begin.
pub const KEPT: &str = "kept-";

pub(super) async fn lease(mut worker: Worker, number: u32) {
    let (name, call) = (format!("{KEPT}{number}"), worker.next());
    worker.journal.note(&name, What::Wanted { call, limit: None });
    let guard = match worker
        .manager
        .lock(&name)
        .with_ttl(Duration::from_millis(worker.orders.ttl))
        .with_note(call.to_string())
        .acquire()
        .await
    {
        Ok(guard) => guard,
        Err(error) => return worker.journal.note(&name, What::Failed { call, error: format!("{error:?}") }),
    };
    let token = guard.token().get();
    worker.journal.note(&name, What::Granted { call, token });
    let mut lost = guard.lost();
    loop {
        tokio::select! {
            loss = &mut lost => {
                let reason = format!("{:?}", loss.reason);
                worker.journal.note(&name, What::Lost { token, reason });
                break;
            }
            () = tokio::time::sleep(Duration::from_millis(500)) => {
                let at = clock::now();
                let (held, left) = (guard.is_held(), clock::nanoseconds(guard.remaining()));
                worker.journal.note_at(at, &name, What::Asked { token, held, left });
            }
            over = worker.over.wait_for(|over| *over) => {
                drop(over);
                break;
            }
        }
    }
    worker.journal.note(&name, What::Releasing { token });
    drop(guard);
}
