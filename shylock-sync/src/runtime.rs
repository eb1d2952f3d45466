//! The one runtime of all blocking calls, on a thread of its own. Nothing else in this crate knows tokio.
//!
//! The caller's thread only ever waits on a channel, or on a signal of its own: it may be any thread, also one that
//! runs async code.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    io,
    pin::pin,
    process,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{self as channel, Receiver, RecvTimeoutError},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use shylock_core::PerProcess;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::mpsc,
    task::{AbortHandle, unconstrained},
};
use tracing::Instrument;

/// What blocking tasks of the runtime get to end in, such as a name that is being looked up.
const LAST_TASKS: Duration = Duration::from_secs(1);

static RUNNING: PerProcess<Mutex<Option<Running>>> = PerProcess::new();

thread_local! {
    /// The process whose runtime this thread drives, if it does.
    static DRIVES: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The runtime as long as it runs.
#[derive(Debug)]
struct Running {
    handle: Handle,
    /// `None` while it ends: calls still go to it, and end with it, so that none of them starts another.
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    /// The thread ends when all clones of it are gone.
    needed: mpsc::Sender<Infallible>,
    ended: Receiver<Infallible>,
    thread: JoinHandle<()>,
}

/// A call under way on the runtime. Dropping it cancels the call.
#[derive(Debug)]
pub(crate) struct Call<T> {
    answer: Receiver<T>,
    task: Option<AbortHandle>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Answer(T),
    NotYet,
    /// It was dropped with the runtime.
    Gone,
}

/// Runs a future to its end, in the context of the runtime that this crate's calls use: what it spawns, and the
/// connections that it makes, go on working after it, until [`shutdown`](crate::shutdown).
///
/// The future is polled on the caller's thread, so that it need neither be `Send` nor `'static`, and this may be
/// called in async code, too: it then blocks the thread, as the caller chose.
///
/// A future that needs another runtime, such as an acquisition on a manager that was made there, waits for ever if that
/// runtime waits for this call. [`Lock`](crate::Lock) finds that out.
///
/// # Panics
/// No thread can be started; the caller is a task that was itself spawned on this runtime, which would wait for
/// itself; or a destructor of a thread's locals, after those of tokio are gone.
///
/// # Examples
/// ```
/// assert_eq!(shylock_sync::block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    assert!(!is_own_thread(), "`block_on` was called on the runtime's own thread, which would wait for itself");
    let (handle, _needed) = alive().expect("the thread of the blocking calls can be started");
    let _context = handle.enter();
    // Without it, a caller who is a task itself would run out of its budget, and never get another.
    drive(unconstrained(future))
}

/// Runs a future that needs no runtime to its end, on this thread.
pub(crate) fn drive<F: Future>(future: F) -> F::Output {
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        signal.wait();
    }
}

/// Starts a call on the runtime.
pub(crate) fn call<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> io::Result<Call<T>> {
    let (tell, answer) = channel::sync_channel(1);
    // The answer of a call that nobody waits for any more is dropped, and so what it acquired is released.
    let work = async move { drop(tell.send(work.await)) }.in_current_span();
    let mut slot = slot();
    let running = match slot.take() {
        Some(running) => running,
        None => Running::start()?,
    };
    let task = slot.insert(running).handle.spawn(work).abort_handle();
    Ok(Call { answer, task: Some(task) })
}

/// Runs something that looks for the current runtime.
pub(crate) fn within<T>(make: impl FnOnce() -> T) -> T {
    let alive = alive().ok();
    let _context = alive.as_ref().map(|(handle, _)| handle.enter());
    make()
}

/// Whether this is the thread that drives the runtime: it must not wait for a call.
pub(crate) fn is_own_thread() -> bool {
    DRIVES.try_with(Cell::get).is_ok_and(|driven| driven.is_some_and(|of| of == process::id()))
}

/// Whether there is a runtime: no thread has to be started for a call.
pub(crate) fn is_running() -> bool {
    slot().is_some()
}

/// Ends the runtime and its thread. Says whether both are gone within the limit.
pub(crate) fn end(limit: Duration) -> bool {
    let Some(Life { needed, ended, thread }) = slot().as_mut().and_then(|running| running.life.take()) else {
        return true;
    };
    drop(needed);
    let gone = ended.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected);
    // Unless a new one has taken its place.
    drop(slot().take_if(|running| running.life.is_none()));
    gone && thread.join().is_ok()
}

impl<T> Call<T> {
    /// Waits for the answer, no longer than this.
    pub(crate) fn within(&self, limit: Duration) -> Outcome<T> {
        match self.answer.recv_timeout(limit) {
            Ok(answer) => Outcome::Answer(answer),
            Err(RecvTimeoutError::Timeout) => Outcome::NotYet,
            Err(RecvTimeoutError::Disconnected) => Outcome::Gone,
        }
    }

    /// Lets it go on without anybody waiting.
    pub(crate) fn leave(mut self) {
        self.task = None;
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Runs something on a thread, as synchronous programs do, and waits for it as async ones do.
///
/// # Panics
/// It has panicked.
#[cfg(feature = "conformance")]
pub(crate) fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> + Send {
    let (tell, told) = tokio::sync::oneshot::channel();
    thread::spawn(move || drop(tell.send(work())));
    async { told.await.expect("the thread came to its end") }
}

fn slot() -> MutexGuard<'static, Option<Running>> {
    RUNNING.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime of this process that lives as long as the second value: started with its first use, and anew while the
/// one before ends.
fn alive() -> io::Result<(Handle, mpsc::Sender<Infallible>)> {
    let mut slot = slot();
    if let Some(Running { handle, life: Some(life) }) = &*slot {
        return Ok((handle.clone(), life.needed.clone()));
    }
    let Running { handle, life } = slot.insert(Running::start()?);
    let needed = life.as_ref().map(|life| life.needed.clone());
    needed.map(|needed| (handle.clone(), needed)).ok_or_else(|| io::ErrorKind::Other.into())
}

impl Running {
    fn start() -> io::Result<Self> {
        let (needed, until) = mpsc::channel(1);
        let (begin, begun) = channel::channel();
        let (ending, ended) = channel::channel();
        // Made on its thread, where it can be dropped, too: a thread of async code must not drop a runtime.
        let drive = move || {
            let runtime = Builder::new_current_thread().enable_all().thread_name("shylock-sync-pool").build();
            match runtime {
                Err(error) => drop(begin.send(Err(error))),
                Ok(runtime) => {
                    drop(begin.send(Ok(runtime.handle().clone())));
                    run(runtime, until, ending);
                }
            }
        };
        let thread = thread::Builder::new().name("shylock-sync".into()).spawn(drive)?;
        let handle = begun.recv().map_err(io::Error::other)??;
        Ok(Self { handle, life: Some(Life { needed, ended, thread }) })
    }
}

fn run(runtime: Runtime, mut until: mpsc::Receiver<Infallible>, ending: channel::Sender<Infallible>) {
    DRIVES.set(Some(process::id()));
    runtime.block_on(until.recv());
    runtime.shutdown_timeout(LAST_TASKS);
    drop(ending);
}

/// What a future wakes. Not `thread::park`, whose token another future on the same thread could take.
#[derive(Debug, Default)]
struct Signal {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    fn wait(&self) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = self.changed.wait_while(woken, |woken| !*woken);
        *woken.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}
