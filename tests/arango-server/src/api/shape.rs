//! How collections look.

use serde_json::{Map, Value as Json, json};

use crate::{
    settings::{Generation, Settings},
    store::Collection,
};

/// A few words, as in lists.
pub(super) fn brief(collection: &Collection, settings: &Settings) -> Map<String, Json> {
    let mut shown = map(json!({
        "id": collection.id.to_string(), "name": collection.name, "type": collection.properties.kind,
        "isSystem": collection.name.starts_with('_'), "globallyUniqueId": format!("h5C3DDE5391BF/{}", collection.id),
    }));
    if settings.generation == Generation::V3 {
        shown.insert("status".to_owned(), json!(3));
    }
    shown
}

/// All there is.
pub(super) fn full(collection: &Collection, settings: &Settings) -> Map<String, Json> {
    let properties = &collection.properties;
    let mut shown = brief(collection, settings);
    shown.append(&mut map(json!({
        "writeConcern": properties.write_concern, "waitForSync": properties.wait_for_sync,
        "usesRevisionsAsDocumentIds": true, "syncByRevision": true, "supportsRBAC": true, "isSmartChild": false,
        "cacheEnabled": properties.cache_enabled, "internalValidatorType": 0,
        "keyOptions": {
            "allowUserKeys": properties.allow_user_keys, "type": "traditional", "lastValue": collection.last_key,
        },
    })));
    shown.append(&mut properties.shown_only.clone());
    if settings.generation == Generation::V3 {
        shown.insert("statusString".to_owned(), json!("loaded"));
    }
    if settings.cluster {
        shown.append(&mut map(json!({
            "numberOfShards": properties.number_of_shards, "shardKeys": properties.shard_keys,
            "replicationFactor": match properties.replication_factor {
                0 => json!("satellite"),
                copies => json!(copies),
            },
            "shardingStrategy": "hash", "isDisjoint": false,
        })));
        shown.entry("isSmart").or_insert(json!(false));
        if let Some(leader) = properties.distribute_shards_like {
            shown.insert("distributeShardsLike".to_owned(), json!(leader));
        }
        if settings.generation == Generation::V3 {
            shown.insert("minReplicationFactor".to_owned(), json!(properties.write_concern));
        }
    } else {
        shown.insert("objectId".to_owned(), json!((collection.id + 1).to_string()));
    }
    shown
}

fn map(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}
