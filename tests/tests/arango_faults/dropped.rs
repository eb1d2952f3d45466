//! Somebody drops the collection, or the whole database, and makes it again: nobody's lease is left.

use arango_server::{Fault, FaultHandle, Point};
use shylock_arango::ArangoBackend;

use super::{
    audit,
    lab::{DATABASE, LOCKS, Lab, connect},
    operations::{Kind, Operation},
    table::{Cell, Table},
};

#[derive(Debug, Clone, Copy)]
enum Dropped {
    Collection,
    Database,
}

impl Dropped {
    fn from(self, lab: &Lab) {
        let dropped = match self {
            Self::Collection => lab.server.drop_collection(DATABASE, LOCKS),
            Self::Database => lab.server.drop_database(DATABASE),
        };
        dropped.expect("it was there");
    }
}

/// In the middle of the request.
async fn drop_at(there: &FaultHandle, what: Dropped, lab: &Lab) {
    there.reached(1).await;
    what.from(lab);
    there.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_told_and_what_comes_again_begins_anew() {
    let mut table = Table::default();
    for what in [Dropped::Collection, Dropped::Database] {
        for point in [Point::Received, Point::AfterRead, Point::BeforeCommit] {
            // Who has made it a moment ago takes a coordinator for one that does not know yet.
            for (who, told) in [("another's", Kind::Permanent), ("its own", Kind::NotApplied)] {
                let mut cells = Vec::new();
                for operation in Operation::ALL {
                    cells.push(play(what, point, operation, told).await);
                }
                table.add(&format!("{who} {what:?}, gone at: {point:?}"), cells);
            }
        }
    }
    table.finish("The collection or the database is dropped meanwhile");
}

async fn play(what: Dropped, point: Point, operation: Operation, told: Kind) -> Cell {
    let lab = Lab::start().await;
    let case = operation.prepare(&lab).await;
    let there = lab.server.fault(Fault::at(point).on_query(operation.marker()).pauses());
    let backend = if told == Kind::Permanent { &lab.backend } else { &lab.maker };
    let (outcome, ()) = tokio::join!(case.run(backend), drop_at(&there, what, &lab));
    let applied = case.is_applied(&lab);
    let judge = async || {
        if outcome.kind != told {
            return Err(format!("{outcome:?}, not {told:?}"));
        }
        case.check_answer(&lab, &outcome)?;
        let before = lab.history(&case.wish.name).len();
        drop(connect(&lab.server, 0, ArangoBackend::builder()).await);
        let again = case.run(&lab.backend).await;
        let is_take = matches!(operation, Operation::Take | Operation::Retake);
        let expected = if is_take { Kind::Granted } else { Kind::NotHeld };
        if again.kind != expected {
            return Err(format!("made again: {again:?}, not {expected:?}"));
        }
        let history = lab.history(&case.wish.name);
        audit::tokens_grow(&history)?;
        audit::sound(&history[..before], audit::never)?;
        audit::sound(&history[before..], audit::never)
    };
    Cell { said: outcome.kind, applied, failure: judge().await.err() }
}
