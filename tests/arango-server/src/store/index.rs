//! Indexes: of one TTL index and the unique ones the data takes notice.

use serde_json::{Map, Value as Json, json};

use crate::{error::Failure, value::Value};

use super::{Collection, State};

#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Ttl { expire_after: f64 },
    Persistent { unique: bool, sparse: bool },
}

impl Index {
    /// Name and identity do not count.
    fn is_same(&self, kind: &Kind, fields: &[String]) -> bool {
        self.kind == *kind && self.fields == fields
    }

    /// Whether it is sparse, of an index that a query can use.
    pub(crate) const fn sorts(&self) -> Option<bool> {
        match self.kind {
            Kind::Persistent { sparse, .. } => Some(sparse),
            Kind::Ttl { .. } => None,
        }
    }

    pub(super) const fn is_unique(&self) -> bool {
        matches!(self.kind, Kind::Persistent { unique: true, .. })
    }

    /// What the document has in this index, unless it is in none.
    pub(super) fn entry(&self, document: &Value) -> Option<Vec<Value>> {
        let sparse = self.sorts()?;
        let path = |field: &String| field.split('.').fold(document.clone(), |value, name| value.attribute(name));
        let entry: Vec<Value> = self.fields.iter().map(path).collect();
        let left_out = sparse && entry.iter().any(|value| matches!(value, Value::Null));
        (!left_out).then_some(entry)
    }
}

/// Makes sure that there is such an index; also says whether it is new.
pub(crate) fn ensure(
    state: &mut State,
    collection: u64,
    kind: Kind,
    fields: Vec<String>,
    name: Option<&str>,
) -> Result<(Index, bool), Failure> {
    let id = state.next_id();
    let collection = state.collections.get_mut(&collection).ok_or_else(|| Failure::of(1203))?;
    if let Some(same) = collection.indexes.iter().find(|index| index.is_same(&kind, &fields)) {
        return Ok((same.clone(), false));
    }
    let is_ttl = |kind: &Kind| matches!(kind, Kind::Ttl { .. });
    if is_ttl(&kind) && collection.indexes.iter().any(|index| is_ttl(&index.kind)) {
        return Err(Failure::new(10, "there can only be one ttl index per collection"));
    }
    let name = name.map_or_else(|| format!("idx_{id}"), str::to_owned);
    if collection.indexes.iter().any(|index| index.name == name) {
        return Err(Failure::new(1005, format!("duplicate value for name: {name}")));
    }
    let index = Index { id, name, kind, fields };
    check_existing(collection, &index)?;
    collection.indexes.push(index.clone());
    collection.sort();
    Ok((index, true))
}

/// All indexes of a collection as they are shown.
pub(crate) fn shown(collection: &Collection) -> Vec<Json> {
    let primary = json!({
        "fields": ["_key"], "id": format!("{}/0", collection.name), "name": "primary", "selectivityEstimate": 1,
        "sparse": false, "type": "primary", "unique": true,
    });
    let own = collection.indexes.iter().map(|index| Json::Object(describe(&collection.name, index)));
    [primary].into_iter().chain(own).chain(collection.foreign_indexes.iter().cloned()).collect()
}

pub(crate) fn describe(collection: &str, index: &Index) -> Map<String, Json> {
    let own = match &index.kind {
        Kind::Ttl { expire_after } => json!({
            "estimates": false, "expireAfter": expire_after, "sparse": true, "type": "ttl", "unique": false,
        }),
        Kind::Persistent { unique, sparse } => json!({
            "cacheEnabled": false, "deduplicate": true, "estimates": true, "selectivityEstimate": 1,
            "sparse": sparse, "type": "persistent", "unique": unique,
        }),
    };
    let mut shown = match own {
        Json::Object(shown) => shown,
        _ => Map::new(),
    };
    shown.insert("fields".to_owned(), json!(index.fields));
    shown.insert("id".to_owned(), json!(format!("{collection}/{}", index.id)));
    shown.insert("name".to_owned(), json!(index.name));
    shown
}

fn check_existing(collection: &Collection, index: &Index) -> Result<(), Failure> {
    if !index.is_unique() {
        return Ok(());
    }
    let mut seen: Vec<Vec<Value>> = Vec::new();
    for (_, document) in collection.all_at(u64::MAX) {
        let Some(entry) = index.entry(document) else { continue };
        if seen.iter().any(|other| same(other, &entry)) {
            return Err(Failure::of(1210));
        }
        seen.push(entry);
    }
    Ok(())
}

pub(super) fn same(left: &[Value], right: &[Value]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| crate::value::equal(left, right))
}
