//! UPSERT: look, then insert or change.

use crate::{
    aql::ast::{Change, Expression},
    error::Failure,
    eval::Row,
    store::{Changed, Handle},
    value::{Value, equal},
};

use super::{
    Execution,
    options::WriteOptions,
    read::count,
    write::{key_of, patch, revision},
};

impl Execution<'_> {
    /// The first document that has all the attributes looked for, as of the snapshot.
    pub(super) fn search(&mut self, handle: &Handle, search: &Expression, row: &Row) -> Result<Option<Value>, Failure> {
        let search = self.value(search, row);
        let wanted = search.as_object().ok_or_else(|| Failure::of(1227))?;
        let fits = |document: &Value| wanted.iter().all(|(name, value)| equal(&document.attribute(name), value));
        self.stats.document_lookups += 1;
        if let Some(key) = wanted.get("_key").and_then(Value::as_str) {
            self.stats.scanned_index += 1;
            return Ok(self.transaction.find(handle, key).filter(fits));
        }
        let all = self.transaction.scan(handle);
        self.stats.scanned_full += count(all.len());
        Ok(all.into_iter().find(fits))
    }

    pub(super) async fn upsert(
        &mut self,
        handle: &Handle,
        options: &WriteOptions,
        row: &Row,
        found: Option<Value>,
        (insert, change, how): (&Expression, &Expression, Change),
    ) -> Result<Changed, Failure> {
        let Some(old) = found else {
            let document = self.value(insert, row);
            let new = self.insert(handle, options, &document).await?.new;
            return Ok(Changed { old: Value::Null, new });
        };
        let row = row.clone().with("OLD", old.clone());
        let attributes = self.value(change, &row);
        let patch = patch(&attributes, how, options, revision(&attributes, options))?;
        self.transaction.change(handle, &key_of(&old)?, patch).await
    }
}
