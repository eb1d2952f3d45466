//! The endpoints of the HTTP interface.

pub(crate) mod auth;
pub(crate) mod collection;
pub(crate) mod cursor;
pub(crate) mod cursors;
pub(crate) mod database;
pub(crate) mod index;
pub(crate) mod query;
pub(crate) mod root;
mod shape;
pub(crate) mod transaction;
pub(crate) mod version;

use std::sync::Arc;

use crate::{
    access::Caller,
    error::Failure,
    faults::Hooks,
    http::Request,
    server::Endpoint,
    store::{Access, Handle, Origin},
};

/// A request, by whom and where, and the faults that it meets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) endpoint: &'a Arc<Endpoint>,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    pub(crate) hooks: &'a Arc<Hooks>,
}

impl Scope<'_> {
    fn database(&self) -> &str {
        &self.request.database
    }

    fn origin(&self) -> Option<Origin> {
        Some(Origin::Endpoint(self.endpoint.number))
    }

    fn permit(&self, collection: &str, access: Access) -> Result<(), Failure> {
        match access {
            Access::Read => self.caller.read(self.database(), collection),
            Access::Write | Access::Exclusive => self.caller.write(self.database(), collection),
        }
    }

    /// A collection that the caller may see.
    fn collection(&self, name: &str) -> Result<Handle, Failure> {
        let handle = self.endpoint.shared.store.find_collection(self.database(), name, self.endpoint.number)?;
        self.caller.read(self.database(), name)?;
        Ok(handle)
    }
}
