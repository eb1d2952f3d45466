//! The images of MongoDB: the official one, and one of our own for where that cannot be had.

use std::time::Duration;

use testcontainers::{
    GenericBuildableImage, GenericImage,
    bollard::errors::Error::DockerResponseServerError,
    runners::{AsyncBuilder, AsyncRunner},
};
use tokio::time::timeout;

use super::{
    cache, docker,
    failure::{Result, While},
    libraries,
    mongod::Mongod,
    report,
};

/// The official image.
pub(crate) const OFFICIAL: &str = "mongo:7.0";
/// The official image of ArangoDB.
pub(crate) const ARANGODB: &str = "arangodb:3.12";
/// Ours: the `mongod` of a wheel with the libraries of this machine.
pub(crate) const OWN: &str = "shylock-test-mongod:6.0.5";

/// Some minutes for some hundred megabytes. Where there is no network, it fails much earlier.
const PULL: Duration = Duration::from_secs(600);

/// Pulls an official image, unless it is here.
pub(crate) async fn get_official(image: &str) -> Result<()> {
    if is_here(image).await? {
        return Ok(());
    }
    let failed = || format!("{image} cannot be pulled");
    let mut pull = named(image).pull_image();
    let pulled = match timeout(Duration::from_secs(2), &mut pull).await {
        Ok(pulled) => pulled,
        Err(_) => {
            report::line(&format!("pulling {image}"));
            timeout(PULL, pull).await.or_say(failed)?
        }
    };
    pulled.map(drop).or_say(failed)
}

/// Builds our image, unless it is here.
pub(crate) async fn build_own() -> Result<()> {
    if is_here(OWN).await? {
        return Ok(());
    }
    let mongod = Mongod::get().await?;
    let _lock = cache::lock().await?;
    if is_here(OWN).await? {
        return Ok(());
    }
    let (name, tag) = split(OWN);
    let mut image = GenericBuildableImage::new(name, tag)
        .with_dockerfile_string(
            "FROM scratch\n\
             COPY root/ /\n\
             WORKDIR /tmp\n\
             WORKDIR /data/db\n\
             ENV PATH=/bin LD_LIBRARY_PATH=/libraries\n",
        )
        .with_file(&mongod.program, "root/bin/mongod");
    for library in libraries::of(&mongod.program, &mongod.libraries).await? {
        let name = library.name;
        let path = library.path.ok_or_else(|| format!("mongod needs {name}, which is not here"))?;
        let target = match name.starts_with('/') {
            true => format!("root{name}"), // the loader, which is sought at that very path
            false => format!("root/libraries/{name}"),
        };
        image = image.with_file(path, target);
    }
    let built = image.build_image().await;
    built.map(drop).or_say(|| format!("cannot build {OWN}"))
}

/// The image as testcontainers wants it.
pub(crate) fn named(image: &str) -> GenericImage {
    let (name, tag) = split(image);
    GenericImage::new(name, tag)
}

fn split(image: &str) -> (&str, &str) {
    image.split_once(':').expect("name and tag")
}

async fn is_here(image: &str) -> Result<bool> {
    match docker::engine().await?.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(DockerResponseServerError { status_code: 404, .. }) => Ok(false),
        Err(error) => Err(format!("cannot look for the image {image}: {error}")),
    }
}
