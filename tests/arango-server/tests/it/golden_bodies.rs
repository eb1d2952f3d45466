//! Golden facts about the HTTP interface: 2 to 5 and 13. The bodies are those recorded in the
//! documents of the real server; what differs from run to run is left out.

use arango_server::{ArangoServer, Generation};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Client, LOCKS, Reply, ready, ready_with};

/// Takes out what differs from run to run, which has to be there.
fn without(mut body: Json, names: &[&str]) -> Json {
    let object = body.as_object_mut().expect("an object");
    for name in names {
        assert!(object.remove(*name).is_some(), "{name} is missing");
    }
    body
}

#[tokio::test]
async fn fact_2_version_and_database() {
    let (_server, client) = ready().await;
    assert_eq!(
        client.get("/_api/version").await.json(),
        json!({ "server": "arango", "license": "enterprise", "version": "3.12.10", "apiVersions": ["v0"],
            "deprecatedApiVersions": [], "requestedApiVersion": "v0" })
    );
    assert_eq!(
        client.get("/_api/database/current").await.json(),
        json!({ "error": false, "code": 200,
            "result": { "id": "1", "name": "_system", "isSystem": true, "path": "none" } })
    );
    let created = client.post("/_db/_system/_api/database", &json!({ "name": "example" })).await;
    assert_eq!((created.status, created.json()), (201, json!({ "error": false, "code": 201, "result": true })));
    let current = client.get("/_db/example/_api/database/current").await.json();
    assert_eq!(current["result"]["name"], "example");
    let dropped = client.send(Method::DELETE, "/_api/database/example", None).await.expect("an answer");
    assert_eq!(dropped.json(), json!({ "error": false, "code": 200, "result": true }));
    assert_eq!(client.get("/_db/example/_api/database/current").await.error(), (404, 1228));
}

#[tokio::test]
async fn fact_2_collections() {
    let (_server, client) = ready().await;
    let created = client.post("/_api/collection", &json!({ "name": "testCollectionBasics" })).await;
    assert_eq!(created.status, 200);
    assert_eq!(
        without(created.json(), &["id", "globallyUniqueId", "objectId"]),
        json!({ "error": false, "code": 200, "writeConcern": 1, "waitForSync": false,
            "usesRevisionsAsDocumentIds": true, "syncByRevision": true, "supportsRBAC": true, "statusString": "loaded",
            "isSmartChild": false, "schema": null, "name": "testCollectionBasics", "type": 2, "status": 3,
            "cacheEnabled": false, "isSystem": false, "internalValidatorType": 0,
            "keyOptions": { "allowUserKeys": true, "type": "traditional", "lastValue": 0 }, "computedValues": null })
    );
    let got = client.get("/_api/collection/testCollectionBasics").await;
    let brief = json!({ "type": 2, "status": 3, "name": "testCollectionBasics", "isSystem": false });
    let mut shown = brief.clone();
    shown["error"] = json!(false);
    shown["code"] = json!(200);
    assert_eq!(without(got.json(), &["id", "globallyUniqueId"]), shown);
    let listed = client.get("/_api/collection").await.json();
    let listed = listed["result"].as_array().expect("a list").clone();
    assert!(listed.into_iter().any(|each| without(each, &["id", "globallyUniqueId"]) == brief));
    let dropped = client.send(Method::DELETE, "/_api/collection/testCollectionBasics", None).await.expect("an answer");
    assert_eq!(without(dropped.json(), &["id"]), json!({ "error": false, "code": 200 }));
    let gone = client.get("/_api/collection/testCollectionBasics").await;
    assert_eq!(gone.error(), (404, 1203));
}

