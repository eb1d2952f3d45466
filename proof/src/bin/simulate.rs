//! Runs the simulation: one seed, or a campaign.
//!
//! ```sh
//! cargo run --release -p shylock-proof --bin simulate -- --seed 7 --trace
//! cargo run --release -p shylock-proof --bin simulate -- --from 1 --count 100000 --threads 2
//! ```

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use shylock_proof::simulation::{Bug, Campaign, run};

const USAGE: &str = "simulate (--seed N [--trace] | --from A --count N [--threads T]) [--bug NAME]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str| -> Option<u64> {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let named = arguments.iter().position(|argument| argument == "--bug").and_then(|at| arguments.get(at + 1));
    let bug = named.and_then(|name| Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == *name));
    match (number("--seed"), number("--count")) {
        _ if named.is_some() && bug.is_none() => {
            eprintln!(
                "{USAGE}
bugs: {:?}",
                Bug::ALL
            );
            ExitCode::from(2)
        }
        (Some(seed), _) => one(seed, bug, arguments.iter().any(|argument| argument == "--trace")),
        (None, Some(count)) => {
            let threads = number("--threads").and_then(|threads| usize::try_from(threads).ok()).unwrap_or(1);
            many(Campaign { from: number("--from").unwrap_or(1), count, threads, bug })
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64, bug: Option<Bug>, trace: bool) -> ExitCode {
    let outcome = run(seed, bug);
    println!("{:?}", outcome.plan);
    if trace {
        for event in &outcome.history {
            println!("{}", serde_json::to_string(event).unwrap_or_else(|error| error.to_string()));
        }
    }
    println!("seed {seed}: {} events in {:?}", outcome.history.len(), outcome.took);
    outcome.violations.iter().for_each(|violation| println!("VIOLATION {violation}"));
    if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn many(campaign: Campaign) -> ExitCode {
    const REPORT_EACH: u64 = 50_000;
    let (begun, done) = (Instant::now(), AtomicU64::new(0));
    let (tally, failures) = campaign.run(20, |_| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(REPORT_EACH) {
            println!("{done} schedules in {:?}", begun.elapsed());
        }
    });
    println!("{tally}");
    println!("seeds {} to {}", campaign.from, campaign.from + campaign.count - 1);
    let time = begun.elapsed();
    let a_second = u128::from(tally.schedules) * 1000 / time.as_millis().max(1);
    println!("{a_second} schedules/s, {time:?} in all, {} violations", failures.len());
    for failure in &failures {
        println!("VIOLATION seed {}: {}\n  {}", failure.seed, failure.violations.join("\n    "), failure.replay());
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
