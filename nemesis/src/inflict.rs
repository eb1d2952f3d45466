//! Carries out faults, and notes when they begin and end.

use std::{sync::Arc, time::Duration};

use shylock_proof::history::What;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    Result, clock,
    crew::{Crew, Member},
    ghosts::CALM,
    journal::Journal,
    lab::{Host, NODES, Net, WORKERS, Way},
    plan::{ClientFault, ServerFault, Who},
    set::{Node, Set},
};

/// The longest that the set may need to work again after a fault.
const RECOVERY: Duration = Duration::from_secs(90);

/// What the history calls it when another member is primary after a fault.
pub const FAILOVER: &str = "failover";

/// All that faults can be done to.
#[derive(Debug, Clone)]
pub struct Nemesis {
    /// The wires.
    pub net: Arc<Net>,
    /// Who is asked.
    pub set: Set,
    /// The servers.
    pub nodes: Arc<Mutex<Vec<Node>>>,
    /// The workers, but for the keepers.
    pub workers: Arc<Mutex<Vec<Member>>>,
    /// What the workers have in common.
    pub crew: Crew,
    /// Of the process that runs the others.
    pub journal: Journal,
}

impl Nemesis {
    /// One fault of the servers, and its end: the set works again.
    ///
    /// # Errors
    /// The set does not work again, or a tool failed.
    pub async fn server(&self, fault: ServerFault) -> Result<()> {
        let primary = self.set.healthy(RECOVERY).await?;
        self.begin(fault.kind(), format!("{fault:?}, primary {}", primary + 1));
        let which = |who| match who {
            Who::Primary => primary,
            Who::Secondary(which) => (primary + 1 + usize::from(which)) % NODES.len(),
        };
        match fault {
            ServerFault::Kill(who, down) => {
                self.nodes.lock().await[which(who)].kill()?;
                sleep(down).await;
                self.nodes.lock().await[which(who)].restart()?;
            }
            ServerFault::Pause(who, time) => {
                self.nodes.lock().await[which(who)].pause(true)?;
                sleep(time).await;
                self.nodes.lock().await[which(who)].pause(false)?;
            }
            // An election may fail; the next fault is another try.
            ServerFault::StepUp => drop(self.set.step_up(which(Who::Secondary(0))).await),
            ServerFault::StepDown => drop(self.set.step_down(primary, 2).await),
            ServerFault::Isolate(who, way, time) => {
                let host = NODES[which(who)];
                let others: Vec<Host> = NODES.into_iter().filter(|other| *other != host).collect();
                self.cut(host, &others, way, time).await?;
            }
            ServerFault::Vanish(who, time) => {
                let host = NODES[which(who)];
                let others: Vec<Host> = NODES.into_iter().chain(WORKERS).filter(|other| *other != host).collect();
                self.cut(host, &others, Way::Both, time).await?;
            }
            ServerFault::CutKeepers(way, time) => self.cut(WORKERS[3], &NODES, way, time).await?,
        }
        self.end(fault.kind());
        if self.set.healthy(RECOVERY).await? != primary {
            self.begin(FAILOVER, String::new());
            self.end(FAILOVER);
        }
        Ok(())
    }

    /// One fault of the workers, and its end. `next` is a number for a new worker, `which` picks one.
    ///
    /// # Errors
    /// A tool failed.
    pub async fn client(&self, fault: ClientFault, which: usize, next: u32) -> Result<()> {
        self.begin(fault.kind(), format!("{fault:?}"));
        match fault {
            ClientFault::Cut { host, all, way, time } => {
                let primary = self.set.primary().await.unwrap_or_default();
                self.cut(host, if all { &NODES } else { &NODES[primary..=primary] }, way, time).await?;
            }
            ClientFault::Kill => {
                let mut workers = self.workers.lock().await;
                let which = which % workers.len();
                workers[which].kill()?;
                self.journal.note_of(workers[which].process, clock::now(), "", What::Killed);
                workers[which] = self.crew.start_worker(workers[which].host, next)?;
            }
            ClientFault::Pause(time) => {
                let process = self.pause(which, true).await?;
                sleep(time).await;
                self.resume(process).await?;
            }
            ClientFault::WallClock(seconds) => self.crew.clock.set(seconds * 1_000)?,
            ClientFault::Skew(member, ahead) => self.nodes.lock().await[member].clock().set(ahead)?,
        }
        self.end(fault.kind());
        Ok(())
    }

    /// Nothing gets lost any more.
    ///
    /// # Errors
    /// The proxies cannot be told.
    pub async fn heal(&self) -> Result<()> {
        std::fs::write(self.crew.folder.join("quiet"), "")?;
        self.set.healthy(RECOVERY).await?;
        self.end(CALM);
        self.journal.note("", What::AllHealed);
        Ok(())
    }

    /// Nothing is disturbed any more but what the proxies lose, and the set works.
    ///
    /// # Errors
    /// It does not.
    pub async fn calm(&self) -> Result<()> {
        for host in NODES.into_iter().chain(WORKERS) {
            self.net.heal(host)?;
        }
        for node in self.nodes.lock().await.iter_mut() {
            node.pause(false)?;
            node.restart()?;
        }
        self.set.healthy(RECOVERY).await?;
        self.begin(CALM, String::new());
        Ok(())
    }

    async fn cut(&self, host: Host, others: &[Host], way: Way, time: Duration) -> Result<()> {
        self.net.disturb(host, others, way)?;
        sleep(time).await;
        self.net.heal(host)
    }

    async fn pause(&self, which: usize, paused: bool) -> Result<u32> {
        let workers = self.workers.lock().await;
        let worker = &workers[which % workers.len()];
        self.journal.note_of(worker.process, clock::now(), "", What::Paused);
        worker.pause(paused)?;
        Ok(worker.process)
    }

    /// It may have been killed meanwhile.
    async fn resume(&self, process: u32) -> Result<()> {
        let workers = self.workers.lock().await;
        let Some(worker) = workers.iter().find(|worker| worker.process == process) else { return Ok(()) };
        worker.pause(false)?;
        self.journal.note_of(process, clock::now(), "", What::Resumed);
        Ok(())
    }

    fn begin(&self, kind: &str, detail: String) {
        self.journal.note("", What::Fault { kind: kind.to_owned(), detail });
    }

    fn end(&self, kind: &str) {
        self.journal.note("", What::Healed { kind: kind.to_owned() });
    }
}
