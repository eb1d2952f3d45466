//! Databases.

use serde_json::{Value as Json, json};

use crate::{error::Failure, http::Response, settings::Generation, store::Defaults};

use super::Scope;

const SYSTEM: &str = "_system";

pub(crate) fn list(scope: &Scope<'_>) -> Result<Response, Failure> {
    only_in_system(scope)?;
    Ok(names(scope, |_| true))
}

pub(crate) fn list_own(scope: &Scope<'_>) -> Result<Response, Failure> {
    Ok(names(scope, |name| scope.caller.see_database(name).is_ok()))
}

pub(crate) fn current(scope: &Scope<'_>) -> Result<Response, Failure> {
    let name = scope.database();
    let shared = &scope.endpoint.shared;
    let (id, defaults) = {
        let state = shared.store.state();
        let database = state.database(name)?;
        (database.id, database.defaults)
    };
    let mut shown = json!({ "id": id.to_string(), "name": name, "isSystem": name == SYSTEM });
    if shared.settings.generation == Generation::V3 {
        shown["path"] = Json::from("none");
    }
    if shared.settings.cluster {
        shown["sharding"] = Json::from(if defaults.is_one_shard { "single" } else { "" });
        shown["replicationFactor"] = Json::from(defaults.replication_factor);
        shown["writeConcern"] = Json::from(defaults.write_concern);
    }
    Ok(Response::result(200, &shown))
}

pub(crate) fn create(scope: &Scope<'_>) -> Result<Response, Failure> {
    only_in_system(scope)?;
    let body = scope.request.json()?;
    let name = body.get("name").and_then(Json::as_str).ok_or_else(|| Failure::of(1229))?;
    let options = &body["options"];
    let number = |name: &str| options[name].as_u64().unwrap_or(1);
    let defaults = Defaults {
        is_one_shard: match options["sharding"].as_str().unwrap_or_default() {
            "single" => true,
            "" | "flexible" => false,
            _ => return Err(Failure::of(10)),
        },
        replication_factor: number("replicationFactor"),
        write_concern: number("writeConcern"),
    };
    scope.endpoint.shared.store.create_database(name, defaults, scope.origin())?;
    Ok(Response::result(201, &json!(true)))
}

pub(crate) fn delete(scope: &Scope<'_>, name: &str) -> Result<Response, Failure> {
    only_in_system(scope)?;
    scope.endpoint.shared.store.drop_database(name)?;
    Ok(Response::result(200, &json!(true)))
}

fn names(scope: &Scope<'_>, wanted: impl Fn(&str) -> bool) -> Response {
    let store = &scope.endpoint.shared.store;
    let all: Vec<String> = store.state().databases.keys().cloned().collect();
    let seen = |name: &String| store.see_database(name, scope.endpoint.number).is_ok() && wanted(name);
    let names: Vec<String> = all.into_iter().filter(seen).collect();
    Response::result(200, &json!(names))
}

fn only_in_system(scope: &Scope<'_>) -> Result<(), Failure> {
    if scope.database() != SYSTEM {
        return Err(Failure::of(1230));
    }
    if scope.caller.is_admin() { Ok(()) } else { Err(Failure::of(11).with_status(403)) }
}
