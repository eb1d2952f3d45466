//! This test once more, in a process of its own.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

const PART: &str = "SHYLOCK_SQLITE_PART";

/// What this process is to do, if it is not the test itself.
pub(crate) fn part() -> Option<Vec<String>> {
    let part = env::var(PART).ok()?;
    Some(part.split('\n').map(str::to_owned).collect())
}

/// The program that plays this part of the test.
pub(crate) fn again(test: &str, part: &[&str]) -> Command {
    again_under(&[], test, part)
}

/// The same, started by another program.
pub(crate) fn again_under(starter: &[&str], test: &str, part: &[&str]) -> Command {
    again_as(&env::current_exe().expect("a program"), starter, test, part)
}

/// The same, with this copy of the program.
pub(crate) fn again_as(this: &Path, starter: &[&str], test: &str, part: &[&str]) -> Command {
    let mut command = match starter {
        [] => Command::new(this),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(this);
            command
        }
    };
    command.args([test, "--exact", "--nocapture", "--quiet"]).env(PART, part.join("\n"));
    command
}

/// Whether the part was played, and well.
pub(crate) fn played_well(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && told.contains(" 1 passed"), "{told}{said}");
}

/// With namespaces of its own: those of root, or of a user who is root in there.
pub(crate) fn unshare(options: &[&'static str]) -> Vec<&'static str> {
    let is_root = Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n";
    let user: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
    [&["unshare"], user, options].concat()
}

/// A process that tells what it does, line by line. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) child: Child,
    lines: BufReader<ChildStdout>,
}

impl Teller {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// The words after `told`, of the next line that begins with it; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Vec<String>> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).expect("a text") == 0 {
                return None;
            }
            // A line that a kill has cut short was not told.
            if let Some(told) = line.strip_suffix('\n').and_then(|line| line.split_once("told ")) {
                return Some(told.1.split(' ').map(str::to_owned).collect());
            }
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
