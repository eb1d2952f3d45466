//! Telling a synchronous holder that its lease is lost.

use std::{
    future::Future,
    pin::Pin,
    thread,
    time::{Duration, Instant},
};

use shylock_core::{AsyncLockGuard, Error, Loss, LossReason};

use crate::runtime::{self, Call, Outcome};

/// A lease that has almost ended is looked at again after this.
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
    assert!(!runtime::is_own_thread(), "a loss was waited for on the thread that renews all leases");
    let since = Instant::now();
    let mut told = None;
    loop {
        if let Some(loss) = loss_of(guard) {
            return Some(loss);
        }
        let left = timeout.saturating_sub(since.elapsed());
        if left.is_zero() {
            return None;
        }
        let pause = guard.remaining().max(SHORTEST_WAIT).min(left);
        match told.take().map_or_else(|| runtime::call(guard.lost()), Ok) {
            Ok(call) => match call.within(pause) {
                Outcome::Answer(loss) => return Some(loss),
                Outcome::NotYet => told = Some(call),
                // With the runtime of the lease, which is to say so a moment later; or only our own has ended.
                Outcome::Gone if guard.manager().has_stopped() => return Some(LossReason::Stopped.into()),
                Outcome::Gone => thread::sleep(SHORTEST_WAIT),
            },
            // No thread can be started: the clock is all there is.
            Err(_) => thread::sleep(pause),
        }
    }
}

fn loss_of(guard: &AsyncLockGuard) -> Option<Loss> {
    match guard.ensure_held() {
        Err(Error::Lost { reason }) => Some(reason.into()),
        _ => None,
    }
}

pub(crate) fn alarm(guard: &AsyncLockGuard, call: impl FnOnce(Loss) + Send + 'static) {
    let mut alarm = Alarm { armed: Some(Armed { lost: Box::pin(guard.lost()), call: Box::new(call) }) };
    if let Some(loss) = loss_of(guard) {
        return alarm.go_off(move |_| loss);
    }
    let watch = runtime::call(async move {
        let Some(armed) = &mut alarm.armed else { return };
        match armed.lost.as_mut().await {
            Loss { reason: LossReason::Released, .. } => drop(alarm.armed.take()),
            loss => alarm.go_off(move |_| loss),
        }
    });
    // Where no thread can be started, the alarm was dropped, and tries to go on by itself.
    watch.into_iter().for_each(Call::leave);
}

/// One that is dropped unheard, as its task is with the runtime, goes on on a thread.
struct Alarm {
    armed: Option<Armed>,
}

struct Armed {
    lost: Pin<Box<dyn Future<Output = Loss> + Send>>,
    call: Box<dyn FnOnce(Loss) + Send>,
}

impl Alarm {
    /// Calls on a thread, where it may take its time.
    fn go_off(&mut self, loss: impl FnOnce(Pin<Box<dyn Future<Output = Loss> + Send>>) -> Loss + Send + 'static) {
        let Some(Armed { lost, call }) = self.armed.take() else { return };
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
        self.go_off(runtime::drive);
    }
}
