//! Where the engine's tasks run: on the runtime on which the manager was made, or on a thread of its own.

use std::{future::Future, io, sync::OnceLock, thread};

use tokio::{runtime::Handle, sync::oneshot};

/// The runtime of one manager. It works from any thread and never panics: on a runtime that has ended, a spawned
/// future is dropped at once.
#[derive(Debug)]
pub(crate) enum Runtime {
    Shared(Handle),
    Own(OnceLock<Option<OwnThread>>),
}

impl Runtime {
    /// The runtime of the caller where there is one, else a thread of its own.
    pub(crate) fn current_or_own() -> Self {
        Handle::try_current().map_or_else(|_| Self::own(), Self::Shared)
    }

    /// A thread of its own, started with the first task.
    pub(crate) fn own() -> Self {
        Self::Own(OnceLock::new())
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Shared(handle) => drop(handle.spawn(task)),
            Self::Own(thread) => {
                if let Some(thread) = thread.get_or_init(|| OwnThread::start().inspect_err(warn).ok()) {
                    drop(thread.handle.spawn(task));
                }
            }
        }
    }
}

/// A thread that drives a runtime until this value is dropped.
#[derive(Debug)]
pub(crate) struct OwnThread {
    handle: Handle,
    _until_dropped: oneshot::Sender<()>,
}

impl OwnThread {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let handle = runtime.handle().clone();
        let (until_dropped, dropped) = oneshot::channel();
        thread::Builder::new().name("shylock".into()).spawn(move || runtime.block_on(dropped))?;
        Ok(Self { handle, _until_dropped: until_dropped })
    }
}

fn warn(error: &io::Error) {
    tracing::error!(%error, "no thread could be started for the lock manager");
}
