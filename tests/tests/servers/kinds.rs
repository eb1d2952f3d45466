//! Each kind of server has the topology it should have, wherever it comes from.

use std::thread;

use mongodb::{
    Client,
    bson::{Document, doc},
    error::ErrorKind,
};
use shylock_tests::{Kind, Mongo, Source, Version};
use tokio::runtime::Builder;

use crate::sources;

#[tokio::test]
async fn a_standalone_is_no_member_of_anything() {
    let mongo = Mongo::standalone().await;
    let hello = hello_from_what_can_be_written_to(&mongo).await;
    if is_what_was_asked_for().await {
        assert!(hello.get("setName").is_none(), "{hello}");
    }
}

#[tokio::test]
async fn a_replica_set_of_one_has_a_primary() {
    let mongo = Mongo::replica_set(1).await;
    let hello = hello_from_what_can_be_written_to(&mongo).await;
    if is_what_was_asked_for().await {
        assert_set(&hello, &mongo, 1);
    }
}

#[tokio::test]
async fn a_replica_set_of_three_has_a_primary_and_a_majority() {
    let mongo = Mongo::replica_set(3).await;
    let hello = hello_from_what_can_be_written_to(&mongo).await;
    if is_what_was_asked_for().await {
        assert_set(&hello, &mongo, 3);
    }
}

#[tokio::test]
async fn a_server_with_authentication_knows_who_may_do_what() {
    let mongo = Mongo::with_auth().await;
    hello_from_what_can_be_written_to(&mongo).await;
    let name = format!("reader {}", std::process::id()); // a given server may be asked twice
    let of = |collection: &str| doc! { "db": "shylock_tests", "collection": collection };
    let reading = doc! { "resource": of("open"), "actions": ["find"] };
    mongo.create_user(&name, "p@ss/word?", vec![reading]).await;
    let reader = Client::with_uri_str(mongo.uri_for(&name, "p@ss/word?")).await;
    let reader = reader.expect("a client").database("shylock_tests");

    let find = |collection: &str| reader.run_command(doc! { "find": collection });
    find("open").await.expect("a collection that may be read");
    if is_what_was_asked_for().await {
        assert_unauthorized(find("closed").await);
        let stranger = format!("mongodb://{}/?directConnection=true", mongo.hosts());
        let stranger = Client::with_uri_str(stranger).await.expect("a client");
        let find = doc! { "find": "open" };
        assert_unauthorized(stranger.database("shylock_tests").run_command(find).await);
    }
}

#[tokio::test]
async fn each_version_is_the_one_that_was_asked_for() {
    for version in Version::ALL {
        let mongo = Mongo::of(version, Kind::Standalone).await;
        hello_from_what_can_be_written_to(&mongo).await;
        if is_what_was_asked_for().await {
            let only = std::env::var("SHYLOCK_TEST_MONGODB_VERSION").unwrap_or_else(|_| version.to_string());
            assert!(mongo.version().starts_with(&only), "{} is not {only}", mongo.version());
        }
    }
}

#[tokio::test]
async fn every_source_has_every_kind() {
    for source in sources::all().await {
        for kind in [Kind::Standalone, Kind::ReplicaSet(1), Kind::WithAuth] {
            let mongo = Mongo::start(kind, source).await;
            let hello = hello_from_what_can_be_written_to(&mongo).await;
            if source != Source::Given {
                let is_set = hello.get("setName").is_some();
                assert_eq!(is_set, kind == Kind::ReplicaSet(1), "{kind} from {source}: {hello}");
            }
        }
    }
}

#[test]
fn tests_share_servers_across_runtimes() {
    let uris = [(); 2].map(|()| {
        let test = || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mongo = Mongo::standalone().await;
                hello_from_what_can_be_written_to(&mongo).await;
                mongo.uri()
            })
        };
        thread::spawn(test).join().expect("an answer")
    });
    assert_eq!(uris[0], uris[1]);
}

/// False where the caller of the tests has decided which server there is.
async fn is_what_was_asked_for() -> bool {
    sources::all().await != [Source::Given]
}

async fn hello_from_what_can_be_written_to(mongo: &Mongo) -> Document {
    let client = mongo.client().await;
    let database = client.database("shylock_tests");
    let written = database.collection("written").insert_one(doc! {}).await;
    written.expect("a server that takes writes");
    let hello = database.run_command(doc! { "hello": 1 }).await;
    hello.expect("an answer to hello")
}

fn assert_set(hello: &Document, mongo: &Mongo, members: usize) {
    assert_eq!(hello.get_str("setName").ok(), Some("shylock"));
    let hosts = hello.get_array("hosts").expect("the members");
    assert_eq!(hosts.len(), members);
    for host in hosts {
        let host = host.as_str().expect("a host");
        assert!(mongo.hosts().contains(host), "{host} not in {mongo:?}");
    }
}

fn assert_unauthorized(result: mongodb::error::Result<Document>) {
    const UNAUTHORIZED: i32 = 13;
    let error = result.expect_err("no right to do that");
    match error.kind.as_ref() {
        ErrorKind::Command(error) if error.code == UNAUTHORIZED => {}
        other => panic!("not unauthorized, but {other:?}"),
    }
}
