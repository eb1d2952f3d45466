//! Collections.

use serde_json::{Map, Value as Json, json};

use crate::{error::Failure, http::Response, store::Properties};

use super::{Scope, shape};

pub(crate) fn list(scope: &Scope<'_>) -> Result<Response, Failure> {
    let shared = &scope.endpoint.shared;
    let handles = shared.store.list_collections(scope.database(), scope.endpoint.number)?;
    let state = shared.store.state();
    let readable = handles.iter().filter(|handle| scope.caller.read(scope.database(), &handle.name).is_ok());
    let found = readable.filter_map(|handle| state.collections.get(&handle.id));
    let shown: Vec<Json> = found.map(|each| Json::Object(shape::brief(each, &shared.settings))).collect();
    Ok(Response::result(200, &json!(shown)))
}

pub(crate) fn get(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    show(scope, name, shape::brief)
}

pub(crate) fn properties(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    show(scope, name, shape::full)
}

pub(crate) fn count(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    let handle = scope.collection(name)?;
    let state = scope.endpoint.shared.store.state();
    let collection = state.collection(handle.id)?;
    let mut shown = shape::full(collection, &scope.endpoint.shared.settings);
    shown.insert("count".to_owned(), json!(collection.all_at(u64::MAX).count()));
    Ok(Response::object(200, shown))
}

pub(crate) fn create(scope: &Scope<'_>) -> Result<Response, Failure> {
    scope.caller.change_database(scope.database())?;
    let body = scope.request.json()?;
    let name = body.get("name").and_then(Json::as_str).ok_or_else(|| Failure::of(1208))?;
    scope.endpoint.shared.store.create_collection(scope.database(), name, wanted(&body)?, scope.origin())?;
    show(scope, name, shape::full)
}

pub(crate) fn truncate(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    let handle = scope.collection(name)?;
    scope.caller.write(scope.database(), name)?;
    scope.endpoint.shared.store.truncate(&handle, &scope.endpoint.author())?;
    show(scope, name, shape::brief)
}

pub(crate) fn delete(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    scope.collection(name)?;
    scope.caller.change_database(scope.database())?;
    let id = scope.endpoint.shared.store.drop_collection(scope.database(), name)?;
    Ok(Response::json(200, &json!({ "error": false, "code": 200, "id": id.to_string() })))
}

fn show(
    scope: &Scope<'_>,
    name: &str,
    shape: fn(&crate::store::Collection, &crate::settings::Settings) -> Map<String, Json>,
) -> Result<Response, Failure> {
    let handle = scope.collection(name)?;
    let shared = &scope.endpoint.shared;
    Ok(Response::object(200, shape(shared.store.state().collection(handle.id)?, &shared.settings)))
}

fn wanted(body: &Json) -> Result<Properties, Failure> {
    let flag = |of: &Json, name: &str, default| of.get(name).and_then(Json::as_bool).unwrap_or(default);
    let number = |name: &str| body.get(name).and_then(Json::as_u64).unwrap_or(1);
    let shard_keys: Vec<String> = match body.get("shardKeys").and_then(Json::as_array) {
        Some(keys) => keys.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        None => vec!["_key".to_owned()],
    };
    let kind = body.get("type").and_then(Json::as_u64).unwrap_or(2);
    Ok(Properties {
        kind: u8::try_from(kind).ok().filter(|kind| matches!(kind, 2 | 3)).ok_or_else(|| Failure::of(10))?,
        wait_for_sync: flag(body, "waitForSync", false),
        cache_enabled: flag(body, "cacheEnabled", false),
        allow_user_keys: flag(body.get("keyOptions").unwrap_or(&Json::Null), "allowUserKeys", true),
        number_of_shards: number("numberOfShards"),
        shard_keys,
        replication_factor: number("replicationFactor"),
        write_concern: number("writeConcern"),
        schema: body.get("schema").cloned().unwrap_or_default(),
    })
}
