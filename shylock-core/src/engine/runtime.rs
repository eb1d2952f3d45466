//! Where the engine's tasks run: on the runtime on which the manager was made, if it has timers, or on a thread of its own.

use std::{
    future::Future,
    io,
    panic::catch_unwind,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{runtime::Handle, sync::oneshot, time::sleep};

use crate::{observe, process::Process};

/// The runtime of one manager. It works from any thread and never panics: on a runtime that has ended, a spawned
/// future is dropped at once.
#[derive(Debug)]
pub(crate) struct Runtime {
    process: Process,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Shared(Handle),
    Own(OnceLock<Option<OwnThread>>),
}

impl Runtime {
    /// The runtime of the caller where there is one with timers, else a thread of its own.
    pub(crate) fn current_or_own() -> Self {
        match Handle::try_current() {
            Ok(handle) if has_timers() => Self::on(Place::Shared(handle)),
            Ok(_) => {
                observe::no_timers();
                Self::own()
            }
            Err(_) => Self::own(),
        }
    }

    /// A thread of its own, started with the first task.
    pub(crate) fn own() -> Self {
        Self::on(Place::Own(OnceLock::new()))
    }

    fn on(place: Place) -> Self {
        Self { process: Process::this(), place }
    }

    /// The process whose runtime it is.
    pub(crate) const fn process(&self) -> Process {
        self.process
    }

    pub(crate) fn is_of_another_process(&self) -> bool {
        self.process.is_another()
    }

    /// Whether it runs no task any more. Tokio tells it only by dropping a task.
    pub(crate) fn has_ended(&self) -> bool {
        let ran = Arc::new(AtomicBool::new(false));
        let run = Arc::clone(&ran);
        self.spawn(async move { run.store(true, Ordering::Relaxed) });
        // The last owner sees what the task did before it was dropped; a mere look at the count would not.
        Arc::into_inner(ran).is_some_and(|ran| !ran.into_inner())
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if self.is_of_another_process() {
            return;
        }
        match &self.place {
            Place::Shared(handle) => drop(handle.spawn(task)),
            Place::Own(thread) => {
                if let Some(thread) = thread.get_or_init(|| OwnThread::start().inspect_err(observe::no_thread).ok()) {
                    drop(thread.handle.spawn(task));
                }
            }
        }
    }
}

/// Whether the current runtime has timers. Tokio says so only by a panic, which goes no further than this.
fn has_timers() -> bool {
    catch_unwind(|| drop(sleep(Duration::ZERO))).is_ok()
}

/// A thread that drives a runtime until this value is dropped.
#[derive(Debug)]
pub(crate) struct OwnThread {
    handle: Handle,
    _until_dropped: oneshot::Sender<()>,
}

impl OwnThread {
    fn start() -> io::Result<Self> {
        // Also I/O, where tokio has it in this build: some stores connect with a call.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (until_dropped, dropped) = oneshot::channel();
        thread::Builder::new().name("shylock".into()).spawn(move || runtime.block_on(dropped))?;
        Ok(Self { handle, _until_dropped: until_dropped })
    }
}
