//! A command does not outlive its lock, whatever happens to the store or to the program.

mod support;

use std::time::Duration;

use nix::sys::signal::Signal;
use shylock_tests::{Arango, Mongo, Stopwatch};
use support::{Place, Running, eventually, is_alive, proxy::Proxy, stores};

/// Deaf to SIGTERM, with children that are, too, one of them in another process group.
const DEAF: &str = "trap '' TERM; sleep 100 & setsid sh -c 'echo $$ > other; exec sleep 99' &
    while [ ! -s other ]; do sleep 0.01; done; echo $$ > group; while :; do sleep 0.1; done";

fn deaf(place: &Place, ttl: &str) -> Running {
    place.spawn(&["run", "--ttl", ttl, "k", "--", "sh", "-c", DEAF])
}

/// From now on nothing renews the lease. The group is gone before it ends, as another way to the store tells.
fn assert_gone_in_time(place: &Place, direct: &Place, what: &str) {
    let (group, other) = (place.pid_in("group"), place.pid_in("other"));
    let watch = Stopwatch::start();
    let info = direct.json(&["show", "--json", "k"]);
    // The store may have looked at it any time since then: the lease ends then or later.
    let end = Duration::from_millis(info["remaining_ms"].as_u64().unwrap_or_else(|| panic!("it is held: {info}")));
    assert!(is_alive(group) && is_alive(other));
    eventually(|| (!is_alive(group) && !is_alive(other)).then_some(()));
    let gone = watch.took();
    assert!(gone < end, "{what}: gone after {gone:?}, and the lease may have ended after {end:?}");
    println!("{what}: all of it was gone {:?} before the end of its lease", end - gone);
}

fn mongodb_behind_a_proxy(server: &Mongo) -> (Proxy, Place) {
    let proxy = Proxy::before(server.hosts());
    let place = Place::on(format!("mongodb://{}/shylock_cli?directConnection=true", proxy.address));
    (proxy, place)
}

fn arangodb_behind_a_proxy(server: &Arango, store: &str) -> (Proxy, Place) {
    let host = server.url().strip_prefix("http://").expect("without TLS");
    let proxy = Proxy::before(host);
    let place = Place::on(store.replace(host, &proxy.address));
    (proxy, place)
}

#[tokio::test(flavor = "multi_thread")]
async fn when_mongodb_falls_silent() {
    let (server, store) = stores::mongodb().await;
    tokio::task::block_in_place(|| {
        let (proxy, place) = mongodb_behind_a_proxy(&server);
        let mut running = deaf(&place, "3s");
        place.line_in("group");
        proxy.fall_silent();
        assert_gone_in_time(&place, &Place::on(store), "MongoDB falls silent, ttl 3 s");
        assert_eq!(running.code(), 75);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn when_arangodb_falls_silent() {
    let (server, store) = stores::arangodb().await;
    tokio::task::block_in_place(|| {
        let (proxy, place) = arangodb_behind_a_proxy(&server, &store);
        let mut running = deaf(&place, "3s");
        place.line_in("group");
        proxy.fall_silent();
        assert_gone_in_time(&place, &Place::on(store), "ArangoDB falls silent, ttl 3 s");
        assert_eq!(running.code(), 75);
    });
}

/// `kill -STOP` of the program itself: it cannot renew, nor stop anything. Its watchdog does.
#[test]
fn when_the_program_itself_is_stopped() {
    let place = Place::new();
    let mut running = deaf(&place, "2s");
    place.line_in("group");
    running.signal(Signal::SIGSTOP);
    assert_gone_in_time(&place, &place, "the program is stopped, ttl 2 s");
    running.signal(Signal::SIGCONT);
    assert!(matches!(running.code(), 75 | 137), "it tells that its command was killed");
}

#[test]
fn when_the_lock_is_broken() {
    let place = Place::new();
    let mut running = deaf(&place, "3s");
    let group = place.pid_in("group");
    let watch = Stopwatch::start();
    let (code, stdout, stderr) = place.outcome(&["break", "--yes", "k"]);
    assert!(code == 0 && stdout.contains("k is free"), "{stdout}{stderr}");
    assert_eq!(running.code(), 75);
    assert!(!is_alive(group) && !is_alive(place.pid_in("other")));
    assert!(watch.took() < Duration::from_secs(3), "with the next renewal: {:?}", watch.took());
    let said = std::io::read_to_string(running.0.stderr.take().expect("piped")).expect("text");
    assert!(!said.contains("watchdog"), "it has done its work: {said}");
}

/// It is asked before it is killed.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_hears_has_time_to_end() {
    let (server, _) = stores::mongodb().await;
    tokio::task::block_in_place(|| {
        let (proxy, place) = mongodb_behind_a_proxy(&server);
        let script = "trap 'echo tidied > tidied; exit 0' TERM; echo > up; while :; do sleep 0.05; done";
        let mut running = place.spawn(&["run", "--ttl", "3s", "hears", "--", "sh", "-c", script]);
        place.line_in("up");
        proxy.fall_silent();
        assert_eq!(running.code(), 75);
        assert_eq!(place.line_in("tidied"), "tidied");
    });
}

/// One that was asked to end may go on if the store comes back in time. On ArangoDB, since the driver of MongoDB may need
/// more than a second to trust a server again.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_was_averted_costs_nothing() {
    let (server, store) = stores::arangodb().await;
    tokio::task::block_in_place(|| {
        let (proxy, place) = arangodb_behind_a_proxy(&server, &store);
        let script = "trap 'echo > asked' TERM; echo > up; while [ ! -e enough ]; do sleep 0.05; done; exit 7";
        // A second passes between the two signals.
        let mut running = place.spawn(&["run", "--ttl", "10s", "averted", "--", "sh", "-c", script]);
        place.line_in("up");
        proxy.fall_silent();
        place.line_in("asked");
        proxy.speak_again();
        let direct = Place::on(store);
        // Renewed, and a while ago: it has been noticed.
        let left = || direct.json(&["show", "--json", "averted"])["remaining_ms"].as_u64();
        eventually(|| left().filter(|left| (6000..8500).contains(left)));
        std::fs::write(place.file("enough"), "").expect("written");
        assert_eq!(running.code(), 7, "the command's own status");
    });
}
