//! A `mongod` in a container.

use std::mem::ManuallyDrop;

use testcontainers::{ContainerAsync, GenericImage, ImageExt, core::Mount, runners::AsyncRunner};

use super::{
    announced::Announced,
    failure::{Result, While},
    flag::Flag,
    flags,
    image::{self, Image},
    unique,
};

/// The container; removed by the reaper.
pub(crate) struct Container {
    /// Its own way to be removed is no use here: it blocks, and does not happen in statics.
    container: ManuallyDrop<ContainerAsync<GenericImage>>,
    _announced: Announced,
}

impl Container {
    /// Starts it, with the network of this machine: the members of a replica set have to know each
    /// other by the addresses by which clients reach them, and only so is 127.0.0.1 and a port
    /// such an address. It also makes users of the server local ones, who may create the first
    /// account. Nothing is published, as the server listens on the loopback interface only.
    pub(crate) async fn start(image: &Image, port: u16, more: &[Flag]) -> Result<Self> {
        let name = unique::name();
        let announced = Announced::container(&name);
        let mut command = vec!["mongod".to_owned()];
        let more_words = more.iter().map(|flag| flag.argument("")).collect();
        command.extend(flags::command_line(image.version, port, "/data/db", more_words));
        let files = more.iter().filter_map(Flag::file);
        let request = files.fold(image::named(&image.name).with_container_name(name), |request, (name, content)| {
            request.with_copy_to(format!("/{name}"), content.as_bytes().to_vec())
        });
        let container = request
            .with_cmd(command)
            .with_network("host")
            .with_mount(Mount::tmpfs_mount("/data/db")) // no disk to wait for, no volume to remain
            .start()
            .await
            .or_say(|| format!("cannot start a container of {}", image.name))?;
        Ok(Self { container: ManuallyDrop::new(container), _announced: announced })
    }

    pub(crate) async fn is_running(&self) -> Result<bool> {
        self.container.is_running().await.or_say(says)
    }

    pub(crate) async fn log(&self) -> Result<String> {
        let mut log = self.container.stdout_to_vec().await.or_say(says)?;
        log.extend(self.container.stderr_to_vec().await.or_say(says)?);
        Ok(String::from_utf8_lossy(&log).into_owned())
    }
}

fn says() -> String {
    "the Docker engine says".to_owned()
}
