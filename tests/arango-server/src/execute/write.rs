//! Operations that modify data, row by row.

use crate::{
    aql::ast::{Change, Expression, Write, WriteKind},
    error::Failure,
    eval::{Row, evaluate},
    store::{Changed, Handle, Patch, key},
    value::{Object, Value},
};

use super::{
    Execution,
    options::{Overwrite, WriteOptions},
};

impl Execution<'_> {
    pub(super) async fn write(&mut self, write: &Write, position: usize, rows: Vec<Row>) -> Result<Vec<Row>, Failure> {
        let handle = self.plan.handle(position)?.clone();
        let options = self.plan.options(position);
        let mut written = Vec::with_capacity(rows.len());
        for row in rows {
            match self.write_one(&write.kind, &handle, &options, &row).await {
                Ok(changed) => {
                    self.stats.writes_executed += 1;
                    written.push(row.with("OLD", changed.old).with("NEW", changed.new));
                }
                Err(_) if options.ignore_errors => self.stats.writes_ignored += 1,
                Err(failure) => return Err(failure.while_executing()),
            }
            self.sleep().await;
        }
        Ok(written)
    }

    async fn write_one(
        &mut self,
        kind: &WriteKind,
        handle: &Handle,
        options: &WriteOptions,
        row: &Row,
    ) -> Result<Changed, Failure> {
        match kind {
            WriteKind::Insert { document } => {
                let document = self.value(document, row);
                self.insert(handle, options, &document).await
            }
            WriteKind::Change { key, with, how } => {
                let key = self.value(key, row);
                let attributes = with.as_ref().map_or_else(|| key.clone(), |with| self.value(with, row));
                let patch = patch(&attributes, *how, options, revision(&key, options))?;
                self.transaction.change(handle, &key_of(&key)?, patch).await
            }
            WriteKind::Remove { key } => {
                let key = self.value(key, row);
                let expected = revision(&key, options);
                let old = self.transaction.remove(handle, &key_of(&key)?, expected.as_ref()).await?;
                Ok(Changed { old, new: Value::Null })
            }
            WriteKind::Upsert { search, insert, change, how } => {
                let found = self.search(handle, search, row)?;
                self.upsert(handle, options, row, found, (insert, change, *how)).await
            }
        }
    }

    pub(super) async fn insert(
        &mut self,
        handle: &Handle,
        options: &WriteOptions,
        document: &Value,
    ) -> Result<Changed, Failure> {
        let attributes = attributes_of(document)?;
        let existing = attributes.get("_key").and_then(Value::as_str);
        let existing = existing.filter(|key| self.transaction.find(handle, key).is_some());
        match (options.overwrite, existing) {
            (Overwrite::Conflict, _) | (_, None) => {
                let new = self.transaction.insert(handle, attributes).await?;
                Ok(Changed { old: Value::Null, new })
            }
            (Overwrite::Ignore, Some(_)) => Ok(Changed { old: Value::Null, new: Value::Null }),
            (Overwrite::Update, Some(key)) => {
                let patch = patch(document, Change::Update, options, None)?;
                self.transaction.change(handle, key, patch).await
            }
            (Overwrite::Replace, Some(key)) => {
                let patch = patch(document, Change::Replace, options, None)?;
                self.transaction.change(handle, key, patch).await
            }
        }
    }

    pub(super) fn value(&mut self, expression: &Expression, row: &Row) -> Value {
        evaluate(expression, row, &mut self.runtime)
    }
}

/// A key is given as such, or within a document.
pub(super) fn key_of(key: &Value) -> Result<String, Failure> {
    match key {
        Value::Object(attributes) => key::checked(attributes.get("_key").unwrap_or(&Value::Null)),
        _ => key::checked(key),
    }
}

pub(super) fn patch(
    attributes: &Value,
    how: Change,
    options: &WriteOptions,
    expected: Option<Value>,
) -> Result<Patch, Failure> {
    Ok(Patch {
        attributes: attributes_of(attributes)?.clone(),
        how,
        merge_objects: options.merge_objects,
        keep_null: options.keep_null,
        expected,
    })
}

/// The revision that counts, unless revisions are to be ignored or there is none.
pub(super) fn revision(document: &Value, options: &WriteOptions) -> Option<Value> {
    if options.ignore_revs {
        return None;
    }
    Some(document.attribute("_rev")).filter(|revision| revision.as_str().is_some())
}

fn attributes_of(document: &Value) -> Result<&Object, Failure> {
    document.as_object().ok_or_else(|| Failure::of(1227))
}
