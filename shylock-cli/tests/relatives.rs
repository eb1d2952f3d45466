//! Servers that speak MongoDB's protocol and cannot hold a lock: `connect` and `doctor` refuse them by name. And servers
//! that say nothing of it: `doctor` finds out.

mod support;

use std::{error::Error as _, time::Duration};

use mongodb::bson::{Document, doc};
use shylock_mongo::{Error, MongoBackend, mongodb};
use shylock_tests::{Fate, Flag, Impostor, Kind, Manners, Mongo, Relative, Version, live_a_whole_life};
use support::Place;
use tokio::{task::block_in_place, time::timeout};

/// A database that no other test uses: some find what others would leave.
fn database() -> String {
    format!("relatives_{:016x}", getrandom::u64().expect("random"))
}

/// What no line for an operator has: parts of the driver's dumps.
const DUMPS: [&str; 4] = ["RawDocumentBuf", "server response", "server_response", "labels:"];
/// What only helps where a right is missing, or nobody answers.
const UNRELATED: [&str; 3] = ["rights that are needed", "is the address right", "the user, the password"];

/// The text of `connect`'s refusal, with its sources.
async fn refusal(uri: &str) -> String {
    let connecting = MongoBackend::connect(uri, database());
    let error = timeout(Duration::from_secs(10), connecting).await.expect("in time").expect_err("refused");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    let text = format!("{error}: {}", error.source().expect("the reason"));
    assert_plain(&text);
    assert_plain(&format!("{error:?}"));
    text
}

fn assert_plain(text: &str) {
    for dump in DUMPS {
        assert!(!text.contains(dump), "{dump} is in {text}");
    }
}

/// What `doctor` says of a server with which something is wrong, in lines and as JSON.
fn diagnosis(uri: &str) -> String {
    let place = Place::on(uri);
    let (code, text, complaint) = place.outcome(&["doctor"]);
    assert_eq!((code, complaint.as_str()), (1, ""), "{text}");
    let report = place.json(&["doctor", "--json"]);
    let checks = report["checks"].as_array().expect("checks");
    let wrong: Vec<_> = checks.iter().filter(|check| check["state"] == "wrong").collect();
    assert!(!wrong.is_empty(), "{report:#}");
    for check in wrong {
        let line = format!("  wrong  {}: ", check["check"].as_str().expect("a name"));
        assert!(text.contains(&line), "{line} is not in {text}");
    }
    let all = format!("{text}{report}");
    for hint in UNRELATED {
        assert!(!all.contains(hint), "{hint} is in {all}");
    }
    all
}

/// A server with these manners before a standalone one, with a database in its path.
async fn impostor(manners: impl Manners) -> (Mongo, String) {
    let mongo = Mongo::standalone().await;
    let impostor = Impostor::before(mongo.hosts(), manners).await;
    let uri = impostor.uri(&database());
    (mongo, uri)
}

