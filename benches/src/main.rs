//! `cargo bench`: one table of what locks cost, each row beside its limit. `cargo bench -- --help` tells the rest.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    shylock_bench::run(&arguments)
}
