//! Making a replica set of servers that run.

use mongodb::bson::{Document, doc};

use super::{
    connection_string::ConnectionString,
    failure::{Result, While},
    node::Node,
    polling::{self, State},
    version::{Version, series},
};

/// Its name.
pub(crate) const NAME: &str = "shylock";

/// Initiates the set, and waits until it has a primary and the others are secondaries.
pub(crate) async fn initiate(nodes: &[Node]) -> Result<()> {
    let members: Vec<Document> =
        (0_i32..).zip(nodes).map(|(id, node)| doc! { "_id": id, "host": &node.address }).collect();
    let settings = doc! { "electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500 };
    let configuration = doc! { "_id": NAME, "members": members, "settings": settings };
    let command = doc! { "replSetInitiate": configuration };
    ask(&nodes[0], command).await.or_say(|| "cannot initiate the replica set".to_owned())?;

    polling::until("a primary and secondaries", || async {
        let mut states = Vec::new();
        for node in nodes {
            states.push((&node.address, state(node).await?));
        }
        let primaries = states.iter().filter(|(_, state)| *state == PRIMARY).count();
        let secondaries = states.iter().filter(|(_, state)| *state == SECONDARY).count();
        Ok(match primaries == 1 && primaries + secondaries == nodes.len() {
            true => State::Done(()),
            false => State::NotYet(format!("{states:?}")),
        })
    })
    .await
}

/// Has the set work like the version of MongoDB before its own.
pub(crate) async fn use_previous_features(set: &ConnectionString, version: Version) -> Result<()> {
    let before = match series(version.name()) {
        Some((4, 4)) => "4.2".to_owned(),
        Some((5, 0)) => "4.4".to_owned(),
        Some((major @ 6.., 0)) => format!("{}.0", major - 1),
        _ => return Err(format!("it is not known what came before MongoDB {version}")),
    };
    let mut command = doc! { "setFeatureCompatibilityVersion": &before };
    if series(version.name()) >= Some((7, 0)) {
        command.insert("confirm", true);
    }
    set.run(command).await?;
    let asked = set.run(doc! { "getParameter": 1, "featureCompatibilityVersion": 1 }).await?;
    let now = asked.get_document("featureCompatibilityVersion").and_then(|of| of.get_str("version"));
    if now.ok() == Some(&before) { Ok(()) } else { Err(format!("asked for the features of {before}, it has {asked}")) }
}

const PRIMARY: &str = "primary";
const SECONDARY: &str = "secondary";

async fn state(node: &Node) -> Result<&'static str> {
    let hello = ask(node, doc! { "hello": 1 }).await?;
    let says = |field| hello.get_bool(field).unwrap_or(false);
    Ok(match () {
        () if says("isWritablePrimary") => PRIMARY,
        () if says("secondary") => SECONDARY,
        () => "neither",
    })
}

async fn ask(node: &Node, command: Document) -> Result<Document> {
    let member = ConnectionString::of(&node.address, "directConnection=true");
    match member.run(command).await {
        Ok(answer) => Ok(answer),
        Err(failure) => Err(format!("{}: {failure}{}", node.address, node.last_words().await)),
    }
}
