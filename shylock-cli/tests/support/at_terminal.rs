//! The program at a terminal of its own.

use std::process::Command;

use super::Place;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Expect(&'static str),
    Send(&'static str),
}

impl Step {
    fn words(&self) -> [&'static str; 2] {
        match self {
            Self::Expect(text) => ["expect", text],
            Self::Send(text) => ["send", text],
        }
    }
}

/// What the terminal showed, and the status of the program.
pub(crate) fn at_a_terminal(place: &Place, program: &[&str], steps: &[Step]) -> (i32, String) {
    run(place, program, steps.iter().map(Step::words).collect())
}

/// The same for the first process of a container, which has a terminal.
pub(crate) fn as_first_process(place: &Place, program: &str, steps: &[Step]) -> (i32, String) {
    let script = format!("mount --make-rprivate / && mount -t proc proc /proc && exec {program}");
    let steps = steps.iter().map(Step::words);
    run(place, &["/bin/sh", "-c", &script], std::iter::once(["container", ""]).chain(steps).collect())
}

fn run(place: &Place, program: &[&str], steps: Vec<[&str; 2]>) -> (i32, String) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/at_terminal.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(serde_json::to_string(&steps).expect("JSON")).args(program).current_dir(&place.folder);
    for (name, value) in place.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.output().expect("it starts");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.is_empty(), "{stderr}");
    (output.status.code().expect("a status"), shown)
}
