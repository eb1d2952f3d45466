//! The Docker engine.

use std::{collections::HashMap, time::Duration};

use testcontainers::{
    bollard::{Docker, query_parameters::ListContainersOptionsBuilder},
    core::client::docker_client_instance,
};

use super::failure::{Result, While};

const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// The engine that testcontainers uses, if it answers.
pub(crate) async fn engine() -> Result<Docker> {
    let says = || "no Docker engine answers".to_owned();
    let engine = docker_client_instance().await.or_say(says)?;
    let answer = tokio::time::timeout(PATIENCE, engine.ping()).await;
    answer.or_say(says)?.map_err(|error| innermost(&error)).or_say(says)?;
    Ok(engine)
}

/// "Permission denied", below "client error".
fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

/// The names of containers, running or not, that contain `part`.
pub(crate) async fn containers(part: &str) -> Result<Vec<String>> {
    let filters = HashMap::from([("name", vec![part])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters);
    let containers = engine().await?.list_containers(Some(options.build())).await;
    let containers = containers.or_say(|| "cannot list containers".to_owned())?;
    Ok(containers.into_iter().flat_map(|container| container.names.unwrap_or_default()).collect())
}

/// Waits until a container of that name exists.
pub(crate) async fn appearance_of(name: &str) {
    while !containers(name).await.is_ok_and(|found| !found.is_empty()) {
        tokio::time::sleep(PAUSE).await;
    }
}
