//! Where an ArangoDB server comes from.

use std::{env, fmt};

use crate::servers::{WITHOUT_DOCKER, docker, image, is_set, report};

/// The variable with the address of a server to use, with user and password.
pub(crate) const GIVEN: &str = "SHYLOCK_TEST_ARANGODB";

/// A way to get at an ArangoDB server, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The server of the environment variable `SHYLOCK_TEST_ARANGODB`, used as it is.
    Given,
    /// A container of the official image.
    OfficialImage,
    /// Our own test server, which interprets queries as its makers read that the real one does.
    TestServer,
}

impl Source {
    /// What this machine offers.
    pub(crate) async fn choose() -> Self {
        if is_set(GIVEN) {
            return Self::Given;
        }
        let without_docker = is_set(WITHOUT_DOCKER) && env::var(WITHOUT_DOCKER).as_deref() != Ok("0");
        if without_docker || docker::engine().await.is_err() {
            return Self::TestServer;
        }
        match image::get_official(image::ARANGODB).await {
            Ok(()) => Self::OfficialImage,
            Err(failure) => {
                report::line(&format!("no real ArangoDB, as {}", failure.lines().next().unwrap_or_default()));
                Self::TestServer
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => write!(f, "ArangoDB of {GIVEN}"),
            Self::OfficialImage => write!(f, "ArangoDB, image {} (the official one)", image::ARANGODB),
            Self::TestServer => write!(f, "our ArangoDB test server (not a real ArangoDB)"),
        }
    }
}
