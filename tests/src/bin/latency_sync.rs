//! A free acquire + release by blocking calls beside the same by async ones: `latency_sync [URI] [ROUNDS]`.
//!
//! In turns on the same store, so that both see it at the same time: first in memory, then on MongoDB. Build with
//! `--release`.

use std::{
    env,
    time::{Duration, Instant},
};

use shylock_mongo::{
    AsyncLock, Backend, LockManager, MemoryBackend, MongoBackend,
    sync::{self, Lock, block_on},
};
use shylock_tests::{Mongo, percentile};
use tokio::runtime::Runtime;

const DATABASE: &str = "shylock_latency";
/// For the caches.
const FIRST_ROUNDS: u32 = 100;

fn main() {
    let mut arguments = env::args().skip(1);
    let runtime = Runtime::new().expect("a runtime");
    let uri = arguments.next().unwrap_or_else(|| runtime.block_on(Mongo::replica_set(1)).uri());
    let rounds: u32 = arguments.next().map_or(2000, |rounds| rounds.parse().expect("a number"));
    println!("{rounds} rounds in turns, free acquire + release, in microseconds");
    println!("{:36} {:>7} {:>7}", "", "p50", "p99");

    let memory = MemoryBackend::new();
    compare("in memory", &runtime, memory.clone(), memory, rounds * 10);
    let connect = || async { MongoBackend::connect(&uri, DATABASE).await.expect("connected") };
    compare("on MongoDB", &runtime, runtime.block_on(connect()), block_on(connect()), rounds);
}

fn compare(store: &str, runtime: &Runtime, for_async: impl Backend, for_sync: impl Backend, rounds: u32) {
    let async_lock = runtime.block_on(async { LockManager::new(for_async) }).lock("measured");
    let sync_lock = sync::LockManager::new(for_sync).lock("measured");
    let (mut tasks, mut mains, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + FIRST_ROUNDS {
        let in_a_task = runtime.block_on(runtime.spawn(by_async(async_lock.clone()))).expect("no panic");
        let in_main = runtime.block_on(by_async(async_lock.clone()));
        let in_a_thread = by_sync(&sync_lock);
        if round >= FIRST_ROUNDS {
            tasks.push(in_a_task);
            mains.push(in_main);
            threads.push(in_a_thread);
        }
    }
    for (how, times) in [
        ("async, in a task", &mut tasks),
        ("async, in the main function", &mut mains),
        ("blocking, in a thread", &mut threads),
    ] {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let (p50, p99) = (micros(percentile(times, 50)), micros(percentile(times, 99)));
        println!("{:36} {p50:7.1} {p99:7.1}", format!("{store}: {how}"));
    }
    for (against, times) in [("a task", &mut tasks), ("the main function", &mut mains)] {
        let [p50, p99] = [50, 99]
            .map(|percent| percentile(&mut threads, percent).as_secs_f64() / percentile(times, percent).as_secs_f64());
        println!("{:36} {p50:7.2} {p99:7.2}", format!("  ratio to {against}"));
    }
}

async fn by_async(lock: AsyncLock) -> Duration {
    let since = Instant::now();
    lock.acquire().await.expect("acquired").release().await.expect("released");
    since.elapsed()
}

fn by_sync(lock: &Lock) -> Duration {
    let since = Instant::now();
    lock.acquire().expect("acquired").release().expect("released");
    since.elapsed()
}
