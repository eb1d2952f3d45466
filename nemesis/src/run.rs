//! A run: lab, servers, workers, faults by seed for so long; then peace, and the history.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use shylock_proof::history::Event;
use tokio::{sync::Mutex, time::sleep};

use crate::{
    Result,
    account::{self, Made},
    clock,
    control::Control,
    crew::{Crew, Member},
    dice::Dice,
    inflict::Nemesis,
    journal::{self, Journal},
    lab::{NODES, Net, SkewedClock, WORKERS, inside},
    plan::{ClientFault, ServerFault},
    proxy, resource,
    set::{Node, Set, node::Program},
    worker::DATABASE,
};

/// Workers on each host that is disturbed.
const PER_HOST: u32 = 2;
/// Leases that are kept for the whole run, and their length in milliseconds.
const KEPT: u32 = 20;
const LONG: u64 = 30_000;

/// How long at least only requests and replies get lost, after all other faults.
const CALM: Duration = Duration::from_secs(15);
/// How long nothing gets lost any more before the workers are told to end.
const PEACE: Duration = Duration::from_secs(5);

/// What a run is to be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Where its files go: an empty folder.
    pub folder: PathBuf,
    /// The commit of the program, for the history.
    pub commit: String,
    /// Decides which faults come, and what workers do.
    pub seed: u64,
    /// How long faults come.
    pub time: Duration,
    /// What is wrong on purpose.
    pub control: Option<Control>,
}

/// What became of it.
#[derive(Debug)]
pub struct Outcome {
    /// Everything that happened, in order; the store's own account at the end.
    pub events: Vec<Event>,
    /// The calls that the grants of the store's account were for.
    pub made: Vec<Made>,
    /// Locks that were still held when nobody was there to hold them any more.
    pub left: Vec<String>,
}

/// Makes the run. To be called inside.
///
/// # Errors
/// It could not be made: a tool or the set failed. What the locks did wrong is no error.
pub async fn run(wish: &Wish) -> Result<Outcome> {
    let nemesis = prepare(wish).await?;
    let keepers = begin_work(wish, &nemesis).await?;

    let until = Instant::now() + wish.time;
    tokio::try_join!(
        servers(&nemesis, Dice::new(wish.seed, 1), until),
        clients(&nemesis, Dice::new(wish.seed, 2), until, 1_000),
        clients(&nemesis, Dice::new(wish.seed, 3), until, 1_000_000),
    )?;
    nemesis.calm().await?;
    sleep(CALM.max(wish.time / 60)).await;
    nemesis.heal().await?;
    sleep(PEACE).await;
    end_work(&nemesis, keepers).await?;
    let left = what_is_left().await?;

    let primary = nemesis.set.healthy(Duration::from_secs(60)).await?;
    let mut events = journal::read(&wish.folder)?;
    let end = events.last().map_or(0, |event| event.at + 1);
    let account = account::read(nemesis.set.member(primary), DATABASE).await?;
    events.extend(account.events.into_iter().map(|event| Event { at: end + event.at, ..event }));
    account::tell_hand_offs(&mut events, &account.made);
    Ok(Outcome { events, made: account.made, left })
}

/// Hosts, servers and the resource; no workers yet.
pub(crate) async fn prepare(wish: &Wish) -> Result<Nemesis> {
    inside::furnish()?;
    let net = Arc::new(Net::up()?);
    let program = Program::here()?;
    let nodes: Result<Vec<Node>> =
        NODES.into_iter().map(|host| Node::start(host, &wish.folder, program.clone())).collect();
    let nodes = Arc::new(Mutex::new(nodes?));
    let set = Set::connect().await?;
    set.initiate().await?;
    resource::serve(&wish.folder, wish.control == Some(Control::NoFence))?;
    let clock = SkewedClock::new(&wish.folder.join("workers"))?;
    let crew = Crew { folder: wish.folder.clone(), seed: wish.seed, control: wish.control, clock };
    let journal = Journal::open(&wish.folder, 0)?;
    Ok(Nemesis { net, set, nodes, workers: Arc::default(), crew, journal })
}

