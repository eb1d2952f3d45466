//! The indexes of a collection: which of them would harm locks, and which we want.

use std::time::Duration;

use serde_json::{Value, json};

use crate::number::double;

/// A TTL index that removes a record sooner could remove live leases, where servers' clocks differ.
const SOONEST: f64 = 3600.0;

/// The fields that records have.
const FIELDS: [&str; 10] =
    ["acquiredAt", "bytes", "expiresAt", "fences", "host", "name", "note", "owner", "pid", "token"];
/// Those that no two records have in common.
const UNIQUE: [&str; 4] = ["_id", "_key", "_rev", "name"];
/// Those that are a number in each record.
const NUMBERS: [&str; 3] = ["acquiredAt", "expiresAt", "token"];

/// Why locks cannot be kept beside one of these indexes: it could remove a record too early, or refuse one.
pub(crate) fn unfitness(listed: &Value) -> Option<String> {
    listed["indexes"].as_array()?.iter().find_map(|index| {
        let fields = fields(index);
        let (kind, list) = (index["type"].as_str().unwrap_or_default(), fields.join(", "));
        match kind {
            "ttl" if removes_early(index, &fields) => {
                Some(format!("has a TTL index on `{list}` that could remove live leases: drop it"))
            }
            // The indexes that each collection has.
            "primary" | "edge" => None,
            _ if is_unique(index) && refuses_doubles(index, &fields) => {
                Some(format!("has a unique index on `{list}`, which two records can have in common: drop it"))
            }
            "mdi" | "mdi-prefixed" | "zkd" | "vector" if refuses_others(kind, index, &fields) => {
                Some(format!("has an index of the type `{kind}` on `{list}`, which refuses our records: drop it"))
            }
            _ => None,
        }
    })
}

/// The indexes that are not there, as they are asked for. They are made in the background: an index that is made in
/// the foreground keeps all writers out meanwhile.
pub(crate) fn missing(listed: &Value, retention: Duration) -> Vec<Value> {
    let all = listed["indexes"].as_array().map_or(&[][..], Vec::as_slice);
    let mut missing = Vec::new();
    if !all.iter().any(|index| index["type"] == "ttl") {
        let after = retention.as_secs();
        missing.push(json!({ "type": "ttl", "fields": ["expiresAt"], "expireAfter": after, "inBackground": true }));
    }
    if !all.iter().any(is_of_live_leases) {
        missing.push(json!({
            "type": "persistent", "fields": ["bytes"], "sparse": true, "estimates": false, "inBackground": true,
        }));
    }
    missing
}

/// What an operator should know of them.
pub(crate) fn weaknesses(listed: &Value, retention: Duration) -> Vec<String> {
    let missing = missing(listed, retention);
    let missing = missing.iter().map(|index| format!("an index is missing: {}", without(index)));
    of_others(listed, retention).into_iter().chain(missing).collect()
}

/// What is so for want of this index.
pub(crate) fn without(index: &Value) -> &'static str {
    if index["type"] == "ttl" {
        "without a TTL index on `expiresAt`, records of idle locks stay"
    } else {
        "without a sparse index on `bytes`, listing locks reads the records of idle ones, too"
    }
}

/// What is not as it is configured because others have made it otherwise: a collection has one TTL index.
pub(crate) fn of_others(listed: &Value, retention: Duration) -> Vec<String> {
    let all = listed["indexes"].as_array().into_iter().flatten();
    let ttl = all
        .filter(|index| index["type"] == "ttl")
        .find(|index| fields(index) != ["expiresAt"] || double(&index["expireAfter"]) != Some(retention.as_secs_f64()));
    ttl.into_iter()
        .map(|index| {
            let after = double(&index["expireAfter"]).unwrap_or_default();
            let other = format!("there is one on `{}`, of {after} s", fields(index).join(", "));
            format!("the TTL index on `expiresAt` could not be made as it is configured: {other}")
        })
        .collect()
}

/// Free locks have no `bytes`, and a sparse index has only what is there.
fn is_of_live_leases(index: &Value) -> bool {
    let kinds = ["persistent", "skiplist", "hash"];
    index["type"].as_str().is_some_and(|kind| kinds.contains(&kind))
        && fields(index) == ["bytes"]
        && index["sparse"] == true
        && !is_unique(index)
}

fn removes_early(index: &Value, fields: &[&str]) -> bool {
    let after = double(&index["expireAfter"]).unwrap_or_default();
    match fields {
        ["expiresAt"] => after < SOONEST,
        _ => fields.iter().any(|field| FIELDS.contains(field)),
    }
}

fn is_unique(index: &Value) -> bool {
    index["unique"] == true
}

/// What is missing counts as null, which a sparse index leaves out.
fn refuses_doubles(index: &Value, fields: &[&str]) -> bool {
    !fields.iter().any(|field| UNIQUE.contains(field)) && !leaves_us_out(index, fields)
}

