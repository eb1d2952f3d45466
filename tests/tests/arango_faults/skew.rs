//! Two coordinators whose clocks differ, and clients that let their leases end.

use std::time::{Duration, Instant};

use arango_server::{ArangoServer, AuditEntry, Level, Origin, Rights};
use shylock_arango::ArangoBackend;
use shylock_core::{Attempt, Backend, LockName, MIN_TTL};

use super::{
    audit::{self, never},
    lab::{DATABASE, LOCKS, connect, fresh_name, wish},
};

const LONG: Duration = Duration::from_millis(4_500);
/// How often a waiter asks: often enough to find a gap of a clock's making.
const OFTEN: Duration = Duration::from_millis(10);

/// What two clients leave behind, each on a coordinator of its own, that take the lock and let the lease end in turns.
async fn in_turns(offsets: [i64; 2], allowance: Duration) -> Vec<AuditEntry> {
    let rights = Rights::new(Level::ReadWrite);
    let builder = ArangoServer::builder().coordinators(&offsets).user("root", shylock_tests::CANARY, rights);
    let server = builder.start().expect("a server");
    let name = fresh_name();
    let mut clients = Vec::new();
    for coordinator in 0..2 {
        let backend = connect(&server, coordinator, ArangoBackend::builder().skew_allowance(allowance)).await;
        clients.push(take_in_turns(backend, name.clone()));
    }
    let [one, other] = clients.try_into().unwrap_or_else(|_| panic!("two"));
    tokio::join!(one, other);
    server.history(DATABASE, LOCKS, name.as_str())
}

async fn take_in_turns(backend: ArangoBackend, name: LockName) {
    let (since, mut asking) = (Instant::now(), tokio::time::interval(OFTEN));
    let mut mine = None;
    while since.elapsed() < LONG {
        asking.tick().await;
        // Who had it last leaves it to the other.
        if let Some(mine) = mine
            && backend.inspect(&name).await.expect("answered").is_none_or(|info| info.holder == mine)
        {
            continue;
        }
        let wish = wish(&name, MIN_TTL);
        match backend.try_acquire(&wish).await {
            Ok(Attempt::Granted(_)) => mine = Some(wish.holder),
            Ok(Attempt::Held(_)) => mine = None,
            Err(error) => assert_eq!(error.failure(), &shylock_core::Failure::NotApplied, "{error:?}"),
        }
    }
}

/// Grants, and how many of them went from one coordinator's clients to the other's.
fn changes(history: &[AuditEntry]) -> usize {
    let origins: Vec<Origin> = history.iter().map(|entry| entry.origin).collect();
    origins.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_within_the_allowance_never_make_two_holders() {
    let allowance = Duration::from_millis(250);
    let histories = tokio::join!(
        in_turns([0, 0], allowance),
        in_turns([0, 200], allowance),
        in_turns([0, -200], allowance),
        in_turns([-125, 125], allowance),
    );
    for history in [histories.0, histories.1, histories.2, histories.3] {
        assert!(changes(&history) >= 2, "taken over from coordinator to coordinator: {history:?}");
        assert_eq!(audit::sound(&history, never), Ok(()));
    }
}

/// So the test above can fail.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_beyond_the_allowance_make_two_holders() {
    let far = Duration::from_millis(250);
    let histories =
        tokio::join!(in_turns([0, 800], Duration::ZERO), in_turns([0, 200], Duration::ZERO), in_turns([0, 900], far));
    for history in [histories.0, histories.1, histories.2] {
        assert!(changes(&history) >= 2, "{history:?}");
        let overlap = audit::leases_never_overlap(&history, never).expect_err("two holders at once");
        println!("caught: {overlap}");
        assert_eq!(audit::tokens_grow(&history), Ok(()), "the token tells them apart all the same");
    }
}
