//! Everything that the crates and the drivers log, where a test wants to see it.

use std::{
    env,
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::fd::AsFd,
    sync::Once,
};

use tracing_subscriber::{
    Layer, Registry,
    fmt::{
        self,
        writer::{BoxMakeWriter, MakeWriterExt},
    },
    layer::{Identity, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

/// The variable that asks for all logs: `1` on stderr, anything else is the file to append them to.
pub const TRACE: &str = "SHYLOCK_TEST_TRACE";

static ONCE: Once = Once::new();

/// Logs everything at all levels if `SHYLOCK_TEST_TRACE` asks for it. May be called often.
///
/// # Panics
///
/// The file cannot be opened.
pub fn trace() {
    if let Some(place) = place() {
        ONCE.call_once(|| start(place, Identity::new()));
    }
}

/// Does the same, and passes all events to a listener of the caller's, whether anything is logged or not.
///
/// # Panics
///
/// The file cannot be opened, or somebody listens already.
pub fn trace_with(listener: impl Layer<Registry> + Send + Sync) {
    let mut is_first = false;
    ONCE.call_once(|| {
        is_first = true;
        match place() {
            Some(place) => start(place, listener),
            None => registry().with(listener).try_init().expect("nobody listens"),
        }
    });
    assert!(is_first, "somebody listens already");
}

fn place() -> Option<OsString> {
    env::var_os(TRACE).filter(|place| !place.is_empty())
}

fn start(place: OsString, listener: impl Layer<Registry> + Send + Sync) {
    let place = match place {
        place if place == "1" => io::stderr().as_fd().try_clone_to_owned().expect("another stderr").into(),
        path => OpenOptions::new().append(true).create(true).open(path).expect("the file of all logs"),
    };
    let place: &'static File = Box::leak(Box::new(place));
    let ours = BoxMakeWriter::new(move || Line(place, Vec::new())).with_filter(|about| is_ours(about.target()));
    let logs = fmt::layer().with_ansi(false).with_writer(ours);
    // Somebody else may have been first, in a process that is not a test's.
    drop(registry().with(listener).with(logs).try_init());
    if log::set_logger(Box::leak(Box::new(Others(place)))).is_ok() {
        log::set_max_level(log::LevelFilter::Trace);
    }
}

/// Not the client of Docker: no program of a user's has it, and it tells what environment it gives to containers.
fn is_ours(target: &str) -> bool {
    !["bollard", "testcontainers"].iter().any(|other| target.starts_with(other))
}

/// One event, written at once: lines of processes that run at the same time do not mix. No mutex keeps them apart,
/// since a forked child would wait for ever for one that a thread of its parent held.
struct Line(&'static File, Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.write_all(&std::mem::take(&mut self.1))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A closed stderr is no reason to fail.
        drop(self.flush());
    }
}

/// Libraries that log in the other way: rustls, the HTTP client, the driver of ArangoDB.
struct Others(&'static File);

impl log::Log for Others {
    fn enabled(&self, about: &log::Metadata<'_>) -> bool {
        is_ours(about.target())
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{} {} {}\n", record.level(), record.target(), record.args());
            drop(Line(self.0, line.into_bytes()));
        }
    }

    fn flush(&self) {}
}
