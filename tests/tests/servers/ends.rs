//! However a test process ends, nothing of it is left.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use shylock_tests::{Kind, Mongo, Source, left_by};
use tokio::net::TcpStream;

use crate::sources;

const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

#[tokio::test]
async fn nothing_is_left_after_sigkill() {
    ended_by(|victim| kill_process(pid(victim), Signal::KILL).expect("to be killed")).await;
}

#[tokio::test]
async fn nothing_is_left_after_ctrl_c() {
    ended_by(|victim| {
        // What a terminal does: a signal for everything that is in the foreground.
        kill_process_group(pid(victim), Signal::INT).expect("to be interrupted");
    })
    .await;
}

#[tokio::test]
async fn nothing_is_left_after_a_panic() {
    ended_by(|victim| drop(victim.stdin.take())).await;
}

#[tokio::test]
async fn a_server_that_is_not_shared_ends_with_its_last_user() {
    for source in sources::all().await {
        let mongo = Mongo::start(Kind::Standalone, source).await;
        let host = mongo.hosts().to_owned();
        drop(mongo);
        if source == Source::Given {
            Mongo::start(Kind::Standalone, source).await; // finds it still there
            continue;
        }
        let start = Instant::now();
        while TcpStream::connect(&host).await.is_ok() {
            assert!(start.elapsed() < DEADLINE, "{host} is still there, {source}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Lets test processes start servers and come to that end.
async fn ended_by(end: impl Fn(&mut Child)) {
    for source in sources::all().await {
        let mut victim = start(source);
        let id = victim.id();
        let there = left_by(id).await;
        assert_eq!(there.is_empty(), source == Source::Given, "{there:?}, {source}");
        end(&mut victim);
        let status = victim.wait().expect("the end of the test process");
        assert!(!status.success(), "a bad end, {source}");
        let start = Instant::now();
        loop {
            let left = left_by(id).await;
            if left.is_empty() {
                break;
            }
            assert!(start.elapsed() < DEADLINE, "{left:?} of {there:?}, {source}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// A test process whose server is up.
fn start(source: Source) -> Child {
    let source = match source {
        Source::ChildProcess => "child",
        _ => "chosen",
    };
    let mut victim = Command::new(env!("CARGO_BIN_EXE_victim"))
        .args([source, "standalone"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null()) // a panic nobody has to worry about
        .spawn()
        .expect("a test process");
    let stdout = victim.stdout.take().expect("a piped stdout");
    let mut hosts = String::new();
    BufReader::new(stdout).read_line(&mut hosts).expect("hosts");
    assert_ne!(hosts, "", "no server");
    victim
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}
