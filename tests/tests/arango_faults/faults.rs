//! Every fault on every operation: what the caller is told is true, a repetition is recognised, the log is sound.

use std::sync::Arc;

use arango_server::Fault;
use shylock_core::{Attempt, Backend};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    audit,
    lab::{Lab, TTL, wish},
    operations::{Case, Operation, Outcome},
    script::{self, Meaning, Row},
    table::{Cell, Table},
};

/// Rows at a time, each on a server of its own.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_as_what_it_is() {
    let (mut running, room) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    let rows = script::rows();
    assert!(rows.len() > 200, "every number in every way");
    for row in rows {
        let room = Arc::clone(&room);
        running.spawn(async move {
            let _room = room.acquire_owned().await;
            let cells = play(&row).await;
            (row.name, cells)
        });
    }
    let mut played = running.join_all().await;
    played.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut table = Table::default();
    played.into_iter().for_each(|(name, cells)| table.add(&name, cells));
    table.finish("A fault in one request");
}

async fn play(row: &Row) -> Vec<Cell> {
    let lab = Lab::start().await;
    let mut cells = Vec::new();
    for operation in Operation::ALL {
        let case = operation.prepare(&lab).await;
        let fault = lab.server.fault(on(&row.fault, operation));
        let outcome = case.run(&lab.backend).await;
        lab.server.clear_faults();
        let applied = case.is_applied(&lab);
        let mut failure = judge(&lab, &case, row.meaning, &outcome).await.err();
        if fault.hits() == 0 {
            failure = Some("the fault did not happen".into());
        }
        cells.push(Cell { said: outcome.kind, applied, failure });
    }
    cells
}

fn on(fault: &Fault, operation: Operation) -> Fault {
    fault.clone().on_query(operation.marker())
}

async fn judge(lab: &Lab, case: &Case, meaning: Meaning, outcome: &Outcome) -> audit::Verdict {
    let expected = meaning.expected(case.operation);
    if outcome.kind != expected {
        return Err(format!("{outcome:?}, not {expected:?}"));
    }
    if meaning == Meaning::Busy && !outcome.has_respite {
        return Err("a busy server is not left alone".into());
    }
    if !meaning.is_a_lie() {
        case.check_answer(lab, outcome)?;
    }
    case.check_repetition(lab).await?;
    audit::sound(&lab.history(&case.wish.name), |before, after| case.handed_on(before, after))
}

/// Whatever the first is told: where it was granted the lock, the second is not.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_in_a_take_opens_the_lock_to_another() {
    let lab = Lab::start().await;
    for row in script::rows().into_iter().filter(|row| !row.name.contains("always")) {
        let case = Operation::Retake.prepare(&lab).await;
        lab.server.fault(on(&row.fault, Operation::Retake));
        let first = case.run(&lab.backend).await;
        let was_granted = case.is_applied(&lab);
        let rival = wish(&case.wish.name, TTL);
        let second = lab.maker.try_acquire(&rival).await;
        lab.server.clear_faults();
        let is_granted = matches!(second, Ok(Attempt::Granted(_)));
        assert_eq!(is_granted, !was_granted, "{}: {first:?}, then {second:?}", row.name);
        assert_eq!(audit::sound(&lab.history(&case.wish.name), audit::never), Ok(()), "{}", row.name);
    }
}
