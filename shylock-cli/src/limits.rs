//! Whether the system gives this process the threads and files that it needs: what is refused later, in the middle of
//! something, cannot be reported well.

use std::{io, thread};

use nix::{fcntl::OFlag, unistd::pipe2};

use crate::failure::Failure;

/// The runtime's, those of a store, and those that resolve names.
const THREADS: usize = 8;
/// The runtime's, those of a store, and the pipes to helpers.
const FILES: usize = 32;

pub(crate) fn check() -> Result<(), Failure> {
    threads(THREADS).map_err(|error| {
        Failure::system(&format!("this process may not have {THREADS} threads more"), &error)
            .with_hint("look at ulimit -u, and at the limits of the service or container (TasksMax, pids)")
    })?;
    files(FILES).map_err(|error| {
        Failure::system(&format!("this process may not open {FILES} files more"), &error).with_hint("look at ulimit -n")
    })
}

/// Starts so many at a time, and ends them.
fn threads(count: usize) -> io::Result<()> {
    thread::scope(|scope| {
        let mut threads = Vec::new();
        let outcome = (0..count).try_for_each(|_| {
            threads.push(thread::Builder::new().spawn_scoped(scope, thread::park)?);
            Ok(())
        });
        threads.iter().for_each(|thread| thread.thread().unpark());
        outcome
    })
}

fn files(count: usize) -> io::Result<()> {
    let pipes: Result<Vec<_>, _> = (0..count.div_ceil(2)).map(|_| pipe2(OFlag::O_CLOEXEC)).collect();
    Ok(pipes.map(drop)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_process_has_enough() {
        assert!(check().is_ok());
    }
}
