//! Queries, and the rest of their results.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    aql::{self, ast::Query, binds, check},
    cache::{self, Hit, Key},
    error::Failure,
    eval::{Now, Runtime},
    execute::{self, Outcome, Plan},
    faults::Point,
    http::Response,
    server::Endpoint,
    settings::{DateNow, Generation},
    store::{Access, Begin},
    value::{Object, Value},
};

use super::{Scope, cursors::Cursor};

const DEFAULT_BATCH: u64 = 1000;

pub(crate) async fn create(scope: &Scope<'_>) -> Result<Response, Failure> {
    let Scope { endpoint, request, hooks, .. } = *scope;
    let body = request.json()?;
    let text = body.get("query").and_then(Json::as_str).unwrap_or_default();
    endpoint.shared.tally.count(|counters| *counters.queries.entry(text.to_owned()).or_default() += 1);
    hooks.reach(Point::Parsing).await?;
    let started = Instant::now();
    let values = Value::from(body.get("bindVars").cloned().unwrap_or_default());
    let values = Arc::new(values.as_object().cloned().unwrap_or_default());
    let key = Key::of(&endpoint.shared.settings, scope.database(), &body).filter(|_| request.transaction.is_none());
    if let Some(hit) = key.as_ref().and_then(|key| known(scope, key)) {
        let cursor = Cursor::new(&endpoint.shared.settings, hit.extra, hit.rows, batch(&body)?);
        return first(endpoint, &body, cursor.cached());
    }
    let query = parsed(text, &values, uses_plan_cache(&body))?;
    let runtime = runtime(scope, text, values, uses_plan_cache(&body));
    let plan = plan(scope, query, &runtime)?;
    if let Some(id) = &request.transaction {
        let transactions = &endpoint.shared.transactions;
        let mut transaction = transactions.take(id).await?;
        transaction.meet(hooks);
        let ran = execute::run_within(&plan, std::future::ready(Ok(transaction)), runtime, limit(&body)).await;
        let (ran, transaction) = ran.map_or_else(|failure| (Err(failure), None), |(ran, rest)| (Ok(ran), Some(rest)));
        transactions.put_back(id, transaction);
        return first(endpoint, &body, cursor(endpoint, &body, &ran?, started)?);
    }
    let begin = Begin {
        store: Arc::clone(&endpoint.shared.store),
        author: endpoint.author(),
        collections: plan.accesses(),
        wait_for_sync: plan.wait_for_sync(),
        hooks: Arc::clone(hooks),
    };
    let outcome = execute::run(&plan, begin, runtime, limit(&body)).await?;
    if let Some(key) = key.filter(|_| plan.is_cacheable && outcome.warnings.is_empty()) {
        let (rows, extra) = (outcome.rows.clone(), outcome_body(&outcome, started));
        let collections = plan.accesses().into_keys().collect();
        endpoint.shared.results.keep(key, Hit { rows, extra, collections, snapshot: outcome.snapshot });
    }
    first(endpoint, &body, cursor(endpoint, &body, &outcome, started)?)
}

/// An earlier answer that the caller may see.
fn known(scope: &Scope<'_>, key: &Key) -> Option<Hit> {
    let shared = &scope.endpoint.shared;
    let hit = shared.results.find(key, &shared.store.state())?;
    let is_permitted = hit.collections.iter().all(|of| scope.permit(&of.name, Access::Read).is_ok());
    is_permitted.then(|| {
        shared.tally.count(|counters| counters.cached_results += 1);
        hit
    })
}

fn cursor(endpoint: &Endpoint, body: &Json, outcome: &Outcome, started: Instant) -> Result<Cursor, Failure> {
    let extra = outcome_body(outcome, started);
    Ok(Cursor::new(&endpoint.shared.settings, extra, outcome.rows.clone(), batch(body)?))
}

fn first(endpoint: &Endpoint, body: &Json, cursor: Cursor) -> Result<Response, Failure> {
    let count = body.get("count").and_then(Json::as_bool).unwrap_or(false);
    endpoint.shared.cursors.first(cursor, count)
}

pub(crate) fn next(endpoint: &Endpoint, id: &str, batch: Option<&str>) -> Result<Response, Failure> {
    endpoint.shared.cursors.next(id, batch)
}

pub(crate) fn next_by_put(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    match endpoint.shared.settings.generation {
        Generation::V3 => next(endpoint, id, None),
        Generation::V4 => Err(Failure::of(405)),
    }
}

pub(crate) fn delete(endpoint: &Endpoint, id: &str) -> Result<Response, Failure> {
    endpoint.shared.cursors.delete(id)?;
    Ok(Response::json(202, &json!({ "error": false, "code": 202, "id": id })))
}

fn uses_plan_cache(body: &Json) -> bool {
    body["options"]["usePlanCache"].as_bool().unwrap_or(false)
}

fn parsed(text: &str, values: &Object, for_plan_cache: bool) -> Result<Query, Failure> {
    let in_query = |failure: Failure| match failure.number {
        1501 => Failure::new(1501, format!("AQL: {} (while parsing)", failure.message)),
        _ => failure,
    };
    let query = aql::parse(text).map_err(in_query)?;
    binds::check(&query, values)?;
    if for_plan_cache && !cache::is_eligible(&query) {
        return Err(Failure::of(1584));
    }
    check::check(query, values)
}

fn plan(scope: &Scope<'_>, query: Query, runtime: &Runtime) -> Result<Plan, Failure> {
    let Scope { endpoint, .. } = *scope;
    let find = |name: &str| endpoint.shared.store.find_collection(scope.database(), name, endpoint.number);
    let plan = Plan::new(query, runtime, find)?;
    for (handle, access) in plan.accesses() {
        scope.permit(&handle.name, access)?;
    }
    Ok(plan)
}

fn runtime(scope: &Scope<'_>, text: &str, values: Arc<Object>, from_plan_cache: bool) -> Runtime {
    let Scope { endpoint, .. } = *scope;
    let settings = &endpoint.shared.settings;
    let now = match settings.date_now {
        DateNow::Folded if from_plan_cache => {
            Now::Folded(endpoint.shared.plans.time(scope.database(), text, &values, &endpoint.clock))
        }
        DateNow::Folded => Now::Folded(endpoint.clock.now()),
        DateNow::PerCall => Now::PerCall(Arc::clone(&endpoint.clock)),
    };
    Runtime::new(values, now, settings.generation == Generation::V4)
}

fn limit(body: &Json) -> Option<Duration> {
    let seconds = body.get("options")?.get("maxRuntime")?.as_f64()?;
    Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero())
}

fn batch(body: &Json) -> Result<usize, Failure> {
    let size = body.get("batchSize").map_or(Some(DEFAULT_BATCH), Json::as_u64);
    let size = size.filter(|size| *size > 0).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| Failure::of(10))
}

fn outcome_body(outcome: &Outcome, started: Instant) -> Json {
    let warnings: Vec<Json> =
        outcome.warnings.iter().map(|warning| json!({ "code": warning.number, "message": warning.message })).collect();
    json!({ "warnings": warnings, "stats": outcome.stats.body(started.elapsed()) })
}
