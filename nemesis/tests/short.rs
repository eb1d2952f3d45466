//! The short form of what the package is for; the long one is a command, see `RELIABILITY.md`. The program itself says
//! what was wrong.
#![cfg(target_os = "linux")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the program to its end; its files stay only where it found something.
fn nemesis(arguments: &[&str]) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(arguments.join("-"));
    remove(&folder);
    let mut command = Command::new(env!("CARGO_BIN_EXE_nemesis"));
    let status = command.args(arguments).arg("--folder").arg(&folder).status().expect("the program runs");
    assert!(status.success(), "{arguments:?}: {status}; its files are in {}", folder.display());
    remove(&folder);
}

fn remove(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).expect("a folder of ours");
    }
}

/// One after the other: each wants the machine for itself.
#[test]
fn four_minutes_of_faults_then_a_control_then_take_overs() {
    nemesis(&["run", "--minutes", "4", "--seed", "1"]);
    nemesis(&["run", "--seconds", "30", "--seed", "2", "--control", "no-fence"]);
    nemesis(&["takeovers", "--kills", "40"]);
}
