//! Telling a synchronous holder that its lease is lost.

use std::{
    future::Future,
    pin::Pin,
    thread,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, Error, Loss, LossReason};

use crate::runtime::{self, Outcome};

/// Between two looks at a lease that nobody tells the end of.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

pub(crate) fn wait(guard: &AsyncLockGuard) -> Loss {
    loop {
        if let Some(loss) = wait_for(guard, Duration::MAX) {
            return loss;
        }
    }
}

/// Waits to be told, and looks at the local deadline besides: it holds whatever the runtime does.
pub(crate) fn wait_for(guard: &AsyncLockGuard, timeout: Duration) -> Option<Loss> {
    let since = Instant::now();
    let mut told = runtime::call(guard.lost());
    loop {
        if let Err(Error::Lost { reason }) = guard.ensure_held() {
            return Some(reason.into());
        }
        let left = timeout.saturating_sub(since.elapsed());
        if left.is_zero() {
            return None;
        }
        match told.within(guard.remaining().max(SHORTEST_WAIT).min(left)) {
            Outcome::Answer(loss) => return Some(loss),
            Outcome::NotYet => {}
            Outcome::Gone => {
                // The runtime has ended, but not the one of this lease; or none can be started.
                thread::sleep(SHORTEST_WAIT);
                told = runtime::call(guard.lost());
            }
        }
    }
}

pub(crate) fn alarm(guard: &AsyncLockGuard, call: impl FnOnce(Loss) + Send + 'static) {
    let mut alarm = Alarm(Some((Box::pin(guard.lost()), Box::new(call))));
    runtime::call(async move {
        if let Some((lost, _)) = &mut alarm.0 {
            match lost.await {
                Loss { reason: LossReason::Released, .. } => drop(alarm.0.take()),
                loss => alarm.tell(move |_| loss),
            }
        }
    })
    .leave();
}

type Lost = Pin<Box<dyn Future<Output = Loss> + Send>>;
type Call = Box<dyn FnOnce(Loss) + Send>;

/// One that is dropped unheard, as its task is with the runtime, goes on on a thread.
struct Alarm(Option<(Lost, Call)>);

impl Alarm {
    /// Calls on a thread, where it may take its time.
    fn tell(&mut self, loss: impl FnOnce(Lost) -> Loss + Send + 'static) {
        let Some((lost, call)) = self.0.take() else { return };
        let tell = move || {
            let loss = loss(lost);
            if loss.reason != LossReason::Released {
                call(loss);
            }
        };
        if let Err(error) = thread::Builder::new().name("shylock-lost".into()).spawn(tell) {
            tracing::error!(%error, "no thread could be started to tell of a lost lease");
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.tell(runtime::drive);
    }
}
