//! A query made ready: collections found, options read.

use std::collections::BTreeMap;

use crate::{
    aql::{
        ast::{Operation, Query},
        binds,
    },
    error::Failure,
    eval::Runtime,
    store::{Access, Handle},
};

use super::{fold, options::WriteOptions};

#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) query: Query,
    /// The collection of each operation that has one.
    handles: Vec<Option<Handle>>,
    options: Vec<Option<WriteOptions>>,
    pub(crate) unknown_options: Vec<String>,
    /// Whether the server would answer the same query from its cache of results.
    pub(crate) is_cacheable: bool,
}

impl Plan {
    /// `find` knows the collections by name.
    pub(crate) fn new(
        query: Query,
        runtime: &Runtime,
        find: impl Fn(&str) -> Result<Handle, Failure>,
    ) -> Result<Self, Failure> {
        let query = fold::fold(query, runtime);
        let mut plan = Self {
            handles: Vec::new(),
            options: Vec::new(),
            unknown_options: Vec::new(),
            is_cacheable: fold::is_cacheable(&query),
            query: query.clone(),
        };
        for operation in &query.operations {
            let handle = operation.collection().map(|collection| find(binds::collection(collection, runtime.binds())));
            plan.handles.push(handle.transpose()?);
            plan.options.push(match operation {
                Operation::Write(write) => Some(WriteOptions::read(&write.options, &mut plan.unknown_options)),
                _ => None,
            });
        }
        Ok(plan)
    }

    pub(crate) fn wait_for_sync(&self) -> bool {
        self.options.iter().flatten().any(|options| options.wait_for_sync)
    }

    /// What the query does to which collection.
    pub(crate) fn accesses(&self) -> BTreeMap<Handle, Access> {
        let mut accesses = BTreeMap::new();
        for (handle, options) in self.handles.iter().zip(&self.options) {
            let Some(handle) = handle else { continue };
            let access = match options {
                None => Access::Read,
                Some(options) if options.exclusive => Access::Exclusive,
                Some(_) => Access::Write,
            };
            let strongest = accesses.entry(handle.clone()).or_insert(access);
            *strongest = access.max(*strongest);
        }
        accesses
    }

    pub(super) fn handle(&self, position: usize) -> Result<&Handle, Failure> {
        self.handles.get(position).and_then(Option::as_ref).ok_or_else(|| Failure::of(1203))
    }

    pub(super) fn options(&self, position: usize) -> WriteOptions {
        self.options.get(position).cloned().flatten().unwrap_or_default()
    }
}
