//! Whether a collection can hold locks, by what the server tells of it and of its database.

use serde_json::Value;

use crate::{builder::Settings, number::whole};

/// The kind of a deployment, by the properties of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Single,
    Cluster,
}

impl Kind {
    /// Only a cluster tells of shards.
    pub(crate) fn of(properties: &Value) -> Self {
        if properties["numberOfShards"].is_null() { Self::Single } else { Self::Cluster }
    }
}

/// Why a collection cannot hold locks, by its properties.
pub(crate) fn unfitness(properties: &Value, settings: &Settings) -> Option<String> {
    let is_given = |name: &str| !matches!(&properties[name], Value::Null | Value::Bool(false));
    if whole(&properties["type"]).is_some_and(|kind| kind != 2) {
        return Some("is no document collection".into());
    }
    if properties["keyOptions"]["allowUserKeys"].as_bool() == Some(false) {
        return Some("takes no keys of ours (`allowUserKeys`)".into());
    }
    if ["isSmart", "smartGraphAttribute", "smartJoinAttribute"].into_iter().any(is_given) {
        return Some("belongs to a SmartGraph or a SmartJoin, which ask for other keys than ours".into());
    }
    if properties["computedValues"].as_array().is_some_and(|values| !values.is_empty()) {
        return Some("has `computedValues`, which change what we write, and write where we do not".into());
    }
    if Kind::of(properties) == Kind::Single {
        // Two single servers have nothing to do with each other, and one of them would do with one endpoint.
        let several = settings.endpoints > 1;
        return several.then(|| "is on a single server, but there are several endpoints".into());
    }
    if properties["shardKeys"] != Value::from(vec!["_key"]) {
        return Some(
            "is sharded by something else than `_key`: two shards could each hold a record of one lock".into(),
        );
    }
    let wanted = [("replicationFactor", settings.replication_factor), ("writeConcern", settings.write_concern)];
    let too_low = wanted.into_iter().find_map(|(name, wanted)| {
        let has = whole(&properties[name])?;
        (has < u64::from(wanted?)).then(|| format!("has a lower `{name}` than was asked for: {has}"))
    });
    // A collection on all servers has no numbers of its own.
    let reason = too_low.filter(|_| !is_satellite(properties))?;
    Some(match properties["distributeShardsLike"].as_str() {
        Some(leader) => format!("{reason}; it follows `{leader}`, whose properties have to be changed"),
        None => reason,
    })
}

/// What an operator should know of a collection that will do all the same.
pub(crate) fn weaknesses(properties: &Value) -> Vec<String> {
    let mut weaknesses = Vec::new();
    let schema = &properties["schema"];
    if !schema.is_null() && schema["level"] != "none" {
        weaknesses
            .push("it has a `schema`: whatever that refuses, acquiring and releasing fails with error 1620".into());
    }
    if Kind::of(properties) == Kind::Single {
        return weaknesses;
    }
    let at_most_one = |name: &str| whole(&properties[name]).is_some_and(|copies| copies <= 1);
    if is_satellite(properties) {
        weaknesses.push("it is on all servers (`satellite`): no write can be fenced by its locks".into());
    } else if at_most_one("replicationFactor") {
        weaknesses.push("its `replicationFactor` is 1: its locks are out of reach, or gone, with one server".into());
    } else if at_most_one("writeConcern") {
        let risk = "a server that dies can take a grant with it, and the lock has two holders; set it to 2";
        weaknesses.push(format!("its `writeConcern` is 1: {risk}"));
    }
    weaknesses
}

/// Whether all collections of a cluster's database are on one server, by what `/_api/database/current` answers.
pub(crate) fn is_one_shard(current: &Value) -> Option<bool> {
    current["result"]["sharding"].as_str().map(|sharding| sharding == "single")
}

