use std::{process::Command, thread, time::Duration};

use crate::Stopwatch;

const STOPPED: Duration = Duration::from_millis(400);

#[test]
fn a_stopped_process_takes_no_time() {
    let watch = Stopwatch::start();
    let script = "kill -STOP $PPID; sleep 0.4; kill -CONT $PPID";
    assert!(Command::new("sh").args(["-c", script]).status().expect("it runs").success());
    assert!(watch.elapsed() >= STOPPED);
    assert!(watch.took() < STOPPED / 2, "{watch:?}");
}

/// While the machine has time, that is: some of these times.
#[test]
fn a_thread_that_waits_takes_time() {
    let is_seen = || {
        let watch = Stopwatch::start();
        thread::sleep(STOPPED / 4);
        watch.took() >= STOPPED / 8
    };
    assert!((0..20).any(|_| is_seen()));
}
