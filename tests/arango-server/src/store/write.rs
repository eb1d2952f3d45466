//! Writes of single documents inside a transaction.

use crate::{
    aql::ast::Change,
    error::Failure,
    value::{Object, Value, equal},
};

use super::{Handle, Transaction, key};

/// A change of a document.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) attributes: Object,
    pub(crate) how: Change,
    pub(crate) merge_objects: bool,
    pub(crate) keep_null: bool,
    /// The `_rev` that the document has to have.
    pub(crate) expected: Option<Value>,
}

/// A document before and after.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) old: Value,
    pub(crate) new: Value,
}

const SYSTEM: [&str; 3] = ["_id", "_key", "_rev"];

impl Transaction {
    pub(crate) async fn insert(&mut self, collection: &Handle, attributes: &Object) -> Result<Value, Failure> {
        let key = self.key_of_new(collection, attributes)?;
        self.lock_key(collection, &key).await?;
        if self.current(collection, &key)?.is_some() {
            let message = format!(
                "unique constraint violated - in index primary of type primary over '_key'; conflicting key: {key}"
            );
            return Err(Failure::new(1210, message));
        }
        let document = self.complete(collection, &key, attributes.clone());
        self.lock_unique(collection, &key, &document).await?;
        self.put(collection, key, Some(document.clone()));
        Ok(document)
    }

    pub(crate) async fn change(&mut self, collection: &Handle, key: &str, patch: Patch) -> Result<Changed, Failure> {
        self.lock_key(collection, key).await?;
        let old = self.current(collection, key)?.ok_or_else(|| Failure::of(1202))?;
        self.compare_revision(&old, patch.expected.as_ref())?;
        if patch.how == Change::Update && patch.attributes.keys().all(|name| name == "_key") {
            self.store.tally.count(|counters| counters.empty_patches += 1);
            return Ok(Changed { new: old.clone(), old });
        }
        let attributes = match (patch.how, old.as_object()) {
            (Change::Update, Some(old)) => merged(old, &patch.attributes, &patch),
            _ => patch.attributes,
        };
        let new = self.complete(collection, key, attributes);
        self.lock_unique(collection, key, &new).await?;
        self.put(collection, key.to_owned(), Some(new.clone()));
        Ok(Changed { old, new })
    }

    pub(crate) async fn remove(
        &mut self,
        collection: &Handle,
        key: &str,
        expected: Option<&Value>,
    ) -> Result<Value, Failure> {
        self.lock_key(collection, key).await?;
        let old = self.current(collection, key)?.ok_or_else(|| Failure::of(1202))?;
        self.compare_revision(&old, expected)?;
        self.put(collection, key.to_owned(), None);
        Ok(old)
    }

    fn put(&mut self, collection: &Handle, key: String, document: Option<Value>) {
        self.writes.insert((collection.id, key), document);
    }

    fn compare_revision(&self, document: &Value, expected: Option<&Value>) -> Result<(), Failure> {
        let Some(expected) = expected else { return Ok(()) };
        if !self.store.settings.guards.revision_compare || equal(expected, &document.attribute("_rev")) {
            return Ok(());
        }
        self.store.tally.count(|counters| counters.other_revisions += 1);
        Err(Failure::new(1200, "conflict, _rev values do not match"))
    }

    /// The key that the document brings, or a new one.
    fn key_of_new(&self, collection: &Handle, attributes: &Object) -> Result<String, Failure> {
        let mut state = self.store.state();
        let collection = state.collections.get_mut(&collection.id).ok_or_else(|| Failure::of(1203))?;
        let Some(key) = attributes.get("_key") else {
            collection.last_key += 1;
            let number = collection.id.saturating_mul(1_000_000).saturating_add(collection.last_key);
            return Ok(number.to_string());
        };
        if !collection.properties.allow_user_keys {
            return Err(Failure::of(1222));
        }
        if self.store.settings.cluster && collection.properties.shard_keys != ["_key"] {
            return Err(Failure::of(1466));
        }
        key::checked(key)
    }

    /// With the attributes that the server sets.
    fn complete(&self, collection: &Handle, key: &str, mut attributes: Object) -> Value {
        let revision = self.store.state().next_revision();
        let id = format!("{}/{key}", collection.name);
        for (name, value) in SYSTEM.into_iter().zip([id.as_str(), key, revision.as_str()]) {
            attributes.insert(name.to_owned(), Value::string(value));
        }
        Value::object(attributes)
    }
}

/// Attributes of the system are no part of a patch.
fn merged(old: &Object, new: &Object, patch: &Patch) -> Object {
    let mut result = old.clone();
    for (name, value) in new.iter().filter(|(name, _)| !SYSTEM.contains(&name.as_str())) {
        let value = match (old.get(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if patch.merge_objects => {
                Value::object(merged(old, new, patch))
            }
            _ => value.clone(),
        };
        if matches!(value, Value::Null) && !patch.keep_null {
            result.remove(name);
        } else {
            result.insert(name.clone(), value);
        }
    }
    result
}
