//! Processes of a test: this test program once more, with a part to play.

use std::{
    env,
    fmt::Display,
    io::{self, BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use shylock_core::{LockManager, LockManagerBuilder};
use tokio::{runtime::Runtime, task::block_in_place};

use crate::{
    folder::Folder,
    report::{Listener, Report},
    store::{self, Kind, OwnFolder, Store},
};

/// The variable that has the part of a process.
const PART: &str = "SHYLOCK_ORDINARY_PART";
/// The test harness prints lines, too.
const SPEECH: &str = "program says: ";
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the scenario of a test, or, in a process that it has started, the program.
pub(crate) fn play(
    test: &'static str,
    kind: Kind,
    program: impl AsyncFnOnce(&Part),
    scenario: impl AsyncFnOnce(&Stage),
) {
    let runtime = Runtime::new().expect("a runtime");
    if let Some(part) = Part::of_this_process() {
        runtime.block_on(program(&part));
        return part.end();
    }
    runtime.block_on(async {
        let folder = OwnFolder::new();
        let store = Store::start(kind, &folder.0).await;
        let (_, test) = test.split_once("::").expect("the path of a module of this crate");
        scenario(&Stage { test, kind, store, folder }).await;
    });
}

/// What a test has at hand.
#[derive(Debug)]
pub(crate) struct Stage {
    test: &'static str,
    pub(crate) kind: Kind,
    store: Store,
    folder: OwnFolder,
}

impl Stage {
    pub(crate) fn folder(&self) -> Folder {
        Folder(self.folder.0.clone())
    }

    /// Starts a process.
    pub(crate) fn start(&self, label: impl Display) -> Program {
        let part = json!({ "label": label.to_string(), "folder": self.folder.0, "store": self.store.address });
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args([self.test, "--exact", "--nocapture"]).env(PART, part.to_string());
        Program::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()))
    }

    /// The locks of this test that are held now.
    pub(crate) async fn held(&self) -> Vec<String> {
        let manager = self.folder().manager(store::open(&self.store.address).await);
        let held = manager.list("").await.expect("listed");
        held.iter().map(|info| info.name.to_string()).collect()
    }
}

impl Folder {
    /// The tests of a process share a server, but no name.
    fn manager(&self, builder: LockManagerBuilder) -> LockManager {
        let name = self.0.file_name().expect("a name").to_str().expect("a text");
        builder.namespace(name).build().expect("options")
    }
}

/// What a process is to do.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) label: String,
    pub(crate) folder: Folder,
    store: Value,
    listener: Listener,
}

impl Part {
    fn of_this_process() -> Option<Self> {
        let part: Value = serde_json::from_str(&env::var(PART).ok()?).expect("the test wrote it");
        let text = |key: &str| part[key].as_str().expect("a text").to_owned();
        Some(Self {
            label: text("label"),
            folder: Folder(text("folder").into()),
            store: part["store"].clone(),
            listener: Listener::install(),
        })
    }

    pub(crate) async fn manager(&self) -> LockManager {
        self.folder.manager(store::open(&self.store).await.label(&self.label))
    }

    pub(crate) fn note(&self, what: impl Display) {
        self.folder.note(&format!("{} {what}", self.label));
    }

    pub(crate) fn say(&self, line: impl Display) {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "\n{SPEECH}{line}").and_then(|()| stdout.flush()).expect("the test reads");
    }

    /// Waits for the next line from the test.
    pub(crate) async fn hear(&self) {
        let read = || io::stdin().lock().lines().next().expect("a line").expect("a text");
        drop(tokio::task::spawn_blocking(read).await.expect("no panic"));
    }

    fn end(&self) {
        self.say(self.listener.report());
    }
}

/// A process; killed when dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Program {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("started");
        let stdin = child.stdin.take().expect("piped");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = stdout.lines().map_while(Result::ok);
            let mut said = lines.filter_map(|line| line.strip_prefix(SPEECH).map(ToOwned::to_owned));
            said.try_for_each(|line| sender.send(line))
        });
        Self { child, stdin, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn says(&self) -> String {
        block_in_place(|| self.lines.recv_timeout(PATIENCE)).expect("it says something")
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("it listens");
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it is there");
    }

    /// Kills it, and waits for its end.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("it is ours");
    }

    /// Waits until it ends by itself; what it has counted and logged until then.
    pub(crate) fn report(mut self) -> Report {
        let report = Report::read(&self.says());
        let status = block_in_place(|| self.child.wait()).expect("it is ours");
        assert!(status.success(), "{status}");
        report
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
