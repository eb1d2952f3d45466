//! What the checkers say of a run.

use std::{
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
    process::{Command, ExitCode},
};

use serde::{Deserialize, Serialize};
use shylock_proof::{
    checkers::{self, Breach, Settings, Violation, held_when_released},
    history::{self, Event, Header, What},
};

use crate::{
    Result,
    account::Made,
    control::Control,
    ghosts, inflict,
    run::{Outcome, Wish},
    worker::KEPT,
};

/// What a run of ours may do that others may not.
#[must_use]
pub fn settings() -> Settings {
    Settings {
        // One call may send several requests of which each brings a grant; `ghosts` says for which call each was.
        tokens_per_unknown: 8,
        tokens_per_grant: 8,
        failovers: vec![inflict::FAILOVER.to_owned()],
        // Counted from a process that has just begun: pools of connections to three servers fill up.
        more_tasks: 4,
        more_connections: 60,
        more_files: 60,
        more_resident: 48 << 20,
        ..Settings::default()
    }
}

/// What is kept of a run beside its events.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    seconds: u64,
    control: Option<String>,
    settings: Settings,
    made: Vec<Made>,
    left: Vec<String>,
}

/// Keeps the history, judges it and prints what was found. A control must have been found out.
#[must_use]
pub fn pronounce(wish: &Wish, outcome: Outcome) -> ExitCode {
    let Outcome { events, made, left } = outcome;
    let control = wish.control.map(|control| control.to_string());
    let kept = Kept { seconds: wish.time.as_secs(), control, settings: settings(), made, left };
    let header = Header {
        seed: wish.seed,
        commit: wish.commit.clone(),
        settings: serde_json::to_value(&kept).unwrap_or_default(),
    };
    let file = wish.folder.join("history.jsonl");
    let written = File::create(&file).and_then(|file| history::write(BufWriter::new(file), &header, &events));
    if let Err(error) = written {
        println!("the history cannot be kept: {error}");
    }
    judge(&header, &kept, &events)
}

/// Judges the history that was kept, with the settings of today.
///
/// # Errors
/// It cannot be read.
pub fn again(folder: &Path) -> Result<ExitCode> {
    let (header, events) = history::read(BufReader::new(File::open(folder.join("history.jsonl"))?))?;
    let mut kept: Kept = serde_json::from_value(header.settings.clone())?;
    kept.settings = settings();
    Ok(judge(&header, &kept, &events))
}

fn judge(header: &Header, kept: &Kept, events: &[Event]) -> ExitCode {
    let report = checkers::check_all(events, &kept.settings);
    let excused = |violation: &&Violation| {
        let held = |token: &u64| held_when_released(events, &violation.lock, *token);
        violation.breach == Breach::ReleasedInVain && violation.tokens.iter().all(held)
    };
    let in_vain = report.violations.iter().filter(excused).count();
    let mut found: Vec<String> =
        report.violations.iter().filter(|violation| !excused(violation)).map(ToString::to_string).collect();
    found.extend(ghosts::find(events, &kept.made).iter().map(|ghost| format!("CK-G a grant for nobody: {ghost}")));
    found.extend(lost_long_ones(events));
    found.extend(kept.left.iter().map(|held| format!("CK-G still held though everybody is gone: {held}")));

    println!("seed {}, commit {}, {} s of faults", header.seed, header.commit, kept.seconds);
    println!("{}", report.summary);
    println!(
        "{} calls of which the time was taken, {in_vain} releases that came after the end of their lease",
        calls(events)
    );
    found.iter().take(40).for_each(|violation| println!("{violation}"));
    println!("{} violations", found.len());
    match kept.control.as_deref().map(str::parse::<Control>) {
        None => ExitCode::from(u8::from(!found.is_empty())),
        Some(Ok(control)) => {
            let caught = found.iter().filter(|found| control.caught_by().iter().any(|name| found.starts_with(name)));
            let caught = caught.count();
            println!("control {control}: {caught} violations by {:?}", control.caught_by());
            ExitCode::from(u8::from(caught == 0))
        }
        Some(Err(error)) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

fn calls(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.what, What::Took { .. })).count()
}

/// Leases of 30 s that did not survive.
fn lost_long_ones(events: &[Event]) -> Vec<String> {
    let lost = events.iter().filter(|event| {
        let is_loss = matches!(event.what, What::Lost { .. } | What::Asked { held: false, .. });
        is_loss && event.lock.starts_with(KEPT)
    });
    lost.map(|event| format!("CK-D a lease of 30 s was lost: {event:?}")).collect()
}

/// The commit in the folder where this program was started.
#[must_use]
pub fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    output.map_or_else(|_| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
