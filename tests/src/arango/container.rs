//! A container of the official image.

use std::{mem::ManuallyDrop, time::Duration};

use testcontainers::{ContainerAsync, GenericImage, ImageExt, runners::AsyncRunner};

use crate::servers::{Announced, Result, While, free_port, image, polling, unique};

/// Removed by the reaper.
pub(crate) struct Container {
    pub(crate) url: String,
    pub(crate) password: String,
    _container: ManuallyDrop<ContainerAsync<GenericImage>>,
    _announced: Announced,
}

impl Container {
    /// Starts it on the loopback interface of this machine, and waits until it answers.
    pub(crate) async fn start() -> Result<Self> {
        let (name, password, port) = (unique::name(), unique::password(), free_port()?);
        let announced = Announced::container(&name);
        let container = image::named(image::ARANGODB)
            .with_container_name(name)
            .with_network("host")
            .with_env_var("ARANGO_ROOT_PASSWORD", &password)
            .with_cmd(["arangod".to_owned(), "--server.endpoint".to_owned(), format!("tcp://127.0.0.1:{port}")])
            .start()
            .await
            .or_say(|| format!("cannot start a container of {}", image::ARANGODB))?;
        let url = format!("http://127.0.0.1:{port}");
        polling::until("ArangoDB answering", || async { Ok(state(&url, &password).await) }).await?;
        Ok(Self { url, password, _container: ManuallyDrop::new(container), _announced: announced })
    }
}

async fn state(url: &str, password: &str) -> polling::State<()> {
    let version = reqwest::Client::new().get(format!("{url}/_api/version"));
    let answer = version.basic_auth("root", Some(password)).timeout(Duration::from_secs(5)).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => polling::State::Done(()),
        Ok(answer) => polling::State::NotYet(answer.status().to_string()),
        Err(error) => polling::State::NotYet(error.without_url().to_string()),
    }
}