#[tokio::test]
async fn fact_2_indexes() {
    let (_server, client) = ready().await;
    let path = format!("/_api/index?collection={LOCKS}");
    let ttl = client.post(&path, &json!({ "type": "ttl", "expireAfter": 3600, "fields": ["createdAt"] })).await;
    assert_eq!(ttl.status, 201);
    let shown = without(ttl.json(), &["id", "name"]);
    assert_eq!(shown["expireAfter"].as_f64(), Some(3600.0));
    assert_eq!(
        without(shown, &["expireAfter"]),
        json!({ "estimates": false, "fields": ["createdAt"], "isNewlyCreated": true, "sparse": true, "type": "ttl",
            "unique": false, "code": 201, "error": false })
    );
    let persistent = client.post(&path, &json!({ "type": "persistent", "unique": false, "fields": ["a", "b"] })).await;
    assert_eq!(
        without(persistent.json(), &["id", "name"]),
        json!({ "cacheEnabled": false, "deduplicate": true, "estimates": true, "fields": ["a", "b"],
            "isNewlyCreated": true, "selectivityEstimate": 1, "sparse": false, "type": "persistent", "unique": false,
            "code": 201, "error": false })
    );
    let listed = client.get(&path).await.json();
    let types: Vec<&Json> = listed["indexes"].as_array().expect("a list").iter().map(|index| &index["type"]).collect();
    assert_eq!(types, ["primary", "ttl", "persistent"]);
    assert_eq!(listed["identifiers"].as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn fact_2_cursors() {
    let (_server, client) = ready().await;
    let body = json!({ "query": "FOR i IN 1..5 RETURN i", "batchSize": 2 });
    let first = client.post("/_api/cursor", &body).await;
    let body = without(first.json(), &["id"]);
    assert_eq!((first.status, &body["result"], &body["hasMore"]), (201, &json!([1, 2]), &json!(true)));
    let stats = body["extra"]["stats"].as_object().expect("statistics").keys().cloned().collect::<Vec<_>>();
    let known = "cacheHits cacheMisses cursorsCreated cursorsRearmed documentLookups executionTime filtered \
        httpRequests intermediateCommits peakMemoryUsage scannedFull scannedIndex searchParallelism seeks \
        writesExecuted writesIgnored";
    assert_eq!(stats, known.split_whitespace().collect::<Vec<_>>());
    assert_eq!((&body["cached"], &body["extra"]["warnings"]), (&json!(false), &json!([])));
    assert_eq!(body["nextBatchId"], "2");
    let path = format!("/_api/cursor/{}", first.json()["id"].as_str().expect("an id"));
    let second = client.send(Method::POST, &path, None).await.expect("an answer");
    assert_eq!(
        (second.status, &second.json()["result"], &second.json()["nextBatchId"]),
        (200, &json!([3, 4]), &json!("3"))
    );
    let third = client.send(Method::PUT, &path, None).await.expect("an answer");
    assert_eq!((third.status, &third.json()["result"], &third.json()["hasMore"]), (200, &json!([5]), &json!(false)));
    let gone = client.send(Method::POST, &path, None).await.expect("an answer");
    assert_eq!(
        error_body(&gone),
        json!({ "code": 404, "error": true, "errorMessage": "cursor not found", "errorNum": 1600 })
    );
}

#[tokio::test]
async fn fact_2_errors_of_queries() {
    let (_server, client) = ready().await;
    let parsed =
        client.post("/_api/query", &json!({ "query": "FOR i IN 1..100 FILTER i = 1 LIMIT 2 RETURN i * 3" })).await;
    let message = "syntax error, unexpected assignment near '= 1 LIMIT 2 RETURN i * 3' at position 1:26";
    assert_eq!(error_body(&parsed), json!({ "code": 400, "error": true, "errorMessage": message, "errorNum": 1501 }));
    let unbound = client.query("FOR d IN shylock_locks FILTER d._key == @id RETURN d", json!({})).await;
    let message = "no value specified for declared bind parameter 'id' (while parsing)";
    assert_eq!(error_body(&unbound), json!({ "code": 400, "error": true, "errorMessage": message, "errorNum": 1551 }));
}

#[tokio::test]
async fn fact_3_empty_unknown_missing_and_ignored() {
    let (_server, client) = ready().await;
    let empty = client.post("/_api/cursor", &json!({})).await;
    assert_eq!(
        error_body(&empty),
        json!({ "code": 400, "error": true, "errorMessage": "query is empty", "errorNum": 1502 })
    );
    let unknown = client.query("FOR u IN unknowncoll LIMIT 2 RETURN u", json!({})).await;
    let message = "collection or view not found: unknowncoll";
    assert_eq!(error_body(&unknown), json!({ "code": 404, "error": true, "errorMessage": message, "errorNum": 1203 }));
    let missing = client.on_locks("REMOVE 'foo' IN @@locks", json!({})).await;
    assert_eq!(missing.error(), (404, 1202));
    let ignored = client.on_locks("REMOVE 'foo' IN @@locks OPTIONS { ignoreErrors: true }", json!({})).await;
    assert_eq!((ignored.status, ignored.rows().len()), (201, 0));
    assert_eq!((ignored.stat("writesExecuted"), ignored.stat("writesIgnored")), (0, 1));
}

#[tokio::test]
async fn fact_4_there_is_one_ttl_index() {
    let (_server, client) = ready().await;
    let path = format!("/_api/index?collection={LOCKS}");
    let ttl = |seconds: u64, name: &str| json!({ "type": "ttl", "expireAfter": seconds, "fields": ["expiresAt"], "name": name });
    assert_eq!(client.post(&path, &ttl(60, "one")).await.status, 201);
    let same = client.post(&path, &ttl(60, "two")).await;
    assert_eq!(
        (same.status, &same.json()["isNewlyCreated"], &same.json()["name"]),
        (200, &json!(false), &json!("one"))
    );
    assert_eq!(client.post(&path, &ttl(61, "one")).await.error(), (400, 10));
}

#[tokio::test]
async fn fact_5_duplicates_names_and_keys() {
    let (_server, client) = ready().await;
    assert_eq!(client.post("/_api/collection", &json!({ "name": LOCKS })).await.error(), (409, 1207));
    assert_eq!(client.post("/_api/collection", &json!({ "name": "1st" })).await.error(), (400, 1208));
    let database = json!({ "name": "d" });
    assert_eq!(client.post("/_api/database", &database).await.status, 201);
    assert_eq!(client.post("/_api/database", &database).await.error(), (409, 1207));
    assert_eq!(client.post("/_api/database", &json!({ "name": "ä" })).await.error(), (400, 1229));
    assert_eq!(client.post("/_db/d/_api/database", &json!({ "name": "e" })).await.error(), (403, 1230));
    assert_eq!(client.on_locks("INSERT { _key: 'a/b' } INTO @@locks", json!({})).await.error(), (400, 1221));
}

#[tokio::test]
async fn fact_13_unknown_paths_have_no_body() {
    let (_server, client) = ready().await;
    for path in ["/_api/nothing", "/nothing", "/_db/_system/_api/nothing"] {
        let reply = client.get(path).await;
        assert_eq!((reply.status, reply.text.as_str()), (404, ""), "{path}");
    }
}

#[tokio::test]
async fn headers_are_those_of_the_server() {
    let (_server, client) = ready().await;
    let reply = client.get("/_api/version").await;
    for (name, value) in [("server", "ArangoDB"), ("connection", "Keep-Alive"), ("content-type", "application/json")] {
        assert_eq!(reply.headers[name], value);
    }
    let root = client.get("/").await;
    assert_eq!(
        (root.status, &root.headers["location"]),
        (301, &"/_admin/aardvark/index.html".parse().expect("a value"))
    );
}

#[tokio::test]
async fn the_next_generation_leaves_things_out() {
    let (_server, client) = ready_with(ArangoServer::builder().generation(Generation::V4)).await;
    let collection = client.get(&format!("/_api/collection/{LOCKS}/properties")).await.json();
    assert_eq!((collection.get("status"), collection.get("statusString")), (None, None));
    assert_eq!(client.get("/_api/database/current").await.json()["result"].get("path"), None);
    assert_eq!(client.get("/").await.status, 404);
    let first = client.post("/_api/cursor", &json!({ "query": "FOR i IN 1..2 RETURN i", "batchSize": 1 })).await;
    let path = format!("/_api/cursor/{}", first.json()["id"].as_str().expect("an id"));
    assert_eq!(client.send(Method::PUT, &path, None).await.expect("an answer").error(), (405, 405));
    assert_eq!(client.send(Method::POST, &path, None).await.expect("an answer").rows(), [2]);
}

#[tokio::test]
async fn a_cluster_shows_shards_and_minds_their_keys() {
    let (server, client) = ready_with(ArangoServer::builder().coordinators(&[0, 0])).await;
    let shown = client.get(&format!("/_api/collection/{LOCKS}/properties")).await.json();
    assert_eq!((&shown["shardKeys"], &shown["numberOfShards"]), (&json!(["_key"]), &json!(1)));
    assert_eq!(shown.get("objectId"), None);
    let other = Client::new(&server.endpoint(1));
    other.post("/_api/collection", &json!({ "name": "two", "numberOfShards": 2, "shardKeys": ["a"] })).await;
    let unique = |field: &str| json!({ "type": "persistent", "unique": true, "fields": [field] });
    assert_eq!(client.post(&format!("/_api/index?collection={LOCKS}"), &unique("name")).await.status, 201);
    assert_eq!(client.post("/_api/index?collection=two", &unique("name")).await.error(), (501, 1470));
    assert_eq!(client.post("/_api/index?collection=two", &unique("a")).await.status, 201);
    assert_eq!(client.query("INSERT { _key: 'k', a: 1 } INTO two", json!({})).await.error(), (400, 1466));
    assert_eq!(client.query("INSERT { a: 1 } INTO two", json!({})).await.status, 201);
}

fn error_body(reply: &Reply) -> Json {
    assert_eq!(reply.json()["code"], reply.status);
    reply.json()
}
