//! The examples do what they say.

use std::process::Command;

use shylock_tests::{Arango, Mongo};

/// Runs it; what it printed.
fn run(program: &str, arguments: &[&str]) -> Vec<String> {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {stdout}{stderr}");
    stdout.lines().map(str::to_owned).collect()
}

/// Workers begin and are done in turns, each with a larger token than the one before.
fn assert_one_at_a_time(lines: &[String], workers: usize) {
    let turns: Vec<&String> = lines.iter().filter(|line| line.starts_with(['<', '>'])).collect();
    assert_eq!(turns.len(), workers * 3 * 2, "{lines:#?}");
    let mut last = 0;
    for turn in turns.chunks(2) {
        let (worker, token) = turn[0][2..].split_once(" begins, with fencing token ").expect("a worker begins");
        assert_eq!(turn[1], &format!("< {worker} is done"), "two at once: {lines:#?}");
        let token: u64 = token.parse().expect("a number");
        assert!(token > last, "{lines:#?}");
        last = token;
    }
}

#[test]
fn quickstart_in_memory() {
    let lines = run(env!("CARGO_BIN_EXE_quickstart"), &[]);
    assert_one_at_a_time(&lines, 3);
    assert_eq!(lines.last().map(String::as_str), Some("Three workers, and never two of them at once."));
}

#[tokio::test]
async fn quickstart_on_mongodb() {
    let lines = run(env!("CARGO_BIN_EXE_quickstart"), &[&Mongo::replica_set(1).await.uri()]);
    assert_one_at_a_time(&lines, 6);
    assert_eq!(lines.last().map(String::as_str), Some("Two processes, six workers, and never two of them at once."));
}

#[tokio::test]
async fn mongo_async() {
    let lines = run(env!("CARGO_BIN_EXE_mongo_async"), &[&Mongo::replica_set(1).await.uri()]);
    for part in ["held with token", "refused, as it is held", "timed out: still held by", "3 pages written"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in {lines:#?}");
    }
}

#[tokio::test]
async fn mongo_sync() {
    let lines = run(env!("CARGO_BIN_EXE_mongo_sync"), &[&Mongo::replica_set(1).await.uri()]);
    for part in ["a second attempt is refused", "out of paper", "free all the same", "4 threads printed 12 pages"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in {lines:#?}");
    }
    let told = lines.iter().position(|line| line.contains("the holder is told: no renewal"));
    let next = lines.iter().position(|line| line.contains("came free by itself"));
    assert!(told.is_some() && told < next, "first the holder is told: {lines:#?}");
}

/// The last word of the line that begins like this.
fn last_word<'a>(lines: &'a [String], begin: &str) -> &'a str {
    let line = lines.iter().find(|line| line.starts_with(begin));
    line.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{begin:?} is not in {lines:#?}"))
}

#[tokio::test]
async fn mongo_fenced() {
    let lines = run(env!("CARGO_BIN_EXE_mongo_fenced"), &[&Mongo::replica_set(1).await.uri()]);
    let token = |who: &str| -> u64 { last_word(&lines, &format!("{who} holds the lock")).parse().expect("a number") };
    assert!(token("first") < token("second"));
    assert_eq!(last_word(&lines, "second writes in a transaction"), "done");
    assert_eq!(last_word(&lines, "first writes with its token"), "refused");
    assert!(
        lines.iter().any(|line| line.starts_with("first writes in a transaction: the lease is lost")),
        "{lines:#?}"
    );
    assert_eq!(lines.last().map(String::as_str), Some("the invoice was paid by second"));
}

#[tokio::test]
async fn ticket_handover() {
    let lines = run(env!("CARGO_BIN_EXE_ticket_handover"), &[&Mongo::replica_set(1).await.uri()]);
    let tokens = ["the handler holds", "the worker holds", "the worker is done"].map(|begin| last_word(&lines, begin));
    assert!(tokens.iter().all(|token| *token == tokens[0]), "the same token: {lines:#?}");
    let answers: Vec<&String> = lines.iter().filter(|line| line.contains("answered")).collect();
    assert!(answers[0].ends_with("202 Accepted") && answers[1].ends_with("409 Conflict"), "{lines:#?}");
    assert!(answers[2].ends_with("202 Accepted"), "the worker has released it: {lines:#?}");
}

/// The arguments of an example on ArangoDB.
async fn on_arango() -> [String; 3] {
    let arango = Arango::start().await;
    [arango.url().to_owned(), arango.user().to_owned(), arango.password().to_owned()]
}

#[tokio::test]
async fn arango_async() {
    let lines = run(env!("CARGO_BIN_EXE_arango_async"), &on_arango().await.each_ref().map(String::as_str));
    for part in ["refused, as it is held", "timed out: still held by", "a former holder would be refused"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in {lines:#?}");
    }
}

#[tokio::test]
async fn arango_sync() {
    let lines = run(env!("CARGO_BIN_EXE_arango_sync"), &on_arango().await.each_ref().map(String::as_str));
    for part in ["a second attempt is refused", "8 threads counted to 80", "nothing is held any more"] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in {lines:#?}");
    }
}

#[tokio::test]
async fn python_original() {
    let lines = run(env!("CARGO_BIN_EXE_python_original"), &[&Mongo::replica_set(1).await.uri()]);
    for part in ["a second attempt is refused", "out of paper", "free all the same", "abandoned-3 came free after "] {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} is not in {lines:#?}");
    }
}
