//! Faults that tests script: which request, where in it, what happens.

mod effect;
mod hooks;
mod matcher;
mod point;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use crate::error::Failure;

pub(crate) use effect::{Effect, Fake};
pub(crate) use hooks::Hooks;
pub(crate) use matcher::{Matcher, Traits};
pub use point::Point;

/// A fault to be. Without a condition it meets every request, once.
#[must_use = "a fault happens only once it is given to the server"]
#[derive(Debug, Clone)]
pub struct Fault {
    point: Point,
    matcher: Matcher,
    skip: u64,
    times: u64,
    effect: Effect,
}

/// A fault that a server knows of.
#[derive(Debug, Clone)]
pub struct FaultHandle {
    scripted: Arc<Scripted>,
}

/// The faults of one server, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    all: Mutex<Vec<Arc<Scripted>>>,
}

pub(crate) struct Scripted {
    fault: Fault,
    met: AtomicU64,
    hits: watch::Sender<u64>,
    gate: watch::Sender<bool>,
}

impl Fault {
    /// At that point nothing happens yet; say what with one of the verbs.
    pub fn at(point: Point) -> Self {
        Self { point, matcher: Matcher::default(), skip: 0, times: 1, effect: Effect::Delay(Duration::ZERO) }
    }

    /// Only requests with that method.
    pub fn on_method(mut self, method: &str) -> Self {
        self.matcher.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path contains this.
    pub fn on_path(mut self, part: &str) -> Self {
        self.matcher.path = Some(part.to_owned());
        self
    }

    /// Only queries whose text contains this.
    pub fn on_query(mut self, part: &str) -> Self {
        self.matcher.query = Some(part.to_owned());
        self
    }

    /// Only queries with that text as a bind value, or as an element or attribute name of one.
    pub fn on_key(mut self, key: &str) -> Self {
        self.matcher.key = Some(key.to_owned());
        self
    }

    /// Only requests to the endpoint with that number.
    pub fn on_endpoint(mut self, endpoint: usize) -> Self {
        self.matcher.endpoint = Some(endpoint);
        self
    }

    /// From the nth matching request on, counted from one.
    pub fn nth(mut self, nth: u64) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// That many times instead of once.
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Every time.
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Waits for so long.
    pub fn delays(mut self, duration: Duration) -> Self {
        self.effect = Effect::Delay(duration);
        self
    }

    /// Waits until [`FaultHandle::resume`].
    pub fn pauses(mut self) -> Self {
        self.effect = Effect::Pause;
        self
    }

    /// Answers with this error. Before the commit nothing is written; after it, everything is.
    pub fn fails(mut self, failure: Failure) -> Self {
        self.effect = Effect::Fail(failure);
        self
    }

    /// Closes the connection instead of answering.
    pub fn closes(mut self) -> Self {
        self.effect = Effect::Reply(Fake::Close);
        self
    }

    /// Closes the connection in the middle of the answer's body.
    pub fn cuts_the_answer(mut self) -> Self {
        self.effect = Effect::Reply(Fake::CutBody);
        self
    }

    /// Answers with something that is not the server's, like a proxy before it.
    pub fn answers(mut self, status: u16, content_type: &str, body: &str) -> Self {
        self.effect = Effect::Reply(Fake::Raw { status, content_type: content_type.to_owned(), body: body.to_owned() });
        self
    }

    /// Answers with the first half of the body and the length of that.
    pub fn truncates_the_answer(mut self) -> Self {
        self.effect = Effect::Reply(Fake::HalfBody);
        self
    }
}

impl FaultHandle {
    /// How often it has happened.
    #[must_use]
    pub fn hits(&self) -> u64 {
        *self.scripted.hits.borrow()
    }

    /// Waits until it has happened so often.
    pub async fn reached(&self, hits: u64) {
        let mut seen = self.scripted.hits.subscribe();
        seen.wait_for(|now| *now >= hits).await.ok();
    }

    /// Lets all go on that it holds, and will hold.
    pub fn resume(&self) {
        self.scripted.gate.send_replace(true);
    }
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) -> FaultHandle {
        let scripted = Arc::new(Scripted {
            fault,
            met: AtomicU64::new(0),
            hits: watch::Sender::new(0),
            gate: watch::Sender::new(false),
        });
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&scripted));
        FaultHandle { scripted }
    }

    /// Takes all back, and lets go on what they hold.
    pub(crate) fn clear(&self) {
        for scripted in self.all.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            scripted.gate.send_replace(true);
        }
    }

    /// The faults that this request will meet.
    pub(crate) fn meet(&self, request: &Traits<'_>) -> Hooks {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        Hooks::new(all.iter().filter(|scripted| scripted.meets(request)).map(Arc::clone).collect())
    }
}

impl Scripted {
    fn meets(&self, request: &Traits<'_>) -> bool {
        let Fault { matcher, skip, times, .. } = &self.fault;
        if !matcher.matches(request) {
            return false;
        }
        let met = self.met.fetch_add(1, Ordering::SeqCst);
        met >= *skip && met - skip < *times
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}
