//! A migration at start-up of eight instances: one migrates, the others wait and see that it is done. If that one is
//! killed in the middle, another goes on.

use std::{fs, time::Duration};

use tokio::time::sleep;

use crate::{
    folder::{Folder, Inside},
    program::{Part, Program, Stage},
};

const INSTANCES: usize = 8;
/// A crash delays the others by so much. A sixth of it has to be enough for each request, on a disk that is busy.
const TTL: Duration = Duration::from_secs(6);

mod undisturbed {
    crate::on_each_store!(super::start_up, super::one_migrates);
}

mod killed {
    crate::on_each_store!(super::start_up, super::another_goes_on);
}

async fn one_migrates(stage: &Stage) {
    let mut instances = start(stage).await;
    finish(stage, &mut instances);
    assert_eq!(stage.folder().noted("migrates").len(), 1);
    assert_eq!(stage.folder().noted("begins").len(), 1);
}

async fn another_goes_on(stage: &Stage) {
    let mut instances = start(stage).await;
    let first: usize = stage.folder().noted("migrates")[0].parse().expect("its number");
    instances.remove(first).kill();
    stage.folder().until("another goes on", |folder| folder.noted("migrates").len() == 2).await;
    finish(stage, &mut instances);
    assert_eq!(stage.folder().noted("migrates").len(), 2);
    assert_eq!(stage.folder().noted("begins"), [first.to_string()], "the other one finds what it has left");
}

/// Until one migrates, and all others are about to wait for it.
async fn start(stage: &Stage) -> Vec<Program> {
    let instances = (0..INSTANCES).map(|instance| stage.start(instance)).collect();
    let all_there = |folder: &Folder| folder.noted("starts").len() == INSTANCES && folder.noted("migrates").len() == 1;
    stage.folder().until("one migrates", all_there).await;
    instances
}

/// Lets the migration end.
fn finish(stage: &Stage, instances: &mut Vec<Program>) {
    let folder = stage.folder();
    assert_eq!(folder.noted("serves"), Vec::<String>::new(), "nobody serves before it");
    fs::write(folder.file("go"), "").expect("written");
    let count = instances.len();
    for report in instances.drain(..).map(Program::report) {
        assert_eq!(report.count("acquisitions_total granted"), 1, "{report:#?}");
    }
    assert_eq!(folder.noted("serves").len(), count);
    let journal = folder.journal();
    let at = |word: &str| journal.iter().position(|line| line.ends_with(word)).expect("noted");
    assert!(at(" migrated") < at(" serves"), "{journal:#?}");
    assert_eq!(folder.noted("migrated").len(), 1);
}

/// What an instance does.
async fn start_up(part: &Part) {
    let manager = part.manager().await;
    part.note("starts");
    let guard = manager.lock("migration").with_ttl(TTL).acquire().await.expect("its turn");
    if !part.folder.file("version-2").exists() {
        migrate(part).await;
    }
    guard.release().await.expect("released");
    assert!(part.folder.file("version-2").exists());
    part.note("serves");
    manager.close().await;
}

async fn migrate(part: &Part) {
    let inside = Inside::enter(&part.folder.file("migrating")).expect("nobody else migrates");
    let half = part.folder.file("half-of-version-2");
    if !half.exists() {
        fs::write(&half, "").expect("written");
        part.note("begins");
    }
    part.note("migrates");
    while !part.folder.file("go").exists() {
        sleep(Duration::from_millis(5)).await;
    }
    fs::rename(half, part.folder.file("version-2")).expect("renamed");
    part.note("migrated");
    drop(inside);
}
