//! The first command of the root README does what it says.

mod support;

use std::{path::Path, process::Command};

use support::{PROGRAM, Place};

#[test]
fn the_first_command_runs_with_nothing_else_installed() {
    let readme = include_str!("../../README.md");
    let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a command");
    let command = block.lines().find(|line| line.starts_with("shylock ")).expect("the program's");
    let (place, folder) = (Place::new(), Path::new(PROGRAM).parent().expect("a folder"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &command.replace("sleep 5", "true")]).env_clear().env("HOME", &place.folder);
    let path = std::env::join_paths([folder, Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
    let output = shell.env("PATH", path).output().expect("a shell");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.lines().count() <= 1 && stderr.contains(".local/state/shylock"), "where the locks are: {stderr}");
    let token = stdout.strip_prefix("alone, with fencing token ").expect("its line").trim();
    assert!(token.parse::<u64>().is_ok(), "{stdout}");
}
