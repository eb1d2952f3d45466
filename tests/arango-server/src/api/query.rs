//! Parsing only.

use serde_json::{Value as Json, json};

use crate::{
    aql::{self, ast::Collection, binds},
    error::Failure,
    http::{Request, Response},
};

pub(crate) fn parse(request: &Request) -> Result<Response, Failure> {
    let body = request.json()?;
    let text = body.get("query").and_then(Json::as_str).unwrap_or_default();
    let query = aql::parse(text)?;
    let named = query.operations.iter().filter_map(|operation| match operation.collection() {
        Some(Collection::Name(name)) => Some(name.as_str()),
        _ => None,
    });
    let collections: std::collections::BTreeSet<&str> = named.collect();
    let body = json!({
        "error": false, "code": 200, "parsed": true, "collections": collections, "bindVars": binds::declared(&query),
        "ast": [], "warnings": [],
    });
    Ok(Response::json(200, &body))
}
