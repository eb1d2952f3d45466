//! The program as its users start it.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod at_terminal;
pub(crate) mod proxy;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{sys::signal::kill, unistd::Pid};
use serde_json::Value;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_shylock");

/// A folder of this test's own, and a store.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) store: Option<String>,
}

impl Place {
    /// Where no store is named: a file below the home folder.
    pub(crate) fn new() -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{:016x}", getrandom::u64().expect("random")));
        fs::create_dir_all(&folder).expect("a folder");
        Self { folder, store: None }
    }

    pub(crate) fn on(store: impl Into<String>) -> Self {
        let mut place = Self::new();
        place.store = Some(store.into());
        place
    }

    /// Where a file in its folder is the store.
    pub(crate) fn on_a_file() -> Self {
        let mut place = Self::new();
        place.store = Some(format!("sqlite:{}", place.file("locks.sqlite").display()));
        place
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(&self.folder).env_remove("XDG_STATE_HOME").env("HOME", &self.folder);
        command.env_remove("SHYLOCK_STORE").stdin(Stdio::null());
        if let Some(store) = &self.store {
            command.env("SHYLOCK_STORE", store);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it starts")
    }

    /// Runs it; its exit status, and what it printed on both.
    pub(crate) fn outcome(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (status.code().expect("it ended by itself"), text(stdout), text(stderr))
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let (_, stdout, stderr) = self.outcome(arguments);
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stdout:?} {stderr}"))
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        Running(self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    /// Starts another program where this one would be started.
    pub(crate) fn spawn_other(&self, program: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        for (name, value) in self.command(&[]).get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Running(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The text that a command writes into this file, when it is there in whole.
    pub(crate) fn line_in(&self, name: &str) -> String {
        let file = self.file(name);
        eventually(|| fs::read_to_string(&file).ok().filter(|text| text.ends_with('\n'))).trim().to_owned()
    }

    /// The processes that are in this folder.
    pub(crate) fn processes(&self) -> Vec<i32> {
        pids().filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == self.folder)).collect()
    }

    pub(crate) fn pid_in(&self, name: &str) -> Pid {
        Pid::from_raw(self.line_in(name).parse().expect("a process id"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A program under way, which is killed when the test fails.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().expect("a process id"))
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        kill(self.pid(), signal).expect("it is there");
    }

    /// Waits until it says this on stderr.
    pub(crate) fn says(&mut self, text: &str) {
        let stderr = BufReader::new(self.0.stderr.as_mut().expect("a pipe"));
        assert!(stderr.lines().any(|line| line.expect("text").contains(text)), "it ended, and has not said {text:?}");
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            match self.0.try_wait().expect("a child") {
                Some(status) => return status,
                None => assert!(since.elapsed() < LONG, "it does not end"),
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn code(&mut self) -> i32 {
        self.end().code().expect("it ended by itself")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

const LONG: Duration = Duration::from_secs(60);

/// Polls until it is there.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < LONG, "it does not come");
        thread::sleep(Duration::from_millis(2));
    }
}

fn pids() -> impl Iterator<Item = i32> {
    fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The processes with this parent.
pub(crate) fn children(parent: Pid) -> Vec<i32> {
    pids().filter(|pid| field(*pid, "PPid").is_some_and(|found| found == parent.to_string())).collect()
}

/// Whether a process is there, and not only its exit status.
pub(crate) fn runs(pid: Pid) -> bool {
    field(pid.as_raw(), "State").is_some_and(|state| !state.starts_with(['Z', 'X']))
}

fn field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    let status = String::from_utf8_lossy(&status).into_owned();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim));
    line.map(ToOwned::to_owned)
}

/// Whether anybody of a process group is alive. The dead whose parent is stopped are still there, and do nothing.
pub(crate) fn is_alive(group: Pid) -> bool {
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
    let states = processes.filter_map(|process| fs::read_to_string(process.path().join("stat")).ok());
    // `pid (name) state parent group …`, and a name may have parentheses.
    let mut fields = states.filter_map(|stat| {
        let mut fields = stat.rsplit_once(") ")?.1.split(' ').map(ToOwned::to_owned);
        Some((fields.next()?, fields.nth(1)?))
    });
    fields.any(|(state, of)| of == group.to_string() && !matches!(state.as_str(), "Z" | "X"))
}

/// The store that each of the three kinds of servers offers, in turns.
pub(crate) mod stores {
    use shylock_tests::{Arango, Mongo};

    pub(crate) async fn mongodb() -> (Mongo, String) {
        let mongo = Mongo::replica_set(1).await;
        let uri = mongo.uri();
        (mongo, with_database(&uri))
    }

    /// The address with a database in its path.
    pub(crate) fn with_database(uri: &str) -> String {
        let (hosts, options) = uri.split_once("/?").unwrap_or((uri.trim_end_matches('/'), ""));
        format!("{hosts}/shylock_cli?{options}")
    }

    pub(crate) async fn arangodb() -> (Arango, String) {
        let arango = Arango::start().await;
        let host = arango.url().strip_prefix("http://").expect("without TLS").to_owned();
        let store = format!("arangodb://{}:{}@{host}/_system", arango.user(), arango.password());
        (arango, store)
    }
}
