//! [`Store`]: the place of the locks, by its address.

mod address;
mod default_file;
mod patience;

use std::{ffi::OsString, io::IsTerminal, path::Path, sync::Arc, time::Duration};

use shylock_core::Backend;

pub(crate) use self::address::Address;
use crate::failure::Failure;

/// How long a call may take that does not wait for a lock.
pub(crate) const ONE_CALL: Duration = Duration::from_secs(5);

/// A store that has answered.
pub(crate) struct Store {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) address: Address,
    choice: Choice,
    /// What may keep it from excluding, or somebody from using it: a sentence each.
    pub(crate) weaknesses: Vec<String>,
}

/// Who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Named,
    /// It is the default file, which is new or not.
    Default {
        is_new: bool,
    },
}

impl Store {
    /// What somebody has to know of a store that nobody has named, where it may be another one than they think. A `quiet` job
    /// is one of cron's, which would send a letter each time, and so hears of it once.
    pub(crate) fn notice(&self, quiet: bool) -> Option<String> {
        let Choice::Default { is_new } = self.choice else { return None };
        let sudo_user = default_file::sudo_user();
        let is_surprising = sudo_user.is_some() || !std::io::stderr().is_terminal();
        let is_due = is_new || (is_surprising && !quiet);
        is_due.then(|| default_file::notice(&self.address.shown(), is_new, sudo_user.as_deref()))
    }
}

/// Where the locks are: as `--store` says, or as `SHYLOCK_STORE` says, or in a file in the user's state folder.
pub(crate) fn address(named: Option<&str>) -> Result<Address, Failure> {
    choose(named).map(|(address, _)| address)
}

fn choose(named: Option<&str>) -> Result<(Address, Choice), Failure> {
    let url = match named {
        Some(url) => Some(url.to_owned()),
        None => of_environment()?,
    };
    match url {
        Some(url) => Ok((Address::parse(&url)?, Choice::Named)),
        None => {
            let path = default_file::path(|name| std::env::var_os(name))?;
            default_file::make_folder(&path)?;
            let choice = Choice::Default { is_new: !path.exists() };
            Ok((Address::Sqlite { path }, choice))
        }
    }
}

/// Whoever sets it wants another store than the user's file: what cannot be one is no reason to take that.
fn of_environment() -> Result<Option<String>, Failure> {
    match std::env::var_os("SHYLOCK_STORE").map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(url)) if !url.is_empty() => Ok(Some(url)),
        Some(_) => Err(Failure::usage("SHYLOCK_STORE is empty, or no text").with_hint("unset it to use your own file")),
    }
}

/// Opens it, within the time that one call may take.
pub(crate) async fn open(named: Option<&str>) -> Result<Store, Failure> {
    open_within(ONE_CALL, named).await
}

/// Opens it. Failures that may pass are repeated until `limit` is over.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn open_within(limit: Duration, named: Option<&str>) -> Result<Store, Failure> {
    let (address, choice) = choose(named)?;
    let backend = patience::repeat(limit, || open_once(&address)).await;
    match backend {
        Ok(backend) => {
            tracing::debug!(store = address.shown(), default = choice != Choice::Named, "store opened");
            let weaknesses = weaknesses(&backend);
            Ok(Store { backend, address, choice, weaknesses })
        }
        Err(failure) => Err(failure.about(&address.shown())),
    }
}

/// Looks at a store, within the time that one call may take. Failures that may pass are repeated: a look changes nothing.
pub(crate) async fn repeat<T, F>(look: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    patience::repeat(ONE_CALL, look).await
}

/// What a file says of the place where it lies; servers are asked by `doctor`.
#[cfg(feature = "sqlite")]
fn weaknesses(backend: &Arc<dyn Backend>) -> Vec<String> {
    let store: &dyn std::any::Any = &**backend;
    let file = store.downcast_ref::<shylock_sqlite::SqliteBackend>();
    file.map(|file| file.weaknesses().to_vec()).unwrap_or_default()
}

#[cfg(not(feature = "sqlite"))]
fn weaknesses(_: &Arc<dyn Backend>) -> Vec<String> {
    Vec::new()
}

async fn open_once(address: &Address) -> Result<Arc<dyn Backend>, Failure> {
    match address {
        Address::Sqlite { path } => sqlite(path).await,
        Address::Mongo { uri, database } => mongodb(uri, database).await,
        Address::Arango { .. } => arangodb(address).await,
    }
}

#[cfg(feature = "sqlite")]
async fn sqlite(path: &Path) -> Result<Arc<dyn Backend>, Failure> {
    Ok(Arc::new(shylock_sqlite::SqliteBackend::open(path).await?))
}

#[cfg(feature = "mongodb")]
async fn mongodb(uri: &str, database: &str) -> Result<Arc<dyn Backend>, Failure> {
    Ok(Arc::new(shylock_mongo::MongoBackend::connect(uri, database).await?))
}

#[cfg(feature = "arangodb")]
async fn arangodb(address: &Address) -> Result<Arc<dyn Backend>, Failure> {
    use shylock_arango::{ArangoBackend, Credentials};
    let Address::Arango { endpoint, database, login } = address else { return Err(left_out("ArangoDB")) };
    let credentials = match login {
        Some((user, password)) => Credentials::password(user, password),
        None => Credentials::none(),
    };
    Ok(Arc::new(ArangoBackend::connect(endpoint, database, credentials).await?))
}

#[cfg(not(feature = "sqlite"))]
async fn sqlite(_: &Path) -> Result<Arc<dyn Backend>, Failure> {
    Err(left_out("SQLite").with_hint("name another store by --store or SHYLOCK_STORE"))
}

#[cfg(not(feature = "mongodb"))]
async fn mongodb(_: &str, _: &str) -> Result<Arc<dyn Backend>, Failure> {
    Err(left_out("MongoDB"))
}

#[cfg(not(feature = "arangodb"))]
async fn arangodb(_: &Address) -> Result<Arc<dyn Backend>, Failure> {
    Err(left_out("ArangoDB"))
}

#[cfg_attr(all(feature = "sqlite", feature = "mongodb"), allow(dead_code, reason = "all stores are built in"))]
fn left_out(store: &str) -> Failure {
    Failure::usage(format!("this program was built without {store}"))
}
