//! Logging in.

use serde_json::{Value as Json, json};

use crate::{
    access::check_password,
    error::Failure,
    http::{Request, Response},
    server::Endpoint,
};

pub(crate) fn log_in(endpoint: &Endpoint, request: &Request) -> Result<Response, Failure> {
    let settings = &endpoint.shared.settings;
    if settings.users.is_empty() {
        return Ok(Response::empty(404));
    }
    let body = request.json().map_err(|_| Failure::of(400))?;
    let text = |name: &str| body.get(name).and_then(Json::as_str).ok_or_else(|| Failure::of(400));
    let (user, password) = (text("username")?, text("password")?);
    check_password(&settings.users, user, password).ok_or_else(|| Failure::of(401))?;
    endpoint.shared.tally.count(|counters| counters.logins += 1);
    let token = endpoint.shared.sessions.issue(user, endpoint.seconds(), settings.session);
    Ok(Response::json(200, &json!({ "jwt": token })))
}