fn is_satellite(properties: &Value) -> bool {
    let copies = &properties["replicationFactor"];
    copies == "satellite" || whole(copies) == Some(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cluster() -> Value {
        json!({
            "type": 2, "keyOptions": { "allowUserKeys": true, "type": "traditional" }, "schema": null, "isSmart": false,
            "shardKeys": ["_key"], "numberOfShards": 1, "replicationFactor": 3, "writeConcern": 2, "computedValues": null,
        })
    }

    fn single() -> Value {
        json!({ "type": 2, "keyOptions": { "allowUserKeys": true }, "writeConcern": 1, "objectId": "70138" })
    }

    fn with(mut properties: Value, field: &str, value: Value) -> Value {
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
        for properties in [single(), cluster()] {
            assert_eq!(unfitness(&properties, &settings), None);
            for fine in [
                with(properties.clone(), "computedValues", json!([])),
                with(properties.clone(), "cacheEnabled", json!(true)),
                with(properties.clone(), "waitForSync", json!(true)),
                with(properties.clone(), "syncByRevision", json!(false)),
                with(properties.clone(), "keyOptions", json!({ "type": "uuid", "allowUserKeys": true })),
                with(properties.clone(), "schema", json!({ "level": "strict" })),
            ] {
                assert_eq!(unfitness(&fine, &settings), None, "{fine}");
            }
            for unfit in [
                with(properties.clone(), "type", json!(3)),
                with(properties.clone(), "keyOptions", json!({ "allowUserKeys": false })),
                with(properties.clone(), "computedValues", json!([{ "name": "owner" }])),
                with(properties.clone(), "isSmart", json!(true)),
                with(properties.clone(), "smartGraphAttribute", json!("region")),
                with(properties.clone(), "smartJoinAttribute", json!("name")),
            ] {
                assert!(unfitness(&unfit, &settings).is_some(), "{unfit}");
            }
        }
        for keys in [json!(["name"]), json!(["_key", "name"]), json!(["_key:"]), Value::Null] {
            assert!(unfitness(&with(cluster(), "shardKeys", keys), &settings).is_some());
        }
        let several = Settings { endpoints: 2, ..Settings::default() };
        assert!(unfitness(&single(), &several).is_some(), "two single servers would each grant a lock");
        assert_eq!(unfitness(&cluster(), &several), None);
    }

    #[test]
    fn what_was_asked_for_is_there() {
        let settings = Settings { replication_factor: Some(3), write_concern: Some(2), ..Settings::default() };
        assert_eq!((unfitness(&cluster(), &settings), unfitness(&single(), &settings)), (None, None));
        for all_servers in [json!("satellite"), json!(0)] {
            let satellite = with(with(cluster(), "replicationFactor", all_servers), "writeConcern", json!(0));
            assert_eq!(unfitness(&satellite, &settings), None);
        }
        assert_eq!(unfitness(&with(cluster(), "replicationFactor", json!(3.0)), &settings), None);
        assert!(unfitness(&with(cluster(), "replicationFactor", json!(2)), &settings).is_some());
        let follower = with(with(cluster(), "writeConcern", json!(1)), "distributeShardsLike", json!("_graphs"));
        let reason = unfitness(&follower, &settings).expect("too low");
        assert!(reason.contains("`writeConcern`") && reason.contains("`_graphs`"), "{reason}");
    }

    #[test]
    fn weak_collections_are_worth_a_warning() {
        for fine in [cluster(), single(), with(single(), "schema", json!({ "rule": {}, "level": "none" }))] {
            assert_eq!(weaknesses(&fine), [""; 0], "{fine}");
        }
        for (weak, says) in [
            (with(cluster(), "replicationFactor", json!(1)), "`replicationFactor` is 1"),
            (with(cluster(), "writeConcern", json!(1)), "`writeConcern` is 1"),
            (with(with(cluster(), "replicationFactor", json!("satellite")), "writeConcern", json!(0)), "`satellite`"),
            (with(single(), "schema", json!({ "rule": {} })), "1620"),
            (with(cluster(), "schema", json!({ "rule": {}, "level": "new" })), "1620"),
        ] {
            let weaknesses = weaknesses(&weak);
            assert!(weaknesses.len() == 1 && weaknesses[0].contains(says), "{weak}: {weaknesses:?}");
        }
    }

    #[test]
    fn a_database_on_one_shard_is_recognised() {
        for (sharding, answer) in [("single", true), ("flexible", false), ("", false)] {
            assert_eq!(is_one_shard(&json!({ "result": { "sharding": sharding } })), Some(answer), "{sharding}");
        }
        assert_eq!(is_one_shard(&json!({ "result": { "name": "x" } })), None, "a single server");
    }
}
