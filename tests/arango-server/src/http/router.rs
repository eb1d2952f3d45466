//! From requests to the functions that answer them.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    api::{self, Scope},
    error::Failure,
    faults::{Fake, Hooks, Point, Traits},
    server::Endpoint,
    value::Value,
};

use super::{Request, Response};

/// An answer, and what is sent in its place.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) fake: Option<Fake>,
}

pub(super) async fn answer(endpoint: &Arc<Endpoint>, request: Request) -> Answer {
    endpoint.shared.tally.count(|counters| counters.requests += 1);
    let hooks = Arc::new(meet(endpoint, &request));
    let result = scripted(endpoint, &request, &hooks).await;
    let fake = hooks.fake();
    let is_answered = fake.as_ref().is_none_or(|fake| !fake.ends_the_request());
    let response = result.unwrap_or_else(|failure| {
        if is_answered {
            endpoint.shared.tally.count(|counters| *counters.errors.entry(failure.number).or_default() += 1);
        }
        Response::from(&failure)
    });
    Answer { response, fake }
}

async fn scripted(endpoint: &Arc<Endpoint>, request: &Request, hooks: &Arc<Hooks>) -> Result<Response, Failure> {
    hooks.reach(Point::Received).await?;
    let result = route(endpoint, request, hooks).await;
    hooks.reach(Point::Answering).await?;
    result
}

/// The faults for this request, found by what it shows of itself.
fn meet(endpoint: &Endpoint, request: &Request) -> Hooks {
    let json = request.json().unwrap_or_default();
    let binds = Value::from(json.get("bindVars").cloned().unwrap_or_default());
    endpoint.shared.faults.meet(&Traits {
        endpoint: endpoint.number,
        method: &request.method,
        path: &request.path,
        query: json.get("query").and_then(Json::as_str),
        binds: binds.as_object(),
    })
}

async fn route(endpoint: &Arc<Endpoint>, request: &Request, hooks: &Arc<Hooks>) -> Result<Response, Failure> {
    if request.is_chunked() {
        return Ok(Response::empty(501));
    }
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    match (method, segments.as_slice()) {
        ("GET", []) => return Ok(api::root::root(endpoint, request)),
        ("POST", ["_open", "auth"]) => return api::auth::log_in(endpoint, request),
        _ => {}
    }
    let caller = endpoint.caller(request)?;
    match (method, segments.as_slice()) {
        ("GET", ["_admin", "server", "availability"]) => return api::version::availability(endpoint),
        ("GET", ["_admin", "server", "role"]) => return Ok(api::version::role(endpoint)),
        ("GET", ["_api", "version"]) => return Ok(api::version::version(endpoint, &caller)),
        _ => {}
    }
    endpoint.shared.check_maintenance()?;
    endpoint.shared.store.see_database(&request.database, endpoint.number)?;
    caller.see_database(&request.database)?;
    let scope = Scope { endpoint, request, caller: &caller, hooks };
    match segments.as_slice() {
        ["_api", "cursor" | "query", ..] => queries(&scope, &segments).await,
        ["_api", "transaction", ..] => transactions(&scope, &segments).await,
        ["_api", "database" | "collection" | "index", ..] => catalogue(&scope, &segments),
        _ => Ok(Response::empty(404)),
    }
}

async fn queries(scope: &Scope<'_>, segments: &[&str]) -> Result<Response, Failure> {
    let Scope { endpoint, request, .. } = *scope;
    match (request.method.as_str(), &segments[1..]) {
        ("POST", ["cursor"]) => api::cursor::create(scope).await,
        ("POST", ["cursor", id]) => api::cursor::next(endpoint, id, None),
        ("POST", ["cursor", id, batch]) => api::cursor::next(endpoint, id, Some(batch)),
        ("PUT", ["cursor", id]) => api::cursor::next_by_put(endpoint, id),
        ("DELETE", ["cursor", id]) => api::cursor::delete(endpoint, id),
        ("POST", ["query"]) => api::query::parse(request),
        _ => Ok(Response::empty(404)),
    }
}

async fn transactions(scope: &Scope<'_>, segments: &[&str]) -> Result<Response, Failure> {
    let endpoint = scope.endpoint;
    match (scope.request.method.as_str(), &segments[2..]) {
        ("POST", ["begin"]) => api::transaction::begin(scope).await,
        ("GET", [id]) => api::transaction::status(endpoint, id),
        ("PUT", [id]) => api::transaction::commit(endpoint, id).await,
        ("DELETE", [id]) => api::transaction::abort(endpoint, id).await,
        _ => Ok(Response::empty(404)),
    }
}

fn catalogue(scope: &Scope<'_>, segments: &[&str]) -> Result<Response, Failure> {
    match (scope.request.method.as_str(), &segments[1..]) {
        ("GET", ["database"]) => api::database::list(scope),
        ("GET", ["database", "user"]) => api::database::list_own(scope),
        ("GET", ["database", "current"]) => api::database::current(scope),
        ("POST", ["database"]) => api::database::create(scope),
        ("DELETE", ["database", name]) => api::database::delete(scope, name),
        ("GET", ["collection"]) => api::collection::list(scope),
        ("POST", ["collection"]) => api::collection::create(scope),
        ("GET", ["collection", name]) => api::collection::get(scope, name),
        ("GET", ["collection", name, "properties"]) => api::collection::properties(scope, name),
        ("GET", ["collection", name, "count"]) => api::collection::count(scope, name),
        ("PUT", ["collection", name, "truncate"]) => api::collection::truncate(scope, name),
        ("DELETE", ["collection", name]) => api::collection::delete(scope, name),
        ("GET", ["index"]) => api::index::list(scope),
        ("POST", ["index"]) => api::index::create(scope),
        ("DELETE", ["index", collection, id]) => api::index::delete(scope, collection, id),
        _ => Ok(Response::empty(404)),
    }
}
