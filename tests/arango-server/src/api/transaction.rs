//! Stream transactions: a snapshot, and the locks of keys, that outlive a request.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};
use tokio::{sync::Notify, time};

use crate::{
    error::Failure,
    http::Response,
    server::Endpoint,
    settings::Settings,
    store::{Access, Begin, Transaction},
};

use super::Scope;

/// All of a server, by their ids.
#[derive(Debug)]
pub(crate) struct Transactions {
    all: Mutex<HashMap<String, State>>,
    /// One is free for the next request.
    freed: Notify,
    /// How long one may be idle.
    idle: Duration,
    /// How long a request waits for another one of the same transaction.
    wait: Duration,
}

#[derive(Debug)]
enum State {
    /// And since when it is idle.
    Running(Box<Transaction>, Instant),
    /// A query of it is being carried out.
    Busy,
    Committed,
    Aborted,
}

impl Transactions {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { stream_idle: idle, stream_wait: wait, .. } = *settings;
        Self { all: Mutex::default(), freed: Notify::new(), idle, wait }
    }

    /// For a query of it; to be [put back](Self::put_back). One whose query fails is aborted by being dropped. Waits
    /// for another request that has it.
    pub(crate) async fn take(&self, id: &str) -> Result<Transaction, Failure> {
        let deadline = time::Instant::now() + self.wait;
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            freed.as_mut().enable();
            match self.try_take(id) {
                Err(failure) if failure.number == 28 && time::timeout_at(deadline, freed).await.is_ok() => {}
                taken => return taken,
            }
        }
    }

    fn try_take(&self, id: &str) -> Result<Transaction, Failure> {
        let mut all = self.all();
        let state = all.get_mut(id).ok_or_else(|| Failure::of(1655))?;
        match std::mem::replace(state, State::Busy) {
            State::Running(transaction, _) => Ok(*transaction),
            State::Busy => Err(Failure::of(28)),
            ended => {
                *state = ended;
                Err(Failure::of(1654))
            }
        }
    }

    pub(crate) fn put_back(&self, id: &str, transaction: Option<Transaction>) {
        let running = |transaction| State::Running(Box::new(transaction), Instant::now());
        self.end(id, transaction.map_or(State::Aborted, running));
    }

    /// Aborts all of them.
    pub(crate) fn clear(&self) {
        self.all().clear();
    }

    /// Aborts those that have been idle for too long. Until then nobody else gets their locks.
    pub(crate) fn expire(&self) {
        for state in self.all.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            if matches!(state, State::Running(_, since) if since.elapsed() >= self.idle) {
                *state = State::Aborted;
            }
        }
    }

    fn end(&self, id: &str, state: State) {
        self.all().insert(id.to_owned(), state);
        self.freed.notify_waiters();
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.expire();
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn begin(scope: &Scope<'_>) -> Result<Response, Failure> {
    let Scope { endpoint, request, hooks, .. } = *scope;
    let body = request.json()?;
    let mut collections = BTreeMap::new();
    for (kind, access) in [("read", Access::Read), ("write", Access::Write), ("exclusive", Access::Exclusive)] {
        for name in body["collections"][kind].as_array().into_iter().flatten() {
            let name = name.as_str().ok_or_else(|| Failure::of(10))?;
            scope.permit(name, access)?;
            let store = &endpoint.shared.store;
            collections.insert(store.find_collection(&request.database, name, endpoint.number)?, access);
        }
    }
    let begin = Begin {
        store: Arc::clone(&endpoint.shared.store),
        author: endpoint.author(),
        collections,
        wait_for_sync: body["waitForSync"].as_bool().unwrap_or(false),
        hooks: Arc::clone(hooks),
    };
    let transaction = Transaction::begin(begin).await?;
    let id = transaction.id().to_string();
    endpoint.shared.transactions.put_back(&id, Some(transaction));
    Ok(told(201, &id, "running"))
}

pub(crate) fn status(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    let status = match endpoint.shared.transactions.all().get(id) {
        None => return Err(Failure::of(1655)),
        Some(State::Running(..) | State::Busy) => "running",
        Some(State::Committed) => "committed",
        Some(State::Aborted) => "aborted",
    };
    Ok(told(200, id, status))
}

pub(crate) async fn commit(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    let transactions = &endpoint.shared.transactions;
    let transaction = transactions.take(id).await?;
    let committed = transaction.commit().await;
    transactions.end(id, if committed.is_ok() { State::Committed } else { State::Aborted });
    committed.map(|()| told(200, id, "committed"))
}

pub(crate) async fn abort(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    drop(endpoint.shared.transactions.take(id).await?);
    endpoint.shared.transactions.end(id, State::Aborted);
    Ok(told(200, id, "aborted"))
}

fn told(code: u16, id: &str, status: &str) -> Response {
    let result: Json = json!({ "id": id, "status": status });
    Response::json(code, &json!({ "error": false, "code": code, "result": result }))
}
