//! What happens to the server as a whole while a request is on its way.

use std::{error::Error, time::Duration};

use arango_server::{Fault, Point, Restart};
use shylock_arango::RequestError;
use shylock_core::Backend;
use tokio::task::JoinSet;

use super::{
    audit::{self, Verdict},
    lab::{Lab, TTL, wish},
    operations::{Case, Kind, Operation, Outcome},
    table::{Cell, Table},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// As behind a proxy that tells nobody what is behind it.
    NoServerHeader,
    ClockStep(i64),
    LoginsExpire,
    Maintenance,
    /// The connections in the pool are closed.
    RestartBefore,
    RestartAt(Point),
    /// Nobody listens.
    Closed,
}

const EVENTS: [Event; 10] = [
    Event::NoServerHeader,
    Event::ClockStep(10_000),
    Event::ClockStep(-10_000),
    Event::LoginsExpire,
    Event::Maintenance,
    Event::RestartBefore,
    Event::RestartAt(Point::AfterRead),
    Event::RestartAt(Point::BeforeCommit),
    Event::RestartAt(Point::Committed),
    Event::Closed,
];

impl Event {
    fn allows(self, operation: Operation, said: Kind) -> bool {
        match self {
            Self::NoServerHeader | Self::ClockStep(_) | Self::LoginsExpire => said == operation.success(),
            Self::Maintenance | Self::RestartAt(_) => said == Kind::Ambiguous,
            // Whether the pool has noticed yet is a matter of microseconds.
            Self::RestartBefore => said == operation.success() || said == Kind::Ambiguous,
            Self::Closed => said == Kind::NotApplied,
        }
    }

    async fn happens_to(self, lab: &Lab, case: &Case) -> Outcome {
        let Lab { server, backend, .. } = lab;
        match self {
            Self::NoServerHeader => server.set_server_header(None),
            Self::ClockStep(step) => server.step_clocks(step),
            Self::LoginsExpire => server.expire_sessions(),
            Self::Maintenance => server.set_maintenance(true),
            Self::RestartBefore => server.restart(Restart::default()).await.expect("restarted"),
            Self::RestartAt(point) => return restarted_at(point, lab, case).await,
            Self::Closed => return closed(lab, case).await,
        }
        let outcome = case.run(backend).await;
        server.set_maintenance(false);
        outcome
    }
}

async fn restarted_at(point: Point, lab: &Lab, case: &Case) -> Outcome {
    let there = lab.server.fault(Fault::at(point).on_query(case.operation.marker()).pauses());
    let restart = async {
        there.reached(1).await;
        lab.server.restart(Restart::default()).await.expect("restarted");
    };
    let (outcome, ()) = tokio::join!(case.run(&lab.backend), restart);
    lab.server.clear_faults();
    outcome
}

async fn closed(lab: &Lab, case: &Case) -> Outcome {
    let restart = lab.server.restart(Restart { closed_for: Duration::from_millis(1500), ..Restart::default() });
    let is_closed = async || {
        let seen = lab.backend.inspect(&case.wish.name).await;
        seen.is_err_and(|error| {
            error.source().is_some_and(|source| matches!(source.downcast_ref(), Some(RequestError::Undelivered { .. })))
        })
    };
    let run = async {
        while !is_closed().await {
            tokio::task::yield_now().await;
        }
        case.run(&lab.backend).await
    };
    let (outcome, restarted) = tokio::join!(run, restart);
    restarted.expect("restarted");
    outcome
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_told_as_what_it_is() {
    let mut running = JoinSet::new();
    for (number, event) in EVENTS.into_iter().enumerate() {
        running.spawn(async move { (number, event, play(event).await) });
    }
    let mut played = running.join_all().await;
    played.sort_by_key(|(number, ..)| *number);
    let mut table = Table::default();
    played.into_iter().for_each(|(_, event, cells)| table.add(&format!("{event:?}"), cells));
    table.finish("An event while a request is on its way");
}

async fn play(event: Event) -> Vec<Cell> {
    let lab = Lab::start().await;
    let mut cells = Vec::new();
    for operation in Operation::ALL {
        let case = operation.prepare(&lab).await;
        let outcome = event.happens_to(&lab, &case).await;
        let applied = case.is_applied(&lab);
        let failure = judge(event, &lab, &case, &outcome).await.err();
        cells.push(Cell { said: outcome.kind, applied, failure });
    }
    cells
}

async fn judge(event: Event, lab: &Lab, case: &Case, outcome: &Outcome) -> Verdict {
    if !event.allows(case.operation, outcome.kind) {
        return Err(format!("{outcome:?}"));
    }
    if let Event::RestartAt(point) = event
        && case.is_applied(lab) != (point == Point::Committed)
    {
        return Err("what was committed stays, and nothing else".into());
    }
    case.check_answer(lab, outcome)?;
    case.check_repetition(lab).await?;
    audit::sound(&lab.history(&case.wish.name), |before, after| case.handed_on(before, after))
}

/// A clock that is set back by more than a lease has ended leases live again, and no token falls.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_grow_whatever_the_clock_does() {
    let lab = Lab::start().await;
    let mut case = Operation::Retake.prepare(&lab).await;
    for step in [-10_000, 10_000, -3_600_000, 1, -1, 3_600_000, -86_400_000] {
        lab.server.step_clocks(step);
        let token = case.run(&lab.backend).await.token.expect("granted");
        case.release(&lab.backend, token).await;
        case.wish = wish(&case.wish.name, TTL);
    }
    let history = lab.history(&case.wish.name);
    assert_eq!(audit::sound(&history, audit::never), Ok(()));
    assert_eq!(audit::grants(&history).map(|grants| grants.len()), Ok(8));
}
