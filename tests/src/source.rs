//! Where servers come from.

use std::{env, fmt};

use tokio::sync::OnceCell;

use crate::{docker, failure::Result, image, report, runtime};

/// The variable with the connection string of a server to use instead of starting one.
pub(crate) const GIVEN: &str = "SHYLOCK_TEST_MONGODB";
const WITHOUT_DOCKER: &str = "SHYLOCK_TEST_WITHOUT_DOCKER";

/// A way to get at a MongoDB server, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The server of the environment variable `SHYLOCK_TEST_MONGODB`, used as it is.
    Given,
    /// A container of the official image.
    OfficialImage,
    /// A container of an image that is built here, where the official one cannot be pulled.
    OwnImage,
    /// A child process of the tests, where there is no Docker engine or
    /// `SHYLOCK_TEST_WITHOUT_DOCKER=1` asks for none.
    ChildProcess,
}

impl Source {
    /// What this machine offers; found out once per process.
    ///
    /// # Panics
    ///
    /// Where a Docker engine answers, but with nonsense.
    pub async fn chosen() -> Self {
        static CHOSEN: OnceCell<Result<Source>> = OnceCell::const_new();
        let chosen = CHOSEN.get_or_init(|| runtime::run(choose())).await.clone();
        chosen.unwrap_or_else(|failure| panic!("shylock-tests: no MongoDB server: {failure}"))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => write!(f, "the one of {GIVEN}"),
            Self::OfficialImage => write!(f, "image {} (the official one)", image::OFFICIAL),
            Self::OwnImage => write!(f, "image {} (our own)", image::OWN),
            Self::ChildProcess => write!(f, "child process of the tests"),
        }
    }
}

async fn choose() -> Result<Source> {
    if is_set(GIVEN) {
        return Ok(Source::Given);
    }
    if is_set(WITHOUT_DOCKER) && env::var(WITHOUT_DOCKER).as_deref() != Ok("0") {
        return Ok(Source::ChildProcess);
    }
    if let Err(silence) = docker::engine().await {
        report::line(&format!("no containers: {silence}"));
        return Ok(Source::ChildProcess);
    }
    Ok(if image::official().await? {
        Source::OfficialImage
    } else {
        Source::OwnImage
    })
}

/// Set to nothing means unset: that is how CI files switch a variable off.
fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}
