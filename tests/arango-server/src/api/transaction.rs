//! Stream transactions: a snapshot, and the locks of keys, that outlive a request.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value as Json, json};

use crate::{
    error::Failure,
    http::Response,
    server::Endpoint,
    store::{Access, Begin, Transaction},
};

use super::Scope;

/// All of a server, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Transactions(Mutex<HashMap<String, State>>);

#[derive(Debug)]
enum State {
    Running(Box<Transaction>),
    /// A query of it is being carried out.
    Busy,
    Committed,
    Aborted,
}

impl Transactions {
    /// For a query of it; to be [put back](Self::put_back). One whose query fails is aborted by being dropped.
    pub(crate) fn take(&self, id: &str) -> Result<Transaction, Failure> {
        let mut all = self.all();
        let state = all.get_mut(id).ok_or_else(|| Failure::of(1655))?;
        match std::mem::replace(state, State::Busy) {
            State::Running(transaction) => Ok(*transaction),
            State::Busy => Err(Failure::of(28)),
            ended => {
                *state = ended;
                Err(Failure::of(1654))
            }
        }
    }

    pub(crate) fn put_back(&self, id: &str, transaction: Option<Transaction>) {
        let state = transaction.map_or(State::Aborted, |transaction| State::Running(Box::new(transaction)));
        self.all().insert(id.to_owned(), state);
    }

    /// Aborts all of them.
    pub(crate) fn clear(&self) {
        self.all().clear();
    }

    fn end(&self, id: &str, state: State) {
        self.all().insert(id.to_owned(), state);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        Some(State::Running(_) | State::Busy) => "running",
        Some(State::Committed) => "committed",
        Some(State::Aborted) => "aborted",
    };
    Ok(told(200, id, status))
}

pub(crate) async fn commit(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    let transactions = &endpoint.shared.transactions;
    let transaction = transactions.take(id)?;
    let committed = transaction.commit().await;
    transactions.end(id, if committed.is_ok() { State::Committed } else { State::Aborted });
    committed.map(|()| told(200, id, "committed"))
}

pub(crate) fn abort(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    drop(endpoint.shared.transactions.take(id)?);
    endpoint.shared.transactions.end(id, State::Aborted);
    Ok(told(200, id, "aborted"))
}

fn told(code: u16, id: &str, status: &str) -> Response {
    let result: Json = json!({ "id": id, "status": status });
    Response::json(code, &json!({ "error": false, "code": code, "result": result }))
}
