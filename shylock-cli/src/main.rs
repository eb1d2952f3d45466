#![doc = include_str!("../README.md")]

mod arguments;
mod breaking;
mod doctor;
mod duration;
mod failure;
mod hints;
mod limits;
mod look;
mod output;
mod pages;
mod run;
mod store;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::{Arguments, Command},
    failure::Failure,
};

fn main() -> ExitCode {
    if let Some(code) = run::serve() {
        return code;
    }
    let mut arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::of_usage(&error),
    };
    let checked = arguments.check(&std::env::args_os().collect::<Vec<_>>()).and_then(|()| limits::check());
    if let Err(failure) = checked {
        return failure.report();
    }
    if arguments.verbose {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(std::io::stderr);
        // Else it panics where it cannot be written.
        log.log_internal_errors(false).init();
    }
    if matches!(arguments.command, Command::Run(_)) {
        run::prepare();
    }
    match in_runtime(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}

/// Two threads: a client of a store that keeps one busy must not keep the command from being stopped in time.
fn in_runtime(arguments: Arguments) -> Result<u8, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime =
        builder.worker_threads(2).enable_all().build().map_err(|error| Failure::system("no threads", &error))?;
    let outcome = runtime.block_on(carry_out(arguments));
    runtime.shutdown_background();
    outcome
}

async fn carry_out(Arguments { store, command, .. }: Arguments) -> Result<u8, Failure> {
    match command {
        Command::Run(options) => run::run(&options, store.as_deref()).await,
        Command::List(options) => look::list(&options, store.as_deref()).await,
        Command::Show(options) => look::show(&options, store.as_deref()).await,
        Command::Break(options) => breaking::break_lock(&options, store.as_deref()).await,
        Command::Doctor(options) => doctor::doctor(&options, store.as_deref()).await,
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { folder } => pages::man(&folder),
    }
}
