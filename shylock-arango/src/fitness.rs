//! Whether a collection can hold locks, by what the server tells of it.

use serde_json::Value;

use crate::{
    builder::Settings,
    number::{double, whole},
};

/// A TTL index that removes a record sooner could remove live leases, where servers' clocks differ.
const SOONEST: f64 = 3600.0;

/// The kind of a deployment, by the properties of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Cluster,
}

impl Kind {
    /// Only clusters tell of shards.
    pub(crate) fn of(properties: &Value) -> Self {
        let told = ["shardKeys", "numberOfShards", "replicationFactor"].iter().any(|of| !properties[of].is_null());
        if told { Self::Cluster } else { Self::Single }
    }
}

/// Why a collection cannot hold locks, by its properties.
pub(crate) fn unfitness(properties: &Value, settings: &Settings) -> Option<String> {
    if whole(&properties["type"]).is_some_and(|kind| kind != 2) {
        return Some("is no document collection".into());
    }
    if properties["keyOptions"]["allowUserKeys"].as_bool() == Some(false) {
        return Some("takes no keys of ours (`allowUserKeys`)".into());
    }
    let shard_keys = &properties["shardKeys"];
    if !shard_keys.is_null() && *shard_keys != Value::from(vec!["_key"]) {
        return Some(
            "is sharded by something else than `_key`: two shards could each hold a record of one lock".into(),
        );
    }
    if Kind::of(properties) == Kind::Single {
        // Two single servers have nothing to do with each other, and one of them would do with one endpoint.
        let several = settings.endpoints > 1;
        return several.then(|| "is on a single server, but there are several endpoints".into());
    }
    let wanted = [("replicationFactor", settings.replication_factor), ("writeConcern", settings.write_concern)];
    wanted.into_iter().find_map(|(name, wanted)| {
        // A replication factor may also be `satellite`, which is all servers.
        let has = whole(&properties[name])?;
        (has < u64::from(wanted?)).then(|| format!("has a lower `{name}` than was asked for: {has}"))
    })
}

/// What an operator should know of a collection that will do all the same.
pub(crate) fn weakness(properties: &Value) -> Option<&'static str> {
    if Kind::of(properties) == Kind::Single {
        return None;
    }
    let at_most_one = |name: &str| whole(&properties[name]).is_some_and(|copies| copies <= 1);
    if at_most_one("replicationFactor") {
        return Some("its `replicationFactor` is 1: its locks are out of reach, or gone, with one server");
    }
    at_most_one("writeConcern").then_some(
        "its `writeConcern` is 1: a server that dies can take a grant with it, and the lock has two holders; set it to 2",
    )
}

/// Why the collection's indexes could remove records too early.
pub(crate) fn index_unfitness(indexes: &Value) -> Option<String> {
    let all = indexes["indexes"].as_array()?;
    all.iter().filter(|index| index["type"] == "ttl").find_map(|index| {
        let field = index["fields"][0].as_str().unwrap_or_default();
        let after = double(&index["expireAfter"]).unwrap_or_default();
        let harmless = match field {
            "expiresAt" => after >= SOONEST,
            "acquiredAt" | "token" => false,
            _ => true,
        };
        (!harmless).then(|| format!("has a TTL index on `{field}` that could remove live leases: drop it"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster() -> Value {
        json!({
            "type": 2, "keyOptions": { "allowUserKeys": true, "type": "traditional" }, "schema": null,
            "shardKeys": ["_key"], "numberOfShards": 1, "replicationFactor": 3, "writeConcern": 2,
        })
    }

    fn single() -> Value {
        json!({ "type": 2, "keyOptions": { "allowUserKeys": true }, "writeConcern": 1, "objectId": "70138" })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut properties = cluster();
        properties[field] = value;
        properties
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(Kind::of(&single()), Kind::Single);
        assert_eq!(Kind::of(&cluster()), Kind::Cluster);
    }

    #[test]
    fn collections_that_cannot_hold_locks_are_recognised() {
        let settings = Settings::default();
        assert_eq!((unfitness(&single(), &settings), unfitness(&cluster(), &settings)), (None, None));
        for unfit in [
            with("type", json!(3)),
            with("keyOptions", json!({ "allowUserKeys": false })),
            with("shardKeys", json!(["name"])),
            with("shardKeys", json!(["_key", "name"])),
        ] {
            assert!(unfitness(&unfit, &settings).is_some(), "{unfit}");
        }
        let several = Settings { endpoints: 2, ..Settings::default() };
        assert!(unfitness(&single(), &several).is_some(), "two single servers would each grant a lock");
        assert_eq!(unfitness(&cluster(), &several), None);
    }

    #[test]
    fn what_was_asked_for_is_there() {
        let settings = Settings { replication_factor: Some(3), write_concern: Some(2), ..Settings::default() };
        assert_eq!((unfitness(&cluster(), &settings), unfitness(&single(), &settings)), (None, None));
        assert_eq!(unfitness(&with("replicationFactor", json!("satellite")), &settings), None);
        assert_eq!(unfitness(&with("replicationFactor", json!(3.0)), &settings), None);
        assert!(unfitness(&with("replicationFactor", json!(2)), &settings).is_some());
        assert!(unfitness(&with("writeConcern", json!(1)), &settings).is_some());
    }

    #[test]
    fn weak_clusters_are_worth_a_warning() {
        assert_eq!((weakness(&cluster()), weakness(&single())), (None, None));
        assert!(weakness(&with("replicationFactor", json!(1))).is_some());
        assert!(weakness(&with("writeConcern", json!(1))).is_some());
    }

    #[test]
    fn indexes_that_remove_too_early_are_recognised() {
        let with = |index: Value| {
            let others =
                [json!({ "type": "primary", "fields": ["_key"] }), json!({ "type": "inverted", "fields": [{}] })];
            json!({ "indexes": [others[0], others[1], index] })
        };
        let ttl = |field: &str, after: Value| with(json!({ "type": "ttl", "fields": [field], "expireAfter": after }));
        for fine in [ttl("expiresAt", json!(86400)), ttl("expiresAt", json!(3.6e3)), ttl("createdAt", json!(0))] {
            assert_eq!(index_unfitness(&fine), None, "{fine}");
        }
        for bad in [ttl("expiresAt", json!(0)), ttl("expiresAt", Value::Null), ttl("acquiredAt", json!(86400))] {
            assert!(index_unfitness(&bad).is_some(), "{bad}");
        }
        assert_eq!(index_unfitness(&json!({})), None);
    }
}
