//! Both guards of every conditional write, the server's and the text's: either is enough, and one is needed.
//!
//! A query reads a record, somebody else changes that, and the query writes what it had decided before.

use arango_server::{ArangoServer, AuditEntry, Fault, FaultHandle, Guards, Point};

use super::{
    audit::{self, Verdict, Version},
    queries::{Bench, Client, HAND_OFF, RELEASE, RENEW, TAKE, broken},
};

const VALIDATED: Guards = Guards { snapshot_validation: true, revision_compare: true };
const NOT_VALIDATED: Guards = Guards { snapshot_validation: false, revision_compare: true };

/// Without the revision. `take` has it in two places.
fn without_revision(text: &str) -> String {
    let from = if text == TAKE { "_rev: OLD._rev," } else { ", _rev: l._rev" };
    broken(&broken(text, from, ""), "ignoreRevs: false, ", "")
}

/// Either guard is enough for this text, and without both the log is not sound.
async fn either_guard_is_enough(text: &str, scenario: impl AsyncFn(&str, Guards) -> Verdict) {
    let unguarded = without_revision(text);
    assert_eq!(scenario(text, VALIDATED).await, Ok(()), "both");
    assert_eq!(scenario(text, NOT_VALIDATED).await, Ok(()), "the revision alone");
    assert_eq!(scenario(&unguarded, VALIDATED).await, Ok(()), "the validation alone");
    let caught = scenario(&unguarded, NOT_VALIDATED).await.expect_err("neither: caught");
    println!("caught: {caught}");
}

async fn bench(guards: Guards) -> Bench {
    Bench::start(ArangoServer::builder().guards(guards)).await
}

/// Whoever comes to it next reads the record, and waits.
fn stop_after_reading(bench: &Bench) -> FaultHandle {
    bench.server.fault(Fault::at(Point::AfterRead).pauses())
}

fn sound(history: &[AuditEntry]) -> Verdict {
    let handed_on = |before: &Version, after: &Version| (&*before.owner, &*after.owner) == ("anna", "carl");
    audit::sound(history, handed_on)
}

/// Lets the query come to its decision, has Bert take the lock that Anna gives back, and lets the query write.
async fn overtaken(bench: &Bench, token: u64, query: impl Future<Output = usize> + Send + 'static) -> Verdict {
    let late = stop_after_reading(bench);
    let query = tokio::spawn(query);
    late.reached(1).await;
    assert_eq!(bench.client.release(RELEASE, "anna", token).await, 1);
    bench.granted("bert", 60.0).await;
    late.resume();
    query.await.expect("no panic");
    sound(&bench.history())
}

async fn started(text: &str, guards: Guards) -> (Bench, Client, String, u64) {
    let bench = bench(guards).await;
    let token = bench.granted("anna", 30.0).await;
    let client = bench.client.clone();
    (bench, client, text.to_owned(), token)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_takes_of_a_free_lock() {
    either_guard_is_enough(TAKE, async |text, guards| {
        let (bench, client, text, token) = started(text, guards).await;
        assert_eq!(client.release(RELEASE, "anna", token).await, 1);
        let late = stop_after_reading(&bench);
        let slow = text.clone();
        let slow = tokio::spawn(async move { client.take(&slow, "slow", "", 30.0).await });
        late.reached(1).await;
        let quick = bench.client.take(&text, "quick", "", 30.0).await;
        late.resume();
        let slow = slow.await.expect("no panic");
        assert!(quick.is_some());
        match (audit::leases_never_overlap(&bench.history(), audit::never), slow) {
            (Ok(()), Some(_)) => Err("granted twice, and the log is sound".into()),
            (verdict, _) => verdict,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_take_over_an_ended_lease() {
    either_guard_is_enough(TAKE, async |text, guards| {
        let (bench, client, text, _) = started(text, guards).await;
        // The clock is the lease's only one, so nothing is early in true time but the second take-over.
        bench.server.step_clocks(31_000);
        let late = stop_after_reading(&bench);
        let slow = text.clone();
        let slow = tokio::spawn(async move { client.take(&slow, "slow", "anna", 30.0).await });
        late.reached(1).await;
        assert!(bench.client.take(&text, "quick", "anna", 30.0).await.is_some());
        late.resume();
        slow.await.expect("no panic");
        audit::leases_never_overlap(&bench.history(), |before, _| before.owner == "anna")
    })
    .await;
}

/// The stale one would be the end of somebody else's lease.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_release() {
    either_guard_is_enough(RELEASE, async |text, guards| {
        let (bench, client, text, token) = started(text, guards).await;
        overtaken(&bench, token, async move { client.release(&text, "anna", token).await }).await?;
        match bench.history().last().and_then(|entry| entry.document.clone()) {
            Some(document) if document["owner"] == "bert" => Ok(()),
            other => Err(format!("Bert's lease is gone: {other:?}")),
        }
    })
    .await;
}

/// The stale one would shorten somebody else's lease.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_renewal() {
    either_guard_is_enough(RENEW, async |text, guards| {
        let (bench, client, text, token) = started(text, guards).await;
        overtaken(&bench, token, async move { client.renew(&text, "anna", token, 30.0).await }).await
    })
    .await;
}

/// The stale one would give a lock away that is somebody else's by now.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_hand_off() {
    either_guard_is_enough(HAND_OFF, async |text, guards| {
        let (bench, client, text, token) = started(text, guards).await;
        overtaken(&bench, token, async move { client.hand_off(&text, ("anna", token), "carl", 30.0).await }).await
    })
    .await;
}
