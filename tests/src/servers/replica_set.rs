//! Making a replica set of servers that run.

use mongodb::bson::{Document, doc};

use super::{
    connection_string::ConnectionString,
    failure::{Result, While},
    node::Node,
    polling::{self, State},
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
