//! Indexes.

use serde_json::{Map, Value as Json, json};

use crate::{
    error::Failure,
    http::Response,
    store::{
        Handle,
        index::{self, Kind},
    },
};

use super::Scope;

pub(crate) fn list(scope: &Scope<'_>) -> Result<Response, Failure> {
    let handle = parameter(scope)?;
    let indexes = index::shown(scope.endpoint.shared.store.state().collection(handle.id)?);
    let id = |index: &Json| index.get("id").and_then(Json::as_str).unwrap_or_default().to_owned();
    let identifiers: Map<String, Json> = indexes.iter().map(|index| (id(index), index.clone())).collect();
    Ok(Response::json(200, &json!({ "error": false, "code": 200, "indexes": indexes, "identifiers": identifiers })))
}

pub(crate) fn create(scope: &Scope<'_>) -> Result<Response, Failure> {
    let handle = parameter(scope)?;
    scope.caller.change_database(scope.database())?;
    let body = scope.request.json()?;
    let fields = fields(&body)?;
    let kind = kind(&body, &fields)?;
    let shared = &scope.endpoint.shared;
    let mut state = shared.store.state();
    if shared.settings.cluster && matches!(kind, Kind::Persistent { unique: true, .. }) {
        let properties = &state.collection(handle.id)?.properties;
        if properties.number_of_shards > 1 && !properties.shard_keys.iter().all(|key| fields.contains(key)) {
            return Err(Failure::new(1470, "shard key(s) must be part of a unique index"));
        }
    }
    let name = body.get("name").and_then(Json::as_str);
    let (index, is_new) = index::ensure(&mut state, handle.id, kind, fields, name)?;
    let mut shown = index::describe(&handle.name, &index);
    shown.insert("isNewlyCreated".to_owned(), json!(is_new));
    Ok(Response::object(if is_new { 201 } else { 200 }, shown))
}

pub(crate) fn delete(scope: &Scope<'_>, collection: &str, id: &str) -> Result<Response, Failure> {
    let handle = scope.collection(collection)?;
    scope.caller.change_database(scope.database())?;
    let mut state = scope.endpoint.shared.store.state();
    let of = state.collections.get_mut(&handle.id).ok_or_else(|| Failure::of(1203))?;
    let indexes = &mut of.indexes;
    let before = indexes.len();
    indexes.retain(|index| index.id.to_string() != id && index.name != id);
    if indexes.len() == before {
        return Err(Failure::of(1212));
    }
    of.sort();
    Ok(Response::json(200, &json!({ "error": false, "code": 200, "id": format!("{collection}/{id}") })))
}

fn parameter(scope: &Scope<'_>) -> Result<Handle, Failure> {
    let name = scope.request.parameter("collection").ok_or_else(|| Failure::of(10))?;
    scope.collection(name)
}

fn fields(body: &Json) -> Result<Vec<String>, Failure> {
    let fields = body.get("fields").and_then(Json::as_array).ok_or_else(|| Failure::of(10))?;
    let names: Vec<String> = fields.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    if names.is_empty() || names.len() < fields.len() { Err(Failure::of(10)) } else { Ok(names) }
}

fn kind(body: &Json, fields: &[String]) -> Result<Kind, Failure> {
    let flag = |name: &str| body.get(name).and_then(Json::as_bool).unwrap_or(false);
    match body.get("type").and_then(Json::as_str) {
        Some("ttl") => {
            let seconds = body.get("expireAfter").and_then(Json::as_f64).filter(|seconds| *seconds >= 0.0);
            let expire_after = seconds.ok_or_else(|| Failure::new(10, "expireAfter attribute must be a number"))?;
            if fields.len() == 1 { Ok(Kind::Ttl { expire_after }) } else { Err(Failure::of(10)) }
        }
        Some("persistent" | "hash" | "skiplist") => {
            Ok(Kind::Persistent { unique: flag("unique"), sparse: flag("sparse") })
        }
        _ => Err(Failure::new(10, "invalid index type")),
    }
}
