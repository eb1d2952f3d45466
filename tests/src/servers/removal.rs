//! How the reaper removes things.

use std::{fmt, fs, io, path::PathBuf, str::FromStr, time::Duration};

use testcontainers::bollard::query_parameters::RemoveContainerOptionsBuilder;

use super::{
    docker,
    failure::Result,
    polling::{self, State},
    processes,
};

/// How long the engine may still be at creating a container after the process that asked it to do
/// so is gone.
const CREATION: Duration = Duration::from_secs(10);

/// Something outside of the test process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// A container, by name.
    Container(String),
    /// A folder, with the processes that were started for it.
    Folder(PathBuf),
}

impl Thing {
    /// Removes it, and does not give up easily.
    pub(crate) async fn remove(&self) -> Result<()> {
        let what = format!("removal of the {self}");
        polling::until(&what, || async {
            Ok(match self.try_to_remove().await {
                Ok(()) => State::Done(()),
                Err(failure) => State::NotYet(failure),
            })
        })
        .await
    }

    /// Removes what a process that is no more may have been about to create.
    pub(crate) async fn remove_orphan(&self) -> Result<()> {
        if let Self::Container(name) = self {
            let _ = tokio::time::timeout(CREATION, docker::appearance_of(name)).await;
        }
        self.remove().await
    }

    async fn try_to_remove(&self) -> Result<()> {
        match self {
            Self::Container(name) => remove_container(name).await,
            Self::Folder(folder) => {
                processes::kill_those_of(folder)?;
                match fs::remove_dir_all(folder) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => write!(f, "container {name}"),
            Self::Folder(path) => write!(f, "folder {}", path.display()),
        }
    }
}

impl FromStr for Thing {
    type Err = String;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once(' ') {
            Some(("container", name)) => Ok(Self::Container(name.to_owned())),
            Some(("folder", path)) => Ok(Self::Folder(path.into())),
            _ => Err(format!("neither a container nor a folder: {text}")),
        }
    }
}

async fn remove_container(name: &str) -> Result<()> {
    // The volumes too: the official image declares some.
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true);
    let engine = docker::engine().await?;
    let answer = engine.remove_container(name, Some(options.build())).await;
    // The list decides: a container that is being created is there before it can be removed.
    match docker::containers(name).await?.as_slice() {
        [] => Ok(()),
        _ => Err(format!("it is still there, the Docker engine said {answer:?}")),
    }
}
