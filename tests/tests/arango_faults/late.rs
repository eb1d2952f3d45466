//! Requests that nobody waits for any more, and that are carried out all the same.

use std::time::Duration;

use arango_server::{Fault, FaultHandle, Point};
use shylock_arango::ArangoBackend;
use shylock_core::{Attempt, Backend};
use tokio::task::JoinSet;

use super::{
    audit::{self, Verdict},
    lab::{Lab, TTL, connect, wish},
    operations::{Case, Kind, Operation, Outcome},
    script::POINTS,
    table::{Cell, Table},
};

/// How long the caller waits for an answer, and the server lets a query run.
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_answered_in_time_may_or_may_not_be_carried_out() {
    let mut running = JoinSet::new();
    for (number, point) in POINTS.into_iter().enumerate() {
        running.spawn(async move { (number, point, play(point).await) });
    }
    let mut played = running.join_all().await;
    played.sort_by_key(|(number, ..)| *number);
    let mut table = Table::default();
    for (_, point, cells) in played {
        table.add(&format!("no answer, stuck: {point:?}"), cells);
    }
    table.finish("No answer in time");
}

async fn play(point: Point) -> Vec<Cell> {
    let lab = Lab::start().await;
    let impatient = connect(&lab.server, 0, ArangoBackend::builder().request_timeout(PATIENCE)).await;
    let mut cells = Vec::new();
    for operation in Operation::ALL {
        let case = operation.prepare(&lab).await;
        let (stuck, ended) = stick(&lab, operation, point);
        let outcome = case.run(&impatient).await;
        stuck.resume();
        ended.reached(1).await;
        let applied = case.is_applied(&lab);
        let failure = judge(&lab, &case, &outcome).await.err();
        cells.push(Cell { said: outcome.kind, applied, failure });
        lab.server.clear_faults();
    }
    cells
}

/// Holds one request of the operation up; the second handle tells when it is at its end.
fn stick(lab: &Lab, operation: Operation, point: Point) -> (FaultHandle, FaultHandle) {
    let stuck = lab.server.fault(Fault::at(point).on_query(operation.marker()).pauses());
    let ended = lab.server.fault(Fault::at(Point::Answering).on_query(operation.marker()).delays(Duration::ZERO));
    (stuck, ended)
}

async fn judge(lab: &Lab, case: &Case, outcome: &Outcome) -> Verdict {
    if outcome.kind != Kind::Ambiguous {
        return Err(format!("{outcome:?}, though nobody can know"));
    }
    case.check_repetition(lab).await?;
    audit::sound(&lab.history(&case.wish.name), |before, after| case.handed_on(before, after))
}

/// The first request is carried out after its repetition, and finds nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_may_come_after_its_repetition() {
    for point in [Point::Received, Point::Parsing] {
        let lab = Lab::start().await;
        let impatient = connect(&lab.server, 0, ArangoBackend::builder().request_timeout(PATIENCE)).await;
        for operation in Operation::ALL {
            let case = operation.prepare(&lab).await;
            let (stuck, ended) = stick(&lab, operation, point);
            let outcome = case.run(&impatient).await;
            assert_eq!(outcome.kind, Kind::Ambiguous, "{operation:?} {outcome:?}");
            assert_eq!(case.check_repetition(&lab).await, Ok(()), "{operation:?}");
            let ended_before = ended.hits();
            lab.next_millisecond().await;
            stuck.resume();
            ended.reached(ended_before + 1).await;
            let history = lab.history(&case.wish.name);
            let sound = audit::sound(&history, |before, after| case.handed_on(before, after));
            assert_eq!(sound, Ok(()), "{operation:?} stuck at {point:?}");
            lab.server.clear_faults();
        }
    }
}

/// It comes after a release of what its repetition was granted: then nobody knows that it holds the lock. The next
/// one waits for the end of that lease, as for that of any other.
#[tokio::test(flavor = "multi_thread")]
async fn a_take_that_comes_after_the_release_excludes_others_until_its_end() {
    let lab = Lab::start().await;
    let impatient = connect(&lab.server, 0, ArangoBackend::builder().request_timeout(PATIENCE)).await;
    let case = Operation::Take.prepare(&lab).await;
    let (stuck, ended) = stick(&lab, Operation::Take, Point::Received);
    assert_eq!(case.run(&impatient).await.kind, Kind::Ambiguous);
    let token = case.run(&lab.backend).await.token.expect("granted");
    case.release(&lab.backend, token).await;
    let before = ended.hits();
    stuck.resume();
    ended.reached(before + 1).await;
    let rival = lab.backend.try_acquire(&wish(&case.wish.name, TTL)).await.expect("answered");
    assert!(matches!(rival, Attempt::Held(_)), "{rival:?}");
    let history = lab.history(&case.wish.name);
    assert_eq!(audit::grants(&history).map(|grants| grants.len()), Ok(2), "one of them nobody's");
    assert_eq!(audit::sound(&history, audit::never), Ok(()));
}
