//! `list`, `show`, `break`, `doctor`, and the generated pages.

mod support;

use shylock_tests::Mongo;
use support::{Place, Running, stores};

const STATES: [&str; 4] = ["good", "weak", "wrong", "unknown"];

fn held(place: &Place, name: &str) -> Running {
    let file = format!("held-{name}");
    let running = place.spawn(&[
        "run",
        "--note",
        "nightly\u{1b}[2J",
        name,
        "--",
        "sh",
        "-c",
        &format!("echo > {file}; sleep 100"),
    ]);
    place.line_in(&file);
    running
}

#[test]
fn who_holds_what() {
    let place = Place::new();
    assert_eq!(place.outcome(&["list"]), (0, String::new(), String::new()));
    assert_eq!(place.json(&["list", "--json"]), serde_json::json!([]));
    assert_eq!(place.json(&["show", "--json", "a"]), serde_json::json!({ "name": "a", "held": false }));
    let (one, _two) = (held(&place, "jobs-a"), held(&place, "other"));

    let (code, table, _) = place.outcome(&["list"]);
    assert_eq!((code, table.lines().count()), (0, 3), "{table}");
    assert!(table.contains(&format!("(pid {})", one.0.id())), "{table}");
    assert!(table.contains("nightly\\u{1b}[2J") && !table.contains('\u{1b}'), "{table}");
    let list = place.json(&["list", "--json", "jobs-"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    let info = &place.json(&["show", "--json", "jobs-a"]);
    assert_eq!((&info["name"], &info["held"]), (&"jobs-a".into(), &true.into()));
    assert_eq!((&info["pid"], &info["token"]), (&one.0.id().into(), &list[0]["token"]));
    assert!(info["remaining_ms"].as_u64().is_some_and(|ms| ms <= 30_000 && ms > 15_000), "{info}");
    assert!(info.get("holder").is_none(), "the holder's id is the right to release");
}

#[test]
fn breaking_asks_first() {
    let place = Place::new();
    assert_eq!(place.json(&["break", "--yes", "--json", "a"])["broken"], false);
    let mut running = held(&place, "a");
    let (code, _, stderr) = place.outcome(&["break", "a"]);
    assert!(code == 64 && stderr.contains("--yes"), "{stderr}");
    let broken = place.json(&["break", "--yes", "--json", "a"]);
    assert_eq!((&broken["broken"], &broken["holder"]["pid"]), (&true.into(), &running.0.id().into()));
    // The next holder's token fences the old one off.
    let (_, token, _) = place.outcome(&["run", "-n", "a", "--", "sh", "-c", "echo $SHYLOCK_TOKEN"]);
    assert!(token.trim().parse::<u64>().expect("a token") > broken["holder"]["token"].as_u64().expect("a token"));
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.end();
}

/// A clock that was ahead once has left a lease that ends in another year.
#[test]
fn breaking_frees_a_corrupt_record() {
    let place = Place::new();
    assert_eq!(place.outcome(&["run", "a", "true"]).0, 0);
    let spoil = "import sqlite3, sys; file = sqlite3.connect(sys.argv[1]); file.execute('UPDATE shylock_locks SET ends = \
                 4000000000000000'); file.commit(); file.close()";
    let file = place.file(".local/state/shylock/locks.sqlite");
    let spoilt = std::process::Command::new("python3").args(["-c", spoil]).arg(file).status().expect("it starts");
    assert!(spoilt.success());
    let (code, _, stderr) = place.outcome(&["show", "a"]);
    assert!(code == 69 && stderr.contains("corrupt"), "{code}: {stderr}");
    assert!(stderr.contains("`shylock break a`"), "{stderr}");
    let broken = place.json(&["break", "--yes", "--json", "a"]);
    assert_eq!((&broken["name"], &broken["broken"]), (&"a".into(), &true.into()));
    assert!(broken["corrupt"].as_str().is_some_and(|detail| detail.contains("farther away")), "{broken}");
    assert_eq!(place.outcome(&["run", "-n", "a", "true"]).0, 0);
}

fn examine(place: &Place, wanted: &[&str]) -> String {
    let report = place.json(&["doctor", "--json"]);
    let checks = report["checks"].as_array().expect("checks");
    for name in wanted {
        assert!(checks.iter().any(|check| check["check"] == *name), "{name} is not in {report:#}");
    }
    for check in checks {
        assert!(STATES.iter().any(|state| check["state"] == *state), "{check}");
        assert_ne!(check["state"], "wrong", "{check}");
    }
    let (code, text, _) = place.outcome(&["doctor"]);
    assert_eq!(code, 0, "{text}");
    format!("{report}{text}")
}

#[test]
fn the_doctor_on_sqlite() {
    examine(&Place::new(), &["reachable", "rights", "exclusion", "waiting", "deployment", "who may", "clocks"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_on_mongodb() {
    let (_server, store) = stores::mongodb().await;
    let mongo =
        ["reachable", "rights", "exclusion", "waiting", "version", "deployment", "index", "clocks", "write concern"];
    tokio::task::block_in_place(|| examine(&Place::on(store), &mongo));
}

/// Each member is asked for its time.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_on_a_set_of_three() {
    let server = Mongo::replica_set(3).await;
    let place = Place::on(stores::with_database(&server.uri()));
    let told = tokio::task::block_in_place(|| examine(&place, &["deployment", "clocks"]));
    assert!(told.contains("a replica set of 3") && told.contains("3 members, "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_on_arangodb() {
    let (server, store) = stores::arangodb().await;
    let password = server.password().to_owned();
    let told = tokio::task::block_in_place(|| {
        examine(
            &Place::on(store),
            &["reachable", "rights", "exclusion", "waiting", "deployment", "clocks", "write concern", "collection"],
        )
    });
    assert!(password.is_empty() || !told.contains(&password), "{told}");
}

/// A cluster whose collection was made by somebody else, without a second copy.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_tells_what_is_weak_on_arangodb() {
    let server = arango_server::ArangoServer::builder().coordinators(&[0]).start().expect("started");
    let place = Place::on(server.url().replace("http://", "arangodb://"));
    let told = tokio::task::block_in_place(|| examine(&place, &["write concern", "collection", "clocks"]));
    for line in
        [" weak  write concern: its `replicationFactor` is 1", " good  deployment: a cluster", "allow for 250 ms"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
    let (_, text, _) = place.outcome(&["run", "k", "--", "true"]);
    assert_eq!(text, "");
}

#[test]
fn the_doctor_tells_what_is_wrong() {
    let place = Place::on("mongodb://u:hidden@127.0.0.1:1/?serverSelectionTimeoutMS=300");
    let (code, stdout, stderr) = place.outcome(&["doctor"]);
    assert!(code == 1 && stdout.contains("wrong  reachable") && stdout.contains("hint:"), "{stdout}{stderr}");
    let (code, _, told) = place.outcome(&["run", "--wait", "1s", "k", "true"]);
    assert!(code == 69 && told.contains("hint:"), "{told}");
    for text in [stdout, stderr, told] {
        assert!(!text.contains("hidden"), "{text}");
    }
}

/// As in `shylock list | head`.
#[test]
fn who_reads_may_have_enough() {
    let place = Place::new();
    for arguments in [&["list", "--json"][..], &["completions", "bash"], &["doctor"], &["show", "x"]] {
        let mut running = place.spawn(arguments);
        drop(running.0.stdout.take());
        let code = running.code();
        let mut told = String::new();
        let stderr = running.0.stderr.as_mut().expect("piped");
        std::io::Read::read_to_string(stderr, &mut told).expect("text");
        assert!(matches!(code, 0 | 1) && told.is_empty(), "{arguments:?}: {code} {told}");
    }
}

#[test]
fn an_address_in_the_wrong_place_is_not_quoted() {
    let (code, _, told) = Place::new().outcome(&["mongodb://u:hidden@h/db", "list"]);
    assert!(code == 64 && told.contains("--store") && !told.contains("hidden"), "{told}");
}

#[test]
fn pages_are_generated() {
    let place = Place::new();
    assert_eq!(place.outcome(&["man", "pages"]).0, 0);
    let page = std::fs::read_to_string(place.file("pages/shylock-run.1")).expect("a page");
    assert!(page.contains("at\\-least") && page.contains("process group"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = place.outcome(&["completions", shell]);
        assert!(code == 0 && script.contains("at-least"), "{shell}");
    }
    let (code, help, _) = place.outcome(&["--help"]);
    assert!(code == 0 && ["EXAMPLES", "STORES", "EXIT STATUS"].iter().all(|part| help.contains(part)), "{help}");
}
