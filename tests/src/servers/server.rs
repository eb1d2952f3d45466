//! A deployment of some kind from some source.

use std::env;

use mongodb::bson::{Document, doc};
use tokio::task::JoinSet;

use super::{
    authentication,
    connection_string::ConnectionString,
    failure::{Result, While},
    flag::Flag,
    kind::Kind,
    node::Node,
    replica_set, report,
    source::{GIVEN, Source},
};

/// The deployment; what was started for it is removed when this is dropped.
pub(crate) struct Server {
    pub(crate) connection: ConnectionString,
    _nodes: Vec<Node>,
}

/// Gets a deployment, and prints where it is from.
pub(crate) async fn get(kind: Kind, source: Source) -> Result<Server> {
    let server = match source {
        Source::Given => given()?,
        _ => start(kind, source).await?,
    };
    introduced(server, kind, source).await
}

/// Starts a standalone with these flags, which takes clients whose connection strings have these options.
pub(crate) async fn standalone_with(source: Source, flags: &[Flag], options: &str) -> Result<Server> {
    let node = Node::start(source, flags).await?;
    let connection = ConnectionString::of(&node.address, &format!("directConnection=true&{options}"));
    introduced(Server { connection, _nodes: vec![node] }, Kind::Standalone, source).await
}

async fn introduced(server: Server, kind: Kind, source: Source) -> Result<Server> {
    let version = server.connection.run(doc! { "buildInfo": 1 }).await?;
    let version = version.get_str("version").unwrap_or("of unknown version");
    let offer = match source {
        Source::Given => format!(", in fact a {}", offer(&server.connection).await?),
        _ => String::new(),
    };
    let hosts = server.connection.hosts();
    report::line(&format!("{kind}: MongoDB {version}, {source}{offer}, {hosts}"));
    Ok(server)
}

fn given() -> Result<Server> {
    let text = env::var(GIVEN).or_say(|| GIVEN.to_owned())?;
    let connection = ConnectionString::parse(&text);
    Ok(Server {
        connection: connection
            .ok_or_else(|| format!("{GIVEN} is no connection string; has a password to be percent-encoded?"))?,
        _nodes: Vec::new(),
    })
}

async fn start(kind: Kind, source: Source) -> Result<Server> {
    let directly = |node: &Node| ConnectionString::of(&node.address, "directConnection=true");
    match kind {
        Kind::Standalone => {
            let node = Node::start(source, &[]).await?;
            let connection = directly(&node);
            Ok(Server { connection, _nodes: vec![node] })
        }
        Kind::WithAuth => {
            let node = Node::start(source, &[Flag::Text("--auth")]).await?;
            let connection = authentication::create_root(&directly(&node)).await?;
            Ok(Server { connection, _nodes: vec![node] })
        }
        Kind::ReplicaSet(members) => {
            let nodes = start_members(members, source).await?;
            replica_set::initiate(&nodes).await?;
            let hosts: Vec<&str> = nodes.iter().map(|node| node.address.as_str()).collect();
            let option = format!("replicaSet={}", replica_set::NAME);
            let connection = ConnectionString::of(&hosts.join(","), &option);
            Ok(Server { connection, _nodes: nodes })
        }
    }
}

async fn start_members(count: usize, source: Source) -> Result<Vec<Node>> {
    let mut starts = JoinSet::new();
    for _ in 0..count {
        starts.spawn(Node::start(source, &[Flag::Text("--replSet"), Flag::Text(replica_set::NAME)]));
    }
    let nodes: Vec<Node> = starts.join_all().await.into_iter().collect::<Result<_>>()?;
    match nodes.len() {
        0 => Err("a replica set has members".to_owned()),
        _ => Ok(nodes),
    }
}

/// What a server that is given turns out to be.
async fn offer(connection: &ConnectionString) -> Result<String> {
    let hello: Document = connection.run(doc! { "hello": 1 }).await?;
    let members = hello.get_array("hosts").map_or(0, Vec::len);
    Ok(match (hello.get_str("setName"), hello.get_str("msg")) {
        (Ok(_), _) => Kind::ReplicaSet(members).to_string(),
        (_, Ok("isdbgrid")) => "sharded cluster".to_owned(),
        _ => Kind::Standalone.to_string(),
    })
}
