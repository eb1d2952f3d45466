//! Where servers come from.

use std::{env, fmt};

use tokio::sync::OnceCell;

use super::{docker, failure::Result, report, runtime};

/// The variable with the connection string of a server to use instead of starting one.
pub(crate) const GIVEN: &str = "SHYLOCK_TEST_MONGODB";
/// The variable that asks for child processes where there could be containers.
pub(crate) const WITHOUT_DOCKER: &str = "SHYLOCK_TEST_WITHOUT_DOCKER";

/// A way to get at a MongoDB server, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The server of the environment variable `SHYLOCK_TEST_MONGODB`, used as it is.
    Given,
    /// A container of the official image, or of one that is built here where the official one cannot be pulled.
    Image,
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
        Choice::made().await.source
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => write!(f, "server of {GIVEN}"),
            Self::Image => write!(f, "container"),
            Self::ChildProcess => write!(f, "child process of the tests"),
        }
    }
}

/// A source, and why it is this one.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) source: Source,
    pub(crate) because: String,
}

impl Choice {
    pub(crate) async fn made() -> Self {
        static CHOICE: OnceCell<Result<Choice>> = OnceCell::const_new();
        let choice = CHOICE.get_or_init(|| runtime::run(choose())).await.clone();
        choice.unwrap_or_else(|failure| panic!("shylock-tests: no MongoDB server: {failure}"))
    }
}

async fn choose() -> Result<Choice> {
    let choice = |source, because: &str| {
        let because = because.to_owned();
        Ok(Choice { source, because })
    };
    if is_set(GIVEN) {
        return choice(Source::Given, "it is set");
    }
    if is_set(WITHOUT_DOCKER) && env::var(WITHOUT_DOCKER).as_deref() != Ok("0") {
        return choice(Source::ChildProcess, &format!("{WITHOUT_DOCKER} is set"));
    }
    match docker::engine().await {
        Ok(_) => choice(Source::Image, "a Docker engine answers"),
        Err(silence) => {
            report::line(&format!("no containers, as {silence}"));
            choice(Source::ChildProcess, &silence)
        }
    }
}

/// Set to nothing means unset: that is how CI files switch a variable off.
pub(crate) fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}