/// Starts the proxies and the workers; answers those who only keep, and the proxies, which stay until the end.
async fn begin_work(wish: &Wish, nemesis: &Nemesis) -> Result<Vec<Member>> {
    let mut staying = Vec::new();
    let one_server = wish.control == Some(Control::OneServer);
    for host in WORKERS.into_iter().take(3) {
        let lossy = host == WORKERS[2];
        if lossy || one_server {
            staying.push(proxy(wish, nemesis, host, lossy)?);
        }
    }
    let keepers = nemesis.crew.start_keeper(WORKERS[3], 1, 0..KEPT, LONG)?;
    keepers.says("ready")?;
    if wish.control == Some(Control::Ttl) {
        make_ttl_index(nemesis).await?;
    }
    let mut workers = Vec::new();
    for process in 0..3 * PER_HOST {
        workers.push(nemesis.crew.start_worker(WORKERS[usize::try_from(process % 3)?], 10 + process)?);
    }
    workers.iter().try_for_each(|worker| worker.says("ready"))?;
    *nemesis.workers.lock().await = workers;
    staying.insert(0, keepers);
    Ok(staying)
}

fn proxy(wish: &Wish, nemesis: &Nemesis, host: crate::lab::Host, lossy: bool) -> Result<Member> {
    let mut command = host.command(std::env::current_exe()?.to_str().ok_or("an odd path")?);
    command.arg("proxy").arg("--folder").arg(&wish.folder).args(["--seed", &wish.seed.to_string()]);
    command.args(lossy.then_some("--lossy"));
    command.args((wish.control == Some(Control::OneServer)).then_some("--one-server"));
    let proxy = Member::spawn(host, 0, &mut command)?;
    proxy.says("ready")?;
    for (node, port) in NODES.into_iter().zip(proxy::PORTS) {
        nemesis.net.redirect(host, node, port)?;
    }
    Ok(proxy)
}

async fn make_ttl_index(nemesis: &Nemesis) -> Result<()> {
    let primary = nemesis.set.healthy(Duration::from_secs(60)).await?;
    let index = mongodb::bson::doc! {
        "createIndexes": "shylock_locks",
        "indexes": [{ "key": { "expiresAt": 1 }, "name": "mistake", "expireAfterSeconds": 0 }],
    };
    nemesis.set.member(primary).database(DATABASE).run_command(index).await?;
    Ok(())
}

async fn servers(nemesis: &Nemesis, mut dice: Dice, until: Instant) -> Result<()> {
    while Instant::now() < until {
        nemesis.server(ServerFault::draw(&mut dice)).await?;
        sleep(dice.between(500, 3_000)).await;
    }
    Ok(())
}

/// Numbers of new workers follow `next`, and are never used again.
async fn clients(nemesis: &Nemesis, mut dice: Dice, until: Instant, mut next: u32) -> Result<()> {
    while Instant::now() < until {
        next += 1;
        let which = usize::try_from(dice.below(64))?;
        nemesis.client(ClientFault::draw(&mut dice), which, next).await?;
        sleep(dice.between(500, 4_000)).await;
    }
    Ok(())
}

async fn end_work(nemesis: &Nemesis, mut staying: Vec<Member>) -> Result<()> {
    let mut workers = std::mem::take(&mut *nemesis.workers.lock().await);
    workers.iter_mut().try_for_each(Member::end)?;
    workers.iter().try_for_each(|worker| worker.says("done"))?;
    staying[0].end()?;
    staying[0].says("done")
}

/// Waits for the longest lease of those who were killed.
async fn what_is_left() -> Result<Vec<String>> {
    let manager = shylock_core::LockManager::new(shylock_mongo::MongoBackend::connect(Set::uri(), DATABASE).await?);
    let begin = clock::now();
    loop {
        let held = manager.list("").await?;
        if held.is_empty() || clock::now() - begin > clock::nanoseconds(Duration::from_secs(33)) {
            return Ok(held.into_iter().map(|info| format!("{info:?}")).collect());
        }
        sleep(Duration::from_millis(500)).await;
    }
}
