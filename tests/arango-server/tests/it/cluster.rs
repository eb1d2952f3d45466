//! Clusters: databases on one shard, satellites, and what properties they show.

use arango_server::{ArangoServer, Generation};
use serde_json::{Value as Json, json};

use super::client::{Client, ready_with};

async fn cluster(generation: Generation) -> (ArangoServer, Client) {
    ready_with(ArangoServer::builder().generation(generation).coordinators(&[0])).await
}

async fn database(client: &Client, name: &str, options: Json) -> (u16, Json) {
    let made = client.post("/_db/_system/_api/database", &json!({ "name": name, "options": options })).await;
    (made.status, client.get(&format!("/_db/{name}/_api/database/current")).await.json()["result"].clone())
}

async fn collection(client: &Client, database: &str, name: &str, mut properties: Json) -> Result<Json, (u16, u64)> {
    properties["name"] = json!(name);
    let made = client.post(&format!("/_db/{database}/_api/collection"), &properties).await;
    if made.status == 200 { Ok(made.json()) } else { Err(made.error()) }
}

#[tokio::test]
async fn collections_of_a_database_on_one_shard_follow_its_leader() {
    let (_server, client) = cluster(Generation::V3).await;
    let (status, current) = database(&client, "one", json!({ "sharding": "single", "writeConcern": 2 })).await;
    assert_eq!((status, &current["sharding"], &current["replicationFactor"]), (201, &json!("single"), &json!(1)));
    let made = collection(&client, "one", "a", json!({})).await.expect("made");
    let shown = ["numberOfShards", "replicationFactor", "writeConcern", "distributeShardsLike"];
    assert_eq!(shown.map(|name| made[name].clone()), [json!(1), json!(2), json!(2), json!("_graphs")]);
    let same = json!({ "numberOfShards": 1, "shardKeys": ["_key"], "replicationFactor": 2, "writeConcern": 2 });
    assert!(collection(&client, "one", "b", same).await.is_ok());
    for other in [
        json!({ "replicationFactor": 3 }),
        json!({ "writeConcern": 1 }),
        json!({ "numberOfShards": 2 }),
        json!({ "distributeShardsLike": "a" }),
    ] {
        assert_eq!(collection(&client, "one", "c", other.clone()).await, Err((400, 10)), "{other}");
    }
    assert_eq!(database(&client, "odd", json!({ "sharding": "double" })).await.0, 400);
    let (_, flexible) = database(&client, "many", json!({ "replicationFactor": 3 })).await;
    assert_eq!(flexible["sharding"], "");
    let made = collection(&client, "many", "c", json!({ "writeConcern": 3 })).await.expect("made");
    assert_eq!((&made["replicationFactor"], &made["writeConcern"]), (&json!(3), &json!(3)));
    assert_eq!(collection(&client, "many", "d", json!({ "writeConcern": 4 })).await, Err((400, 10)));
}

#[tokio::test]
async fn properties_are_shown_as_the_generation_has_them() {
    for (generation, old) in [(Generation::V3, json!(1)), (Generation::V4, Json::Null)] {
        let (_server, client) = cluster(generation).await;
        let made = collection(&client, "_system", "a", json!({ "replicationFactor": 2 })).await.expect("made");
        assert_eq!((&made["minReplicationFactor"], &made["isSmart"]), (&old, &json!(false)));
        let made =
            collection(&client, "_system", "b", json!({ "replicationFactor": "satellite" })).await.expect("made");
        assert_eq!((&made["replicationFactor"], &made["writeConcern"]), (&json!("satellite"), &json!(0)));
    }
    let (_server, client) = ready_with(ArangoServer::builder()).await;
    let given = json!({ "replicationFactor": 3, "numberOfShards": 5, "schema": { "level": "new" } });
    let made = collection(&client, "_system", "a", given).await.expect("made");
    let (shown, hidden) = (&made["schema"]["level"], [&made["replicationFactor"], &made["numberOfShards"]]);
    assert_eq!((shown, hidden), (&json!("new"), [&Json::Null; 2]), "a single server takes no notice of a cluster's");
}
