//! Version, role and availability.

use serde_json::json;

use crate::{access::Caller, error::Failure, http::Response, server::Endpoint, settings::Generation};

pub(crate) fn version(endpoint: &Endpoint, caller: &Caller) -> Response {
    let settings = &endpoint.shared.settings;
    if settings.hardened && !caller.is_admin() {
        return Response::json(200, &json!({ "server": "arango" }));
    }
    let (version, api) = match settings.generation {
        Generation::V3 => ("3.12.10", "v0"),
        Generation::V4 => ("4.0.0", "v1"),
    };
    let body = json!({
        "server": "arango", "license": "enterprise", "version": version, "apiVersions": [api],
        "deprecatedApiVersions": [], "requestedApiVersion": api,
    });
    Response::json(200, &body)
}

/// What this is a part of.
pub(crate) fn role(endpoint: &Endpoint) -> Response {
    let role = if endpoint.shared.settings.cluster { "COORDINATOR" } else { "SINGLE" };
    Response::json(200, &json!({ "error": false, "code": 200, "errorNum": 0, "mode": "default", "role": role }))
}

pub(crate) fn availability(endpoint: &Endpoint) -> Result<Response, Failure> {
    endpoint.shared.check_maintenance()?;
    Ok(Response::json(200, &json!({ "error": false, "code": 200, "mode": "default" })))
}
