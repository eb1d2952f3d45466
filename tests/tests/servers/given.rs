//! A server that is given by `SHYLOCK_TEST_MONGODB` is used, and its password is told to nobody.

use std::process::{Command, Output, Stdio};

use shylock_tests::Mongo;

#[tokio::test]
async fn a_given_server_is_used_as_it_is() {
    let mongo = Mongo::with_auth().await;
    let password = "canaryinthemine/canaryinthemine";
    let name = format!("given {}", std::process::id());
    mongo.create_user(&name, password, Vec::new()).await;
    let output = run_with(&mongo.uri_for(&name, password));
    let (stdout, stderr) = texts(&output);
    assert_eq!(stdout.trim(), mongo.hosts(), "{stderr}");
    for part in ["replica set of 1: MongoDB ", "in fact a ", mongo.hosts()] {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert_silence(&output, "canaryinthemine");
}

#[test]
fn a_given_server_that_is_not_there_is_a_failure() {
    let output = run_with("mongodb://me:canaryinthemine@127.0.0.1:1/?serverSelectionTimeoutMS=100");
    let (stdout, stderr) = texts(&output);
    assert_eq!(stdout, "");
    for part in ["no replica set of 1", "tried: server of SHYLOCK_TEST_MONGODB", "127.0.0.1:1"] {
        assert!(stderr.contains(part), "{part} is not in {stderr}");
    }
    assert_silence(&output, "canaryinthemine");
}

#[test]
fn nonsense_is_a_failure() {
    for nonsense in
        ["canaryinthemine", "mongodb://me:canaryinthemine?@127.0.0.1:1", "mongodb://me:canaryinthemine/@127.0.0.1:1"]
    {
        let output = run_with(nonsense);
        let (stdout, stderr) = texts(&output);
        assert_eq!(stdout, "");
        assert!(stderr.contains("SHYLOCK_TEST_MONGODB"), "{stderr}");
        assert_silence(&output, "canary");
    }
}

/// Runs a test process that wants a replica set, and fails when it has got one.
fn run_with(given: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_victim"))
        .args(["chosen", "1"])
        .env("SHYLOCK_TEST_MONGODB", given)
        .stdin(Stdio::null())
        .output()
        .expect("a test process")
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn assert_silence(output: &Output, secret: &str) {
    let (stdout, stderr) = texts(output);
    assert!(!stdout.contains(secret) && !stderr.contains(secret), "{stdout}{stderr}");
}
