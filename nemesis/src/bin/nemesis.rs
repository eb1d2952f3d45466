//! `nemesis run`: the worst day, see the crate. Its other commands are the processes of a run.
//!
//! - `nemesis run [--minutes N | --seconds N] [--seed N] [--folder PATH] [--control w1|ttl|no-nonce|no-fence]`
//! - `nemesis takeovers [--kills N]`: how long until the locks of a killed holder are another's.
//! - `nemesis judge --folder PATH`: the checkers once more, over the history of a run.

use std::{env, process::ExitCode};

use shylock_nemesis::{Result, arguments::Arguments, commands, lab};

fn main() -> ExitCode {
    match command(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("nemesis: {error}");
            ExitCode::from(2)
        }
    }
}

fn command(words: &[String]) -> Result<ExitCode> {
    let arguments = Arguments::parse(words)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.command() {
        "run" | "takeovers" if !lab::inside::is_inside() => {
            lab::tools::check()?;
            let program = runtime.block_on(shylock_nemesis::set::node::Program::export())?;
            let status = lab::inside::enter(words, &program)?;
            Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2)))
        }
        "run" => runtime.block_on(commands::run(&arguments)),
        "takeovers" => runtime.block_on(commands::takeovers(&arguments)),
        "judge" => commands::judge(&arguments),
        "worker" => runtime.block_on(commands::worker(&arguments)),
        "proxy" => runtime.block_on(commands::proxy(&arguments)),
        other => Err(format!("no command {other:?}; see the head of src/bin/nemesis.rs").into()),
    }
}
