//! A pool of workers in two processes. Each job is taken by one at a time, by its name, until all are done.

use std::{fs, time::Duration};

use shylock_core::{LockManager, Result};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    folder::{Folder, Inside},
    on_each_store, on_stores,
    program::{Part, Stage},
    store::Kind,
};

on_each_store!(work, two_processes);
on_stores! { work, one_process; in_memory: Kind::Memory, }

const JOBS: u32 = 40;
const WORKERS: usize = 6;

async fn two_processes(stage: &Stage) {
    do_all_jobs(stage, 2);
}

async fn one_process(stage: &Stage) {
    do_all_jobs(stage, 1);
}

fn do_all_jobs(stage: &Stage, processes: u32) {
    let mut pools: Vec<_> = (0..processes).map(|process| stage.start(process)).collect();
    for pool in &pools {
        assert_eq!(pool.says(), "ready");
    }
    pools.iter_mut().for_each(|pool| pool.tell("go"));
    for (process, pool) in pools.into_iter().enumerate() {
        let tries: usize = pool.says().parse().expect("a number");
        let report = pool.report();
        let count = |outcome: &str| report.count(&format!("acquisitions_total {outcome}"));
        assert_eq!(count("granted") + count("refused"), tries, "each try was answered: {report:#?}");
        println!("{:?}: process {process} tried {tries} times, refused {}", stage.kind, count("refused"));
    }
    let (done, failed) = (stage.folder().noted("done"), stage.folder().noted("failed"));
    let jobs = |noted: &[String]| {
        let mut jobs: Vec<u32> = noted.iter().map(|line| line[2..].parse().expect("a job")).collect();
        jobs.sort_unstable();
        jobs
    };
    assert_eq!(jobs(&done), (0..JOBS).collect::<Vec<_>>(), "each is done once");
    assert_eq!(jobs(&failed), (0..JOBS).filter(|job| fails_at_first(*job)).collect::<Vec<_>>());
}

const fn fails_at_first(job: u32) -> bool {
    job % 5 == 3
}

async fn work(part: &Part) {
    let manager = part.manager().await;
    part.say("ready");
    part.hear().await;
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let worker = Worker { manager: manager.clone(), label: part.label.clone(), folder: part.folder.clone() };
        workers.spawn(async move { worker.work().await.expect("the store answers") });
    }
    let tries: u32 = workers.join_all().await.into_iter().sum();
    manager.close().await;
    part.say(tries);
}

struct Worker {
    manager: LockManager,
    label: String,
    folder: Folder,
}

struct Failed;

impl Worker {
    /// Takes whatever is to be done and free; answers how often it tried to.
    async fn work(&self) -> Result<u32> {
        let mut tries = 0;
        while (0..JOBS).any(|job| !self.is_done(job)) {
            for job in (0..JOBS).filter(|job| !self.is_done(*job)) {
                tries += 1;
                let Some(guard) = self.manager.lock(format!("jobs/{job}")).try_acquire().await? else { continue };
                // Somebody may have done it in between.
                if self.is_done(job) || self.run(job).await.is_ok() {
                    guard.release().await?;
                }
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(tries)
    }

    fn is_done(&self, job: u32) -> bool {
        self.folder.file(&format!("done-{job}")).exists()
    }

    async fn run(&self, job: u32) -> Result<(), Failed> {
        let note = |what| self.folder.note(&format!("{} {job} {what}", self.label));
        let _inside = Inside::enter(&self.folder.file(&format!("at-{job}"))).expect("nobody else has this job");
        sleep(Duration::from_millis(5)).await;
        let tried = self.folder.file(&format!("tried-{job}"));
        if fails_at_first(job) && !tried.exists() {
            fs::write(tried, "").expect("written");
            note("failed");
            return Err(Failed);
        }
        note("done");
        fs::write(self.folder.file(&format!("done-{job}")), "").expect("written");
        Ok(())
    }
}
