//! What the program's commands do.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use crate::{
    Result,
    arguments::Arguments,
    proxy::{self, Manners},
    run::{self, Wish},
    verdict,
    worker::{self, Orders},
};

/// Makes a run, and judges it. Fails where there is a violation; with a control, where there is none.
///
/// # Errors
/// The run could not be made.
pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let seconds = match arguments.get::<u64>("minutes")? {
        Some(minutes) => minutes * 60,
        None => arguments.get("seconds")?.unwrap_or(240),
    };
    let wish = Wish {
        folder: folder(arguments)?,
        commit: verdict::commit(),
        seed: arguments.get("seed")?.unwrap_or(1),
        time: Duration::from_secs(seconds),
        control: arguments.get("control")?,
    };
    println!("nemesis: seed {}, {seconds} s of faults, files in {}", wish.seed, wish.folder.display());
    let outcome = run::run(&wish).await?;
    Ok(verdict::pronounce(&wish, outcome))
}

/// See [`takeover`](crate::takeover).
///
/// # Errors
/// The run could not be made.
pub async fn takeovers(arguments: &Arguments) -> Result<ExitCode> {
    crate::takeover::run(&folder(arguments)?, arguments.get("kills")?.unwrap_or(200)).await
}

/// Judges the history of a run once more.
///
/// # Errors
/// It cannot be read.
pub fn judge(arguments: &Arguments) -> Result<ExitCode> {
    verdict::again(&arguments.need::<PathBuf>("folder")?)
}

/// A worker.
///
/// # Errors
/// It cannot begin.
pub async fn worker(arguments: &Arguments) -> Result<ExitCode> {
    let orders = Orders {
        folder: arguments.need("folder")?,
        process: arguments.need("process")?,
        seed: arguments.need("seed")?,
        keeps: arguments.need("keeps")?..arguments.need("up-to")?,
        ttl: arguments.need("ttl")?,
        control: arguments.get("control")?,
    };
    worker::work(orders).await?;
    Ok(ExitCode::SUCCESS)
}

/// A proxy.
///
/// # Errors
/// It cannot begin.
pub async fn proxy(arguments: &Arguments) -> Result<ExitCode> {
    let manners = Manners { lossy: arguments.has("lossy"), one_server: arguments.has("one-server") };
    proxy::serve(&arguments.need::<PathBuf>("folder")?, arguments.need("seed")?, manners).await?;
    Ok(ExitCode::SUCCESS)
}

/// A new folder for a run, below the one that is asked for.
fn folder(arguments: &Arguments) -> Result<PathBuf> {
    let folder = arguments.get::<PathBuf>("folder")?.unwrap_or_else(|| std::env::temp_dir().join("shylock-nemesis"));
    let folder = folder.join(format!("{}", crate::clock::now()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
