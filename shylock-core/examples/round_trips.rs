//! Acquires and releases a lock in memory so many times, the same each time, and does nothing else: for counting
//! instructions, as `PERFORMANCE.md` tells.

use shylock_core::{LockManager, MemoryBackend, simulation::Simulation};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let times: u32 = std::env::args().nth(1).ok_or("how many times?")?.parse()?;
    let _simulation = Simulation::with_seed(1);
    let lock = LockManager::new(MemoryBackend::new()).lock("invoice-42");
    for _ in 0..times {
        lock.acquire().await?.release().await?;
    }
    Ok(())
}
