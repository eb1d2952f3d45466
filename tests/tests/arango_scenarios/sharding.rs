//! Databases of clusters on one shard, as fenced writes need them.

use arango_server::{ArangoServer, Builder, Level, Rights};
use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, ArangoBuilder, Error, LockManager, Result, Sharding};

use crate::{
    lab::{DATABASE, LOCKS, ask, root},
    secrets::PASSWORD,
};

fn bare(builder: Builder) -> ArangoServer {
    builder.user("root", PASSWORD, Rights::new(Level::ReadWrite)).start().expect("started")
}

fn cluster() -> ArangoServer {
    bare(ArangoServer::builder().coordinators(&[0]))
}

async fn connect(server: &ArangoServer, builder: ArangoBuilder) -> Result<ArangoBackend> {
    builder.create_database(true).connect(server.url(), DATABASE, root()).await
}

async fn make_database(server: &ArangoServer, options: Value) {
    let body = json!({ "name": DATABASE, "options": options });
    let request = reqwest::Client::new().post(format!("{}/_db/_system/_api/database", server.url()));
    let answer = request.basic_auth("root", Some(PASSWORD)).body(body.to_string()).send().await.expect("answered");
    assert_eq!(answer.status(), 201);
}

async fn properties(server: &ArangoServer) -> Value {
    ask(server, "GET", &format!("/_api/collection/{LOCKS}/properties"), &Value::Null).await
}

fn one_shard() -> ArangoBuilder {
    ArangoBackend::builder().sharding(Sharding::Single)
}

#[tokio::test]
async fn a_database_on_one_shard_can_be_made() {
    let server = cluster();
    let backend = connect(&server, one_shard().replication_factor(3).write_concern(2)).await.expect("connected");
    let current = ask(&server, "GET", "/_api/database/current", &Value::Null).await;
    assert_eq!(current["result"]["sharding"], "single");
    let properties = properties(&server).await;
    let shown = ["distributeShardsLike", "replicationFactor", "writeConcern"].map(|name| properties[name].clone());
    assert_eq!(shown, [json!("_graphs"), json!(3), json!(2)]);
    LockManager::new(backend).lock("x").acquire().await.expect("granted").release().await.expect("released");
    // And again, by whoever comes next.
    connect(&server, one_shard().replication_factor(3).write_concern(2)).await.expect("connected");
}

/// A number that is not the leading collection's is refused by the server: it is not asked for, but checked.
#[tokio::test]
async fn numbers_of_copies_are_those_of_the_leading_collection() {
    for (builder, low) in [
        (ArangoBackend::builder().replication_factor(2).write_concern(1), None),
        (ArangoBackend::builder().replication_factor(1), None),
        (ArangoBackend::builder().write_concern(2).replication_factor(2), Some("writeConcern")),
        (ArangoBackend::builder().replication_factor(3), Some("replicationFactor")),
        (ArangoBackend::builder(), None),
    ] {
        let shown = format!("{builder:?}");
        let server = cluster();
        make_database(&server, json!({ "sharding": "single" })).await;
        match (connect(&server, builder).await, low) {
            (Ok(_), None) => {}
            (Err(Error::InvalidOption { option: "collection", reason }), Some(low)) => {
                assert!(reason.contains(low) && reason.contains("follows `_graphs`"), "{shown}: {reason}");
            }
            (connected, _) => panic!("{shown}: {connected:?}"),
        }
        assert_eq!(properties(&server).await["replicationFactor"], 2, "it is made as the others are");
    }
}

#[tokio::test]
async fn a_database_that_was_made_otherwise_is_refused() {
    let server = cluster();
    make_database(&server, json!({ "sharding": "flexible" })).await;
    let error = connect(&server, one_shard()).await.expect_err("it is not on one shard");
    let Error::InvalidOption { option: "sharding", reason } = &error else { panic!("{error:?}") };
    assert!(reason.contains("cannot be changed"), "{reason}");
    assert_eq!(properties(&server).await["errorNum"], 1203, "nothing was made in it");
    connect(&server, ArangoBackend::builder()).await.expect("connected");
    connect(&server, ArangoBackend::builder().sharding(Sharding::Flexible)).await.expect("connected");
    // A single server has all on one server anyway.
    connect(&bare(ArangoServer::builder()), one_shard()).await.expect("connected");
}
