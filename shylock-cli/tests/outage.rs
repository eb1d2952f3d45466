//! A store that does not answer at first, or at the end.

mod support;

use std::{
    io::Write,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use shylock_tests::Stopwatch;
use support::{
    PROGRAM, Place,
    at_terminal::{Step::Expect, at_a_terminal},
    eventually,
    proxy::Proxy,
    runs, stores,
};

/// Another program writes to the file, and does not come to an end.
struct Writer(Child);

impl Writer {
    fn to(place: &Place) -> Self {
        let script = "import sqlite3, sys\n\
             file = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
             file.execute('BEGIN EXCLUSIVE')\n\
             print('writing', flush=True)\n\
             sys.stdin.readline()\n\
             file.execute('ROLLBACK')";
        let file = place.file(".local/state/shylock/locks.sqlite");
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python3 is there");
        let mut line = String::new();
        let out = child.stdout.as_mut().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).expect("a line");
        assert_eq!(line, "writing\n");
        Self(child)
    }

    fn end(&mut self) {
        self.0.stdin.as_mut().expect("piped").write_all(b"\n").expect("it reads");
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn busy() -> (Place, Writer) {
    let place = Place::new();
    assert_eq!(place.outcome(&["run", "k", "true"]).0, 0);
    let writer = Writer::to(&place);
    (place, writer)
}

#[test]
fn a_busy_file_is_waited_for() {
    for arguments in [&["run", "--wait", "60s", "k", "true"][..], &["run", "k", "true"]] {
        let (place, mut writer) = busy();
        let mut running = place.spawn(&[&["-v"], arguments].concat());
        running.says("an attempt failed and is repeated");
        writer.end();
        assert_eq!(running.code(), 0, "{arguments:?}");
    }
}

/// Who looks writes nothing, and so waits for nobody who does.
#[test]
fn a_busy_file_can_be_looked_at() {
    let (place, _writer) = busy();
    for (arguments, code) in [(&["list"][..], 0), (&["show", "k"], 1)] {
        assert_eq!(place.outcome(arguments).0, code, "{arguments:?}");
    }
}

#[test]
fn a_busy_file_is_waited_for_no_longer_than_was_said() {
    let (place, _writer) = busy();
    for (arguments, limit) in [(&["run", "--wait", "1s", "k", "true"][..], 1), (&["run", "-n", "k", "true"], 5)] {
        let watch = Stopwatch::start();
        let (code, _, said) = place.outcome(arguments);
        assert_eq!(code, 69, "{arguments:?}: {said}");
        assert!(said.contains("locks.sqlite"), "{said}");
        assert!(watch.took() < Duration::from_secs(limit + 1), "{arguments:?}: {:?}", watch.took());
    }
}

#[test]
fn signals_end_that() {
    let (place, _writer) = busy();
    let mut running = place.spawn(&["-v", "run", "k", "true"]);
    running.says("an attempt failed and is repeated");
    let watch = Stopwatch::start();
    running.signal(Signal::SIGTERM);
    assert_eq!(running.code(), 128 + 15);
    assert!(watch.took() < Duration::from_secs(2), "{:?}", watch.took());
}

#[test]
fn a_terminal_shows_what_is_waited_for() {
    let place = Place::on("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=300");
    let steps = [Expect("waiting for k: the store does not answer")];
    let (code, shown) = at_a_terminal(&place, &[PROGRAM, "run", "--wait", "3s", "k", "true"], &steps);
    assert!(code == 69 && shown.contains("127.0.0.1:1"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_later() {
    let (server, _) = stores::mongodb().await;
    tokio::task::block_in_place(|| {
        for wait in [&["--wait", "60s"][..], &[]] {
            // A port at which nobody listens.
            let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
            let place = Place::on(format!(
                "mongodb://{address}/shylock_cli?directConnection=true&serverSelectionTimeoutMS=300"
            ));
            let mut running = place.spawn(&[&["-v", "run"], wait, &["k", "true"]].concat());
            running.says("store not opened, trying again");
            let _proxy = Proxy::at(&address.to_string(), server.hosts());
            assert_eq!(running.code(), 0, "{wait:?}");
        }
    });
}

#[test]
fn a_server_that_never_comes() {
    let place = Place::on("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=300");
    for (arguments, least, most) in [(&["--wait", "2s"][..], 1, 3), (&["-n"], 4, 6)] {
        let watch = Stopwatch::start();
        let (code, _, said) = place.outcome(&[&["run"], arguments, &["k", "true"]].concat());
        assert_eq!(code, 69, "{said}");
        assert!(said.contains("127.0.0.1:1"), "{said}");
        assert!(watch.elapsed() > Duration::from_secs(least), "{arguments:?}: {:?}", watch.elapsed());
        assert!(watch.took() < Duration::from_secs(most), "{arguments:?}: {:?}", watch.took());
    }
}

/// What cannot pass is reported at once.
#[test]
fn an_address_that_cannot_be_right() {
    let since = Instant::now();
    let (code, _, said) = Place::on("mongodb://127.0.0.1:x/x").outcome(&["run", "k", "true"]);
    assert!(code == 64 && since.elapsed() < Duration::from_secs(5), "{code} {said}");
}

/// The command has ended, and the store does not confirm that the lock is free.
#[tokio::test(flavor = "multi_thread")]
async fn signals_end_the_end() {
    let (server, _) = stores::mongodb().await;
    tokio::task::block_in_place(|| {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
            let proxy = Proxy::before(server.hosts());
            let place = Place::on(format!("mongodb://{}/shylock_cli?directConnection=true", proxy.address));
            let script = "trap 'exit 7' INT; echo $$ > up; while [ ! -e enough ]; do sleep 0.02; done; exit 7";
            // The test may run under `nohup`.
            let program = ["--default-signal=HUP", PROGRAM, "-v", "run", signal.as_str(), "--", "sh", "-c", script];
            let mut running = place.spawn_other("env", &program);
            let command = place.pid_in("up");
            proxy.fall_silent();
            if signal == Signal::SIGINT {
                running.signal(signal);
            } else {
                std::fs::write(place.file("enough"), "").expect("written");
            }
            eventually(|| (!runs(command)).then_some(()));
            let watch = Stopwatch::start();
            // The first may still be on its way.
            std::thread::sleep(Duration::from_millis(100));
            running.signal(signal);
            assert_eq!(running.code(), 7, "{signal}: the command's own status");
            let took = watch.took();
            let said = std::io::read_to_string(running.0.stderr.take().expect("piped")).expect("text");
            assert!(took < Duration::from_secs(2), "{signal}: {took:?} {said}");
            assert!(said.contains("has not confirmed") && said.contains(signal.as_str()), "{said}");
        }
    });
}
