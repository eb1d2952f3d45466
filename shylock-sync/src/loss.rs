//! Telling a synchronous holder that its lease is lost.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
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
    let mut alarm = Alarm { lost: Box::pin(guard.lost()), call: Some(Box::new(call)) };
    runtime::call(async move {
        let loss = alarm.lost.as_mut().await;
        alarm.tell(loss);
    })
    .leave();
}

/// Goes off also when its task is dropped with the runtime: nobody renews the lease then.
struct Alarm {
    lost: Pin<Box<dyn Future<Output = Loss> + Send>>,
    call: Option<Box<dyn FnOnce(Loss) + Send>>,
}

impl Alarm {
    fn tell(&mut self, loss: Loss) {
        let Some(call) = self.call.take() else { return };
        if loss.reason == LossReason::Released {
            return;
        }
        let started = thread::Builder::new().name("shylock-lost".into()).spawn(move || call(loss));
        if let Err(error) = started {
            tracing::error!(%error, "no thread could be started to tell of a lost lease");
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.call.is_none() {
            return;
        }
        let loss = match self.lost.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(loss) => loss,
            Poll::Pending => LossReason::Stopped.into(),
        };
        self.tell(loss);
    }
}
