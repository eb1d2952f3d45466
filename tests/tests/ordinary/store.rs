//! One store that several processes open.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use shylock_arango::{ArangoBackend, Credentials};
use shylock_core::{Error, LockManager, LockManagerBuilder, MemoryBackend};
use shylock_mongo::MongoBackend;
use shylock_sqlite::SqliteBackend;
use shylock_tests::{Arango, Mongo};

const DATABASE: &str = "shylock_ordinary";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    MongoDb,
    ArangoDb,
    Sqlite,
    /// For a single process.
    Memory,
}

/// A store that runs, as long as the test does.
#[derive(Debug)]
pub(crate) struct Store {
    /// What other processes need to open it.
    pub(crate) address: Value,
    _server: Option<Server>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "what runs does so until it is dropped")]
enum Server {
    MongoDb(Mongo),
    ArangoDb(Arango),
}

impl Store {
    pub(crate) async fn start(kind: Kind, folder: &Path) -> Self {
        let (address, server) = match kind {
            Kind::MongoDb => {
                let mongo = Mongo::replica_set(1).await;
                (json!({ "mongodb": mongo.uri() }), Some(Server::MongoDb(mongo)))
            }
            Kind::ArangoDb => {
                let arango = Arango::start().await;
                let user = [arango.user(), arango.password()];
                (json!({ "arangodb": arango.url(), "user": user }), Some(Server::ArangoDb(arango)))
            }
            Kind::Sqlite => (json!({ "sqlite": folder.join("locks.sqlite") }), None),
            Kind::Memory => (json!({ "memory": true }), None),
        };
        Self { address, _server: server }
    }
}

/// Opens the store that has this address.
pub(crate) async fn open(address: &Value) -> LockManagerBuilder {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    match address.as_object().and_then(|object| object.keys().next()).map(String::as_str) {
        Some("mongodb") => {
            let backend = MongoBackend::connect(text(&address["mongodb"]), DATABASE).await;
            LockManager::builder(backend.expect("connected"))
        }
        Some("arangodb") => {
            let credentials = Credentials::password(text(&address["user"][0]), text(&address["user"][1]));
            let builder = ArangoBackend::builder().create_database(true);
            let backend = builder.connect(text(&address["arangodb"]), DATABASE, credentials).await;
            LockManager::builder(backend.expect("connected"))
        }
        Some("sqlite") => LockManager::builder(open_file(text(&address["sqlite"]).into()).await),
        Some("memory") => LockManager::builder(MemoryBackend::new()),
        other => panic!("no store: {other:?}"),
    }
}

/// The first process makes the file, for which a disk may take longer than the others wait.
async fn open_file(path: PathBuf) -> SqliteBackend {
    loop {
        match SqliteBackend::open(&path).await {
            Ok(backend) => return backend,
            Err(Error::Backend { retryable: true, .. }) => {}
            Err(error) => panic!("not opened: {error:?}"),
        }
    }
}

/// A folder nobody else has; gone when dropped.
#[derive(Debug)]
pub(crate) struct OwnFolder(pub(crate) PathBuf);

impl OwnFolder {
    pub(crate) fn new() -> Self {
        let name = format!("ordinary-{:016x}", getrandom::u64().expect("random numbers"));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("made");
        Self(path)
    }
}

impl Drop for OwnFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
