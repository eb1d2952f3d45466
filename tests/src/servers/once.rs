//! Work that is done once per key and process, whoever asks first.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::{failure::Result, runtime};

/// What was made for each key. A failure is kept as well: each test fails with it, and none waits for another one.
pub(crate) struct Once<K, V>(LazyLock<Mutex<HashMap<K, Cell<V>>>>);

type Cell<V> = Arc<OnceCell<Result<V>>>;

impl<K: Eq + Hash + Send, V: Clone + Send + Sync + 'static> Once<K, V> {
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    /// What is there for this key, or what `make` makes on the servers' runtime.
    pub(crate) async fn get(&self, key: K, make: impl Future<Output = Result<V>> + Send + 'static) -> Result<V> {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        cell.get_or_init(|| runtime::run(make)).await.clone()
    }
}
