//! A deployment of some kind from some source.

use std::env;

use mongodb::bson::{Document, doc};
use tokio::task::JoinSet;

use super::{
    authentication,
    connection_string::ConnectionString,
    failure::{Result, While},
    flag::Flag,
    image::Image,
    kind::Kind,
    node::Node,
    replica_set, report,
    source::{GIVEN, Source},
    version::Version,
};

/// The deployment; what was started for it is removed when this is dropped.
pub(crate) struct Server {
    pub(crate) connection: ConnectionString,
    /// What it says that it is.
    pub(crate) version: String,
    _nodes: Vec<Node>,
}

/// What was started, or found, before it is known what it says of itself.
struct Deployment {
    connection: ConnectionString,
    nodes: Vec<Node>,
}

/// Gets a deployment, and prints where it is from.
pub(crate) async fn get(kind: Kind, version: Version, source: Source) -> Result<Server> {
    match source {
        Source::Given => introduced(given()?, kind, version, source).await,
        _ => start_with(kind, version, source, &[], "").await,
    }
}

/// Starts a deployment whose servers have these flags, for clients whose connection strings have these options.
pub(crate) async fn start_with(
    kind: Kind,
    version: Version,
    source: Source,
    flags: &[Flag],
    options: &str,
) -> Result<Server> {
    let Deployment { connection, nodes } = start(kind, version, source, flags).await?;
    introduced(Deployment { connection: connection.with_options(options), nodes }, kind, version, source).await
}

async fn introduced(deployment: Deployment, kind: Kind, asked_for: Version, source: Source) -> Result<Server> {
    let Deployment { connection, nodes } = deployment;
    let reply = connection.run(doc! { "buildInfo": 1 }).await?;
    let version = reply.get_str("version").or_say(|| "buildInfo has no version".to_owned())?.to_owned();
    let from = match source {
        Source::Given => format!("{source}, in fact a {}", offer(&connection).await?),
        Source::Image => Image::of(asked_for).await?.to_string(),
        Source::ChildProcess => source.to_string(),
    };
    report::line(&format!("{kind}: MongoDB {version}, {from}, {}", connection.hosts()));
    Ok(Server { connection, version, _nodes: nodes })
}

fn given() -> Result<Deployment> {
    let text = env::var(GIVEN).or_say(|| GIVEN.to_owned())?;
    let connection = ConnectionString::parse(&text)
        .ok_or_else(|| format!("{GIVEN} is no connection string; has a password to be percent-encoded?"))?;
    Ok(Deployment { connection, nodes: Vec::new() })
}

async fn start(kind: Kind, version: Version, source: Source, flags: &[Flag]) -> Result<Deployment> {
    let directly = |node: &Node| ConnectionString::of(&node.address, "directConnection=true");
    match kind {
        Kind::Standalone => {
            let node = Node::start(source, version, flags).await?;
            Ok(Deployment { connection: directly(&node), nodes: vec![node] })
        }
        Kind::WithAuth => {
            let node = Node::start(source, version, &[&[Flag::Text("--auth")], flags].concat()).await?;
            let connection = authentication::create_root(&directly(&node)).await?;
            Ok(Deployment { connection, nodes: vec![node] })
        }
        Kind::ReplicaSet(members) => replica_set_of(members, version, source, flags).await,
        Kind::PreviousFeatures => {
            let deployment = replica_set_of(1, version, source, flags).await?;
            replica_set::use_previous_features(&deployment.connection, version).await?;
            Ok(deployment)
        }
    }
}

async fn replica_set_of(members: usize, version: Version, source: Source, flags: &[Flag]) -> Result<Deployment> {
    let flags = [&[Flag::Text("--replSet"), Flag::Text(replica_set::NAME)], flags].concat();
    let mut starts = JoinSet::new();
    for _ in 0..members {
        let flags = flags.clone();
        starts.spawn(async move { Node::start(source, version, &flags).await });
    }
    let nodes: Vec<Node> = starts.join_all().await.into_iter().collect::<Result<_>>()?;
    if nodes.is_empty() {
        return Err("a replica set has members".to_owned());
    }
    replica_set::initiate(&nodes).await?;
    let hosts: Vec<&str> = nodes.iter().map(|node| node.address.as_str()).collect();
    let option = format!("replicaSet={}", replica_set::NAME);
    let connection = ConnectionString::of(&hosts.join(","), &option);
    Ok(Deployment { connection, nodes })
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