/// `connect` and `doctor` both refuse it, with these words.
async fn is_refused(relative: Relative, words: &[&str]) {
    let (_mongo, uri) = impostor(relative.manners()).await;
    let (refusal, diagnosis) = (refusal(&uri).await, block_in_place(|| diagnosis(&uri)));
    assert_plain(&diagnosis);
    for word in words.iter().chain(&["cannot hold locks"]) {
        assert!(refusal.contains(word), "{word} is not in {refusal}");
        assert!(diagnosis.contains(word), "{word} is not in {diagnosis}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ferretdb_1_is_refused() {
    is_refused(Relative::FerretDb1, &["FerretDB 1.24.0", "pipeline"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ferretdb_2_is_refused() {
    is_refused(Relative::FerretDb2, &["FerretDB 2.5.0"]).await;
}

/// It gives no name and no version; its reply to `hello` has an empty `internal`.
#[tokio::test(flavor = "multi_thread")]
async fn documentdb_0_108_is_refused() {
    is_refused(Relative::DocumentDb0108, &["DocumentDB"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documentdb_is_refused() {
    is_refused(Relative::DocumentDb, &["DocumentDB"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_documentdb_is_refused() {
    is_refused(Relative::AzureDocumentDb, &["Azure DocumentDB"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amazon_documentdb_is_refused() {
    is_refused(Relative::AmazonDocumentDb, &["Amazon DocumentDB 5.0.0", "pipeline"]).await;
}

/// The driver refuses it for its age.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_4_2_is_refused() {
    is_refused(Relative::MongoDb42, &["MongoDB", "4.4"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_name_is_refused_for_what_it_lacks() {
    is_refused(Relative::WithoutNow, &["clock"]).await;
}

/// Real servers that keep no journal.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_journal_is_refused() {
    for flags in [&["--nojournal"][..], &["--storageEngine", "ephemeralForTest"]] {
        let flags: Vec<Flag> = flags.iter().copied().map(Flag::Text).collect();
        let mongo = Mongo::start_with(&flags, "").await;
        let uri = support::stores::with_database(&mongo.uri());
        let (refusal, diagnosis) = (refusal(&uri).await, block_in_place(|| diagnosis(&uri)));
        for text in [refusal, diagnosis] {
            assert_plain(&text);
            assert!(text.contains("no journal"), "{flags:?}: {text}");
        }
    }
}

/// It may hold locks, or not: that is what it says.
#[tokio::test(flavor = "multi_thread")]
async fn cosmos_db_is_one_on_which_nobody_has_tried() {
    let (_mongo, uri) = impostor(Relative::CosmosDb.manners()).await;
    MongoBackend::connect(&uri, database()).await.expect("connected");
    let (code, text, _) = block_in_place(|| Place::on(&uri).outcome(&["doctor"]));
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("unknown  version: Azure Cosmos DB (RU)") && text.contains("several write regions"),
        "{text}"
    );
    assert!(text.contains("   weak  write concern: the server ignores"), "{text}");
    // Its servers are not known.
    assert!(!text.contains("deployment: ") && !text.contains("clocks: "), "{text}");
}

/// Looks that no majority confirms are refused there.
#[tokio::test(flavor = "multi_thread")]
async fn mongodb_4_4_without_majority_reads_holds_locks() {
    let flags = [Flag::Text("--enableMajorityReadConcern=false")];
    let mongo = Mongo::start_flagged(Version::V4_4_2, Kind::ReplicaSet(1), &flags, "").await;
    let backend = MongoBackend::connect(mongo.uri(), database()).await.expect("connected");
    live_a_whole_life(&shylock_mongo::LockManager::new(backend), "a life").await;
    let (code, text, _) =
        block_in_place(|| Place::on(support::stores::with_database(&mongo.uri())).outcome(&["doctor"]));
    assert_eq!(code, 0, "{text}");
}

/// Each time: half of the races have several winners.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_out_that_upserts_race() {
    let (_mongo, uri) = impostor(Relative::Racing.manners()).await;
    MongoBackend::connect(&uri, database()).await.expect("it looks like any other");
    for _ in 0..5 {
        let (code, text, _) = block_in_place(|| Place::on(&uri).outcome(&["doctor"]));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("  wrong  exclusion: this server does not exclude: "), "{text}");
        assert!(text.contains("first acquisitions at once were granted"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_out_that_a_stale_release_counts() {
    let (_mongo, uri) = impostor(Relative::Counting.manners()).await;
    let diagnosis = block_in_place(|| diagnosis(&uri));
    assert!(diagnosis.contains("a stale release was reported as done"), "{diagnosis}");
}

/// As it is: what is wrong with the others is not the proxy's doing.
struct Honest;

impl Manners for Honest {
    fn reply(&self, _: &Document, _: &mut Document) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_an_honest_proxy_is_fit() {
    let (mongo, uri) = impostor(Honest).await;
    for uri in [uri, support::stores::with_database(&mongo.uri())] {
        let (code, text, _) = block_in_place(|| Place::on(&uri).outcome(&["doctor"]));
        assert_eq!(code, 0, "{text}");
        for check in ["reachable", "rights", "exclusion", "version", "write concern", "clocks"] {
            assert!(text.contains(&format!("   good  {check}: ")), "{check} is not good: {text}");
        }
    }
}

/// Refuses renewals, and, if asked to, releases.
struct Refusing {
    releases: bool,
}

impl Manners for Refusing {
    fn command(&self, command: Document) -> Fate {
        let first = command.get_array("updates").ok().and_then(|updates| updates.first()?.as_document().cloned());
        let is_renewal = |update: &Document| update.get_bool("multi").unwrap_or_default();
        let is_release =
            |update: &Document| update.get_array("u").is_ok_and(|u| u[0].to_string().contains("$replaceWith"));
        match first {
            Some(update) if is_renewal(&update) || self.releases && is_release(&update) => {
                let message = "Document failed validation";
                Fate::Answered(
                    doc! { "ok": 0.0, "errmsg": message, "code": 121, "codeName": "DocumentValidationFailure" },
                )
            }
            _ => Fate::Passes(command),
        }
    }

    fn reply(&self, _: &Document, _: &mut Document) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_leaves_no_lock_behind_for_long_when_a_renewal_or_a_release_fails() {
    for releases in [false, true] {
        let (mongo, uri) = impostor(Refusing { releases }).await;
        let diagnosis = block_in_place(|| diagnosis(&uri));
        assert!(diagnosis.contains("Document failed validation"), "{diagnosis}");
        assert!(!diagnosis.contains("hint: "), "{diagnosis}");
        let database = uri.rsplit('/').next().and_then(|path| path.split('?').next()).expect("a database");
        let direct = MongoBackend::connect(mongo.uri(), database).await.expect("connected");
        let left = shylock_mongo::LockManager::new(direct).list("shylock-doctor-").await.expect("listed");
        let is_near = left.iter().all(|lock| lock.remaining <= Duration::from_secs(10));
        assert!(left.is_empty() || releases && is_near, "releases are refused: {releases}; {left:?}");
    }
}

/// Whatever is refused is told in one plain line, without the reply as it was.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_quotes_no_reply() {
    let (_mongo, uri) = impostor(Refusing { releases: false }).await;
    assert_plain(&block_in_place(|| diagnosis(&uri)));
}
