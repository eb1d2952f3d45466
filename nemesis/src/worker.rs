//! A process that uses locks, and writes down what it sees. It ends when it is told to on stdin, after it has given
//! back what it holds.

mod hold;
mod keep;
mod nonce;
mod use_locks;

use std::{
    ops::{ControlFlow, Range},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

pub use keep::KEPT;

use shylock_core::{Backend, LockManager};
use shylock_mongo::MongoBackend;
use shylock_proof::history::What;
use shylock_tests::watch_naps;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::watch,
    task::JoinSet,
};

use crate::{Result, clock, control::Control, dice::Dice, journal::Journal, set::Set};

/// The database of a run.
pub const DATABASE: &str = "nemesis";
/// The locks that all workers want, and the length of their leases in milliseconds. Short ones are lost in each
/// fail-over, long ones in none.
pub const LOCKS: [(&str, u64); 10] = [
    ("a", 1_000),
    ("b", 1_500),
    ("c", 2_000),
    ("d", 2_000),
    ("e", 3_000),
    ("f", 4_000),
    ("g", 5_000),
    ("h", 8_000),
    ("i", 15_000),
    ("j", 30_000),
];
/// The tasks of a worker.
const TASKS: u64 = 12;

/// What a worker is told at its start.
#[derive(Debug, Clone)]
pub struct Orders {
    /// The folder of the run.
    pub folder: PathBuf,
    /// Its number in the history.
    pub process: u32,
    /// What it does is decided by this.
    pub seed: u64,
    /// It keeps the locks of these numbers for the whole run, and does nothing else; none: it uses locks.
    pub keeps: Range<u32>,
    /// The length of the leases that it keeps, in milliseconds.
    pub ttl: u64,
    /// What is wrong on purpose.
    pub control: Option<Control>,
}

/// What the tasks of a worker share.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    orders: Orders,
    journal: Journal,
    manager: LockManager,
    calls: Arc<std::sync::atomic::AtomicU64>,
    /// Turns true when the run is over.
    over: watch::Receiver<bool>,
}

/// Works until it is told to end.
///
/// # Errors
/// It cannot begin.
pub async fn work(orders: Orders) -> Result<()> {
    let journal = Journal::open(&orders.folder, orders.process)?;
    note_panics(&journal);
    note_stalls(&journal);
    let manager =
        LockManager::builder_from(backend(orders.control).await?).label(format!("w{}", orders.process)).build()?;
    let (tell, over) = watch::channel(false);
    let worker = Worker { manager, journal: journal.clone(), calls: Arc::default(), over, orders };
    worker.note_use()?;
    let mut tasks = JoinSet::new();
    for number in worker.orders.keeps.clone() {
        tasks.spawn(keep::lease(worker.clone(), number));
    }
    if worker.orders.keeps.is_empty() {
        for number in 0..TASKS {
            let dice = Dice::new(worker.orders.seed, number + u64::from(worker.orders.process) * 1_000);
            tasks.spawn(use_locks::task(worker.clone(), dice));
        }
    }
    println!("ready");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    // A line, or the end of whoever gives orders.
    drop(orders.next_line().await);
    tell.send_replace(true);
    while tasks.join_next().await.is_some() {}
    worker.manager.close().await;
    worker.note_use()?;
    println!("done");
    Ok(())
}

async fn backend(control: Option<Control>) -> Result<Arc<dyn Backend>> {
    let mut pause = Duration::from_millis(50);
    // A worker may be started in the middle of a fault.
    let backend = loop {
        match MongoBackend::connect(Set::uri(), DATABASE).await {
            Ok(backend) => break backend,
            Err(error) if pause > Duration::from_secs(5) => return Err(error.into()),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = pause * 5 / 4;
    };
    Ok(match control {
        Some(Control::NoNonce) => Arc::new(nonce::Forgetful::new(backend)),
        _ => Arc::new(backend),
    })
}

impl Worker {
    fn next(&self) -> u64 {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    fn took(&self, lock: &str, call: &str, limit: Duration, since: u64) {
        let (limit, time) = (clock::nanoseconds(limit), clock::now() - since);
        self.journal.note(lock, What::Took { call: call.to_owned(), limit, time });
    }

    /// What this process has in use, by the system's account.
    fn note_use(&self) -> Result<()> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let number = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        let files = u64::try_from(std::fs::read_dir("/proc/self/fd")?.count())?;
        let sockets = std::fs::read_dir("/proc/self/fd")?.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        let connections = u64::try_from(sockets.filter(|to| to.to_string_lossy().starts_with("socket:")).count())?;
        let uses = What::Uses { tasks: number("Threads:"), connections, files, resident: number("VmRSS:") * 1024 };
        self.journal.note("", uses);
        Ok(())
    }
}

/// Notes when the machine has no time for this process, which no library can help.
fn note_stalls(journal: &Journal) {
    const LATE: Duration = Duration::from_millis(3);
    let journal = journal.clone();
    watch_naps(move |late| {
        if late > LATE {
            journal.note("", What::Stalled { time: clock::nanoseconds(late) });
        }
        ControlFlow::Continue(())
    });
}

fn note_panics(journal: &Journal) {
    let (journal, usual) = (journal.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        journal.note("", What::Panicked { message: panic.to_string() });
        usual(panic);
    }));
}
