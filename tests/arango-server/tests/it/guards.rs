//! Negative controls: which of the two guards protects what. Each may be switched off, and
//! without both exclusion breaks, so the tests above mean something.

use arango_server::{ArangoServer, Fault, Guards, Point};

use super::{
    client::{LOCKS, ready_with},
    texts::{TAKE, release, take, take_with},
};

/// Two takes of a free lock at the same time: how many of them are granted.
async fn grants(text: &str, guards: Guards) -> usize {
    let (server, client) = ready_with(ArangoServer::builder().guards(guards)).await;
    let taken = take(&client, "k", "before", 30.0).await.row();
    release(&client, "k", "before", &taken["token"]).await.row();
    let late = server.fault(Fault::at(Point::AfterRead).on_query("UPSERT").pauses());
    let slow = tokio::spawn({
        let (client, text) = (client.clone(), text.to_owned());
        async move { take_with(&client, &text, "k", "slow", 30.0).await }
    });
    late.reached(1).await;
    let quick = take_with(&client, text, "k", "quick", 30.0).await;
    late.resume();
    let slow = slow.await.expect("no panic");
    let granted = |reply: &super::client::Reply, owner: &str| reply.status == 201 && reply.row()["owner"] == owner;
    assert!(granted(&quick, "quick"));
    let versions = server.history("_system", LOCKS, "k").len();
    let grants = 1 + usize::from(granted(&slow, "slow"));
    assert_eq!(versions, 2 + grants, "before, released, and each grant");
    grants
}

fn without_revision() -> String {
    let text = TAKE.replace("_rev: OLD._rev, ", "").replace("ignoreRevs: false, ", "");
    assert!(!text.contains("_rev") && !text.contains("ignoreRevs"));
    text
}

const NO_VALIDATION: Guards = Guards { snapshot_validation: false, revision_compare: true };

#[tokio::test]
async fn both_guards_together_protect() {
    assert_eq!(grants(TAKE, Guards::default()).await, 1);
}

#[tokio::test]
async fn snapshot_validation_alone_protects() {
    assert_eq!(grants(&without_revision(), Guards::default()).await, 1);
    assert_eq!(grants(TAKE, Guards { revision_compare: false, ..Guards::default() }).await, 1);
}

#[tokio::test]
async fn the_revision_alone_protects() {
    assert_eq!(grants(TAKE, NO_VALIDATION).await, 1);
}

#[tokio::test]
async fn without_both_guards_exclusion_breaks() {
    assert_eq!(grants(&without_revision(), NO_VALIDATION).await, 2);
}
