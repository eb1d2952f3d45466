//! The faults of one request.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::time;

use crate::error::Failure;

use super::{Effect, Fake, Point, Scripted};

#[derive(Debug, Default)]
pub(crate) struct Hooks {
    armed: Vec<Armed>,
    fake: Mutex<Option<Fake>>,
}

#[derive(Debug)]
struct Armed {
    scripted: Arc<Scripted>,
    done: AtomicBool,
}

impl Hooks {
    pub(super) fn new(scripted: Vec<Arc<Scripted>>) -> Self {
        let armed = scripted.into_iter().map(|scripted| Armed { scripted, done: AtomicBool::new(false) });
        Self { armed: armed.collect(), fake: Mutex::default() }
    }

    /// Lets the faults of this point happen, each once. An error ends the request; where it has
    /// to look like no error of the server's, [`Hooks::fake`] says how.
    pub(crate) async fn reach(&self, point: Point) -> Result<(), Failure> {
        for Armed { scripted, done } in &self.armed {
            if scripted.fault.point != point || done.swap(true, Ordering::SeqCst) {
                continue;
            }
            scripted.hits.send_modify(|hits| *hits += 1);
            match &scripted.fault.effect {
                Effect::Delay(duration) => time::sleep(*duration).await,
                Effect::Pause => {
                    scripted.gate.subscribe().wait_for(|open| *open).await.ok();
                }
                Effect::Fail(failure) => return Err(failure.clone()),
                Effect::Reply(fake) => {
                    *self.fake.lock().unwrap_or_else(PoisonError::into_inner) = Some(fake.clone());
                    if fake.ends_the_request() {
                        return Err(Failure::of(4));
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) fn fake(&self) -> Option<Fake> {
        self.fake.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
