//! The root, by which drivers find out whether this is an ArangoDB at all.

use crate::{
    error::Failure,
    http::{Request, Response},
    server::Endpoint,
    settings::Generation,
};

pub(crate) fn root(endpoint: &Endpoint, request: &Request) -> Response {
    match endpoint.shared.settings.generation {
        Generation::V3 => Response::redirect("/_admin/aardvark/index.html"),
        Generation::V4 if endpoint.caller(request).is_err() => Response::from(&Failure::of(11)),
        Generation::V4 => Response::empty(404),
    }
}
