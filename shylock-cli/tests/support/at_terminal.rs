//! The program at a terminal of its own.

use std::process::Command;

use super::Place;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Expect(&'static str),
    Send(&'static str),
    /// Sends this signal to the process whose number is in this file, and sleeps.
    Signal(&'static str, &'static str),
    /// So many milliseconds pass.
    Pass(&'static str),
}

/// What the terminal showed, and the status of the program.
pub(crate) fn at_a_terminal(place: &Place, program: &[&str], steps: &[Step]) -> (i32, String) {
    with_terminal(place, &[], program, steps)
}

/// The same as the first process of a container, which has a terminal.
pub(crate) fn as_first_process(place: &Place, program: &str, steps: &[Step]) -> (i32, String) {
    let script = format!("mount -t proc proc /proc && exec {program}");
    let mut unshare = vec!["unshare", "--pid", "--mount"];
    if !nix::unistd::geteuid().is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    with_terminal(place, &unshare, &["/bin/sh", "-c", &script], steps)
}

fn with_terminal(place: &Place, prefix: &[&str], program: &[&str], steps: &[Step]) -> (i32, String) {
    let steps: Vec<Vec<&str>> = steps
        .iter()
        .map(|step| match *step {
            Step::Expect(text) => vec!["expect", text],
            Step::Send(text) => vec!["send", text],
            Step::Signal(name, file) => vec!["signal", name, file],
            Step::Pass(ms) => vec!["pass", ms],
        })
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/at_terminal.py");
    let steps = serde_json::to_string(&steps).expect("JSON");
    let words = [prefix, &["python3", script, &steps], program].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir(&place.folder);
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
