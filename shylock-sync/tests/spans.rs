//! A thread's span is around what the engine does for it, in whatever thread that is.

use std::sync::{Arc, Mutex};

use shylock_core::{LockManager, MemoryBackend};
use shylock_sync::Lock;
use tracing::{
    Subscriber,
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt, registry::LookupSpan};

/// The spans around each `acquire`, and its own name.
#[derive(Default, Clone)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() == "acquire" {
            let scope = context.span_scope(id).expect("it is open").from_root();
            let path = scope.map(|span| span.name()).collect::<Vec<_>>().join(" > ");
            self.0.lock().expect("no panic in here").push(path);
        }
    }
}

#[test]
fn a_blocking_call_is_seen_in_the_span_of_its_thread() {
    let seen = Seen::default();
    let layers = tracing_subscriber::registry().with(seen.clone());
    tracing::subscriber::set_global_default(layers).expect("the only test in here");
    let manager = LockManager::new(MemoryBackend::new());
    let lock = Lock::from(manager.lock("x"));
    tracing::info_span!("nightly_job").in_scope(|| drop(lock.acquire().expect("granted")));
    drop(lock.try_acquire().expect("an answer").expect("granted"));
    assert_eq!(*seen.0.lock().expect("no panic in here"), ["nightly_job > acquire", "acquire"]);
}
