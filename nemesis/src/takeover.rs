//! How long until the locks of a killed process are another's: rounds of processes that hold one lock each, a process
//! that waits for all of them, and `kill -9`.

use std::{collections::HashSet, path::Path, process::ExitCode, time::Duration};

use shylock_proof::{
    checkers,
    history::{Event, What},
};
use tokio::time::sleep;

use crate::{
    Result, clock,
    crew::Crew,
    dice::Dice,
    journal::{self, Journal},
    lab::WORKERS,
    run::{self, Wish},
    verdict,
};

/// Those who are killed in a round.
const VICTIMS: u32 = 20;
/// The lease of each, in milliseconds.
const TTL: u64 = 2_000;
/// Within which each must be another's: the lease, 2ε, and a second.
const LIMIT: u64 = (TTL + 500 + 1_000) * 1_000_000;

/// Kills so many, and prints how long it took. Fails where one in a hundred takes longer than it may.
///
/// # Errors
/// The run could not be made.
pub async fn run(folder: &Path, kills: u32) -> Result<ExitCode> {
    let commit = verdict::commit();
    let wish = Wish { folder: folder.to_owned(), commit, seed: 1, time: Duration::ZERO, control: None };
    let nemesis = run::prepare(&wish).await?;
    let mut dice = Dice::new(wish.seed, 9);
    for round in 0..kills.div_ceil(VICTIMS) {
        kill_some(&nemesis.crew, &nemesis.journal, 1 + round * (VICTIMS + 1), &mut dice).await?;
    }
    let settings = checkers::Settings { stored: false, ..verdict::settings() };
    let report = checkers::check_all(&journal::read(folder)?, &settings);
    println!("{report}");
    let in_time = report.summary.takeover(99).is_some_and(|p99| p99 <= LIMIT);
    let all = report.summary.takeovers.len() >= usize::try_from(kills)?;
    println!("{} take-overs of leases of {TTL} ms; p99 in time: {in_time}", report.summary.takeovers.len());
    Ok(ExitCode::from(u8::from(!(in_time && all && report.is_clean()))))
}

async fn kill_some(crew: &Crew, journal: &Journal, first: u32, dice: &mut Dice) -> Result<()> {
    let mut victims = Vec::new();
    for number in 0..VICTIMS {
        victims.push(crew.start_keeper(WORKERS[0], first + number, number..number + 1, TTL)?);
    }
    let of_victim = |event: &Event| (first..first + VICTIMS).contains(&event.process);
    seen(&crew.folder, |event| of_victim(event) && matches!(event.what, What::Granted { .. })).await?;
    let heir = first + VICTIMS;
    let mut waiter = crew.start_keeper(WORKERS[2], heir, 0..VICTIMS, TTL)?;
    let of_heir = |event: &Event| event.process == heir;
    seen(&crew.folder, |event| of_heir(event) && matches!(event.what, What::Wanted { .. })).await?;
    for victim in &mut victims {
        sleep(dice.between(20, 150)).await;
        victim.kill()?;
        journal.note_of(victim.process, clock::now(), "", What::Killed);
    }
    seen(&crew.folder, |event| of_heir(event) && matches!(event.what, What::Granted { .. })).await?;
    waiter.end()?;
    waiter.says("done")
}

/// Waits until the journals tell this of each of the locks.
async fn seen(folder: &Path, what: impl Fn(&Event) -> bool) -> Result<()> {
    let begin = clock::now();
    loop {
        let events = journal::read(folder)?;
        let locks: HashSet<&str> = events.iter().filter(|event| what(event)).map(|event| event.lock.as_str()).collect();
        if locks.len() == usize::try_from(VICTIMS)? {
            return Ok(());
        }
        if clock::now() - begin > clock::nanoseconds(Duration::from_secs(60)) {
            return Err(format!("only {} of {VICTIMS} locks", locks.len()).into());
        }
        sleep(Duration::from_millis(50)).await;
    }
}
