//! Renewals write to the record that an open transaction has fenced.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::fence::Scene;

const TTL: Duration = Duration::from_secs(3);

/// One transaction after the other, each open for nearly a third of the ttl: neither the fenced lease is lost, nor
/// another that is renewed along with it.
#[tokio::test]
async fn renewals_survive_transactions_of_a_third_of_the_ttl() {
    let scene = Scene::new("renewed").await;
    let fenced = scene.here.lock(&scene.name).with_ttl(TTL).acquire().await.expect("granted");
    let beside = scene.here.lock(format!("{}/beside", scene.name)).with_ttl(TTL).acquire().await.expect("granted");
    let (since, mut shortest) = (Instant::now(), TTL);
    while since.elapsed() < 4 * TTL {
        let mut session = scene.begin_fenced(&fenced).await;
        sleep(TTL / 3 - TTL / 30).await;
        shortest = shortest.min(fenced.remaining()).min(beside.remaining());
        session.commit_transaction().await.expect("committed");
    }
    println!("never less than {shortest:?} of {TTL:?} remained, less the safety margin");
    fenced.ensure_held().expect("held");
    beside.ensure_held().expect("held");
    fenced.release().await.expect("released");
    beside.release().await.expect("released");
}

/// What is beyond that: the guard is told of its loss, and the transaction commits all the same, as nobody else could
/// get in before.
#[tokio::test]
async fn a_transaction_longer_than_the_lease_costs_it_and_commits() {
    let scene = Scene::new("long").await;
    let guard = scene.here.lock(&scene.name).with_ttl(TTL).acquire().await.expect("granted");
    let mut session = scene.begin_fenced(&guard).await;
    guard.lost().await;
    scene.write(&mut session).await.expect("written");
    session.commit_transaction().await.expect("committed");
    assert!(scene.is_written().await);
    let next = scene.there.lock(&scene.name).acquire().await.expect("granted");
    assert!(next.token() > guard.token());
    next.release().await.expect("released");
}