/// Whether an index that takes numbers, or arrays of them, refuses a record.
fn refuses_others(kind: &str, index: &Value, fields: &[&str]) -> bool {
    let are_numbers = kind != "vector" && fields.iter().all(|field| NUMBERS.contains(field));
    !are_numbers && !leaves_us_out(index, fields)
}

fn leaves_us_out(index: &Value, fields: &[&str]) -> bool {
    index["sparse"] == true && fields.iter().any(|field| !FIELDS.contains(field))
}

fn fields(index: &Value) -> Vec<&str> {
    index["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn beside(index: Value) -> Value {
        let primary = json!({ "type": "primary", "fields": ["_key"], "unique": true });
        json!({ "indexes": [primary, { "type": "inverted", "fields": [{}] }, index] })
    }

    #[test]
    fn indexes_that_remove_too_early_are_recognised() {
        let ttl = |field: &str, after: Value| beside(json!({ "type": "ttl", "fields": [field], "expireAfter": after }));
        for fine in [ttl("expiresAt", json!(86400)), ttl("expiresAt", json!(3.6e3)), ttl("createdAt", json!(0))] {
            assert_eq!(unfitness(&fine), None, "{fine}");
        }
        for bad in [
            ttl("expiresAt", json!(0)),
            ttl("expiresAt", Value::Null),
            ttl("acquiredAt", json!(86400)),
            ttl("pid", json!(86400)),
            ttl("fences", json!(86400)),
            ttl("note", json!(86400)),
        ] {
            assert!(unfitness(&bad).is_some_and(|reason| reason.contains("TTL index")), "{bad}");
        }
        assert_eq!(unfitness(&json!({})), None);
    }

    #[test]
    fn indexes_that_refuse_records_are_recognised() {
        let unique = |fields: Value, sparse: bool| {
            beside(json!({ "type": "persistent", "unique": true, "fields": fields, "sparse": sparse }))
        };
        let of_kind = |kind: &str, fields: Value, sparse: bool| {
            beside(json!({ "type": kind, "fields": fields, "sparse": sparse }))
        };
        for fine in [
            unique(json!(["name"]), false),
            unique(json!(["owner", "_key"]), false),
            unique(json!(["x"]), true),
            unique(json!(["owner", "x"]), true),
            of_kind("persistent", json!(["owner"]), false),
            of_kind("mdi", json!(["expiresAt", "token"]), false),
            of_kind("mdi", json!(["x", "y"]), true),
            of_kind("zkd", json!(["x"]), true),
            of_kind("geo", json!(["note"]), false),
            of_kind("of-next-year", json!(["owner"]), false),
        ] {
            assert_eq!(unfitness(&fine), None, "{fine}");
        }
        for bad in [
            unique(json!(["owner"]), false),
            unique(json!(["token"]), true),
            unique(json!(["expiresAt", "host"]), false),
            // Missing in every record, and so the same.
            unique(json!(["x"]), false),
            of_kind("mdi", json!(["x", "y"]), false),
            of_kind("mdi-prefixed", json!(["expiresAt", "pid"]), false),
            of_kind("zkd", json!(["note"]), true),
            of_kind("vector", json!(["x"]), false),
        ] {
            assert!(unfitness(&bad).is_some_and(|reason| reason.contains("drop it")), "{bad}");
        }
    }

    #[test]
    fn what_is_not_there_is_asked_for_and_warned_of() {
        let ttl = json!({ "type": "ttl", "fields": ["expiresAt"], "expireAfter": 86400 });
        let live = json!({ "type": "persistent", "fields": ["bytes"], "sparse": true, "unique": false });
        let full = json!({ "type": "persistent", "fields": ["bytes"], "sparse": false, "unique": false });
        let listed = |indexes: &[&Value]| json!({ "indexes": indexes });
        for (indexes, asked_for, warned_of) in [
            (listed(&[&ttl, &live]), 0, 0),
            (listed(&[&ttl]), 1, 1),
            (listed(&[&ttl, &full]), 1, 1),
            (listed(&[&live]), 1, 1),
            (json!({}), 2, 2),
        ] {
            assert_eq!(missing(&indexes, DAY).len(), asked_for, "{indexes}");
            assert_eq!(weaknesses(&indexes, DAY).len(), warned_of, "{indexes}");
        }
        // Another TTL index cannot be made beside one that is there.
        for (field, after) in [("expiresAt", 7200), ("x", 86400)] {
            let other = json!({ "type": "ttl", "fields": [field], "expireAfter": after });
            let indexes = listed(&[&other, &live]);
            assert_eq!((missing(&indexes, DAY).len(), weaknesses(&indexes, DAY).len()), (0, 1), "{indexes}");
        }
    }
}
