//! One address of a server: the only one of a single server, or a coordinator.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    access::Caller,
    clock::Clock,
    error::Failure,
    http::Request,
    store::{Author, Origin},
};

use super::Shared;

#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) number: usize,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<Clock>,
    pub(crate) shared: Arc<Shared>,
}

impl Endpoint {
    pub(crate) fn author(&self) -> Author {
        Author { origin: Origin::Endpoint(self.number), clock: Arc::clone(&self.clock) }
    }

    /// Since 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.clock.now().div_euclid(1000)
    }

    /// Who sends this request.
    pub(crate) fn caller(&self, request: &Request) -> Result<Caller, Failure> {
        let authorization = request.authorization.as_deref();
        self.shared.sessions.caller(authorization, &self.shared.settings.users, self.seconds())
    }
}
