//! Collections.

use serde_json::{Map, Value as Json, json};

use crate::{
    error::Failure,
    http::Response,
    store::{Defaults, Properties},
};

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
    let shared = &scope.endpoint.shared;
    let defaults = shared.store.state().database(scope.database())?.defaults;
    let wanted = if shared.settings.cluster { sharded(&body, defaults)? } else { wanted(&body)? };
    shared.store.create_collection(scope.database(), name, wanted, scope.origin())?;
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
        replication_factor: 1,
        write_concern: number("writeConcern"),
        distribute_shards_like: None,
        shown_only: SHOWN_ONLY
            .into_iter()
            .map(|name| (name.to_owned(), body.get(name).cloned().unwrap_or_default()))
            .filter(|(name, value)| !value.is_null() || NULLABLE.contains(&name.as_str()))
            .collect(),
    })
}

const SHOWN_ONLY: [&str; 5] = ["computedValues", "isSmart", "schema", "smartGraphAttribute", "smartJoinAttribute"];
/// Those that every collection shows.
const NULLABLE: [&str; 2] = ["computedValues", "schema"];

/// The same in a cluster, where the database has a say.
fn sharded(body: &Json, defaults: Defaults) -> Result<Properties, Failure> {
    let bad = |message: &str| Failure::new(10, message);
    let number = |name: &str| body.get(name).and_then(Json::as_u64);
    let mut properties = wanted(body)?;
    let is_satellite = body["replicationFactor"] == "satellite" || number("replicationFactor") == Some(0);
    if is_satellite {
        return Ok(Properties { replication_factor: 0, write_concern: 0, number_of_shards: 1, ..properties });
    }
    let (mut copies, mut concern) = (defaults.replication_factor, defaults.write_concern);
    if defaults.is_one_shard {
        copies = defaults.of_leader();
        properties.distribute_shards_like = Some("_graphs");
        if body.get("distributeShardsLike").is_some() || properties.number_of_shards != 1 {
            return Err(bad(
                "Collection in a 'oneShardDatabase' must have 1 shard and cannot define 'distributeShardsLike'",
            ));
        }
        if number("replicationFactor").unwrap_or(copies) != copies
            || number("writeConcern").unwrap_or(concern) != concern
        {
            return Err(bad("replicationFactor and writeConcern must be those of the collection '_graphs'"));
        }
    } else {
        copies = number("replicationFactor").unwrap_or(copies);
        concern = number("writeConcern").unwrap_or(concern);
    }
    if concern > copies {
        return Err(bad("replicationFactor cannot be lower than writeConcern"));
    }
    Ok(Properties { replication_factor: copies, write_concern: concern, ..properties })
}
