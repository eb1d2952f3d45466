//! [`Store`]: the place of the locks, by its address.

mod address;

use std::{ffi::OsString, fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path, sync::Arc};

use shylock_core::Backend;

pub(crate) use self::address::Address;
use crate::failure::Failure;

/// A store that has answered.
pub(crate) struct Store {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) address: Address,
}

/// Where the locks are: as told, or as `SHYLOCK_STORE` says, or in a file in the user's state folder.
pub(crate) fn address(told: Option<&str>) -> Result<Address, Failure> {
    let url = match told {
        Some(url) => Some(url.to_owned()),
        None => of_environment()?,
    };
    match url {
        Some(url) => Address::parse(&url),
        None => {
            let address = Address::default_file(|name| std::env::var_os(name))?;
            make_folder(&address)?;
            Ok(address)
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

/// The folder of the user's own file.
fn make_folder(address: &Address) -> Result<(), Failure> {
    let Address::Sqlite { path } = address else { return Ok(()) };
    let folder = path.parent().unwrap_or(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Failure::system(&format!("the folder {} cannot be made", folder.display()), &error))
}

pub(crate) async fn open(told: Option<&str>) -> Result<Store, Failure> {
    let address = address(told)?;
    let backend = match &address {
        Address::Sqlite { path } => sqlite(path).await,
        Address::Mongo { uri, database } => mongodb(uri, database).await,
        Address::Arango { .. } => arangodb(&address).await,
    };
    match backend {
        Ok(backend) => Ok(Store { backend, address }),
        Err(failure) => Err(failure.about(&address.shown())),
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
