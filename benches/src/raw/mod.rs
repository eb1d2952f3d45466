//! What an acquisition and a release cost at least: the same commands, past the library.

mod recording;

use std::{sync::Arc, time::Duration};

use mongodb::{
    Database,
    bson::{Binary, Bson, spec::BinarySubtype},
};
use shylock_core::{
    AcquireRequest, Attempt, Backend, FencingToken, HolderId, HolderInfo, LeaseKey, LockName, ReleaseOutcome,
};

use self::recording::Recording;
use crate::{outcome::Outcome, store::MongoStore};

/// The way past the library, or past its engine where its own calls are all there is.
pub(crate) enum Raw {
    Commands { database: Database, recording: Box<Recording> },
    Calls(Arc<dyn Backend>),
}

/// A name that can be acquired and released.
pub(crate) enum RawLock {
    Commands { database: Database, recording: Box<Recording> },
    Calls { backend: Arc<dyn Backend>, request: Box<AcquireRequest> },
}

impl Raw {
    pub(crate) async fn commands(mongo: &MongoStore) -> Outcome<Self> {
        let recording = Recording::made(&mongo.uri, &mongo.database).await?;
        Ok(Self::Commands { database: mongo.fresh().await?, recording: Box::new(recording) })
    }

    /// What these are, for the text of a row.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Commands { .. } => "the same two raw driver commands",
            Self::Calls(_) => "two direct calls of the `Backend` trait",
        }
    }

    /// What one of them is.
    pub(crate) const fn one(&self) -> &'static str {
        match self {
            Self::Commands { .. } => "one raw findAndModify",
            Self::Calls(_) => "one direct `try_acquire` of the `Backend` trait",
        }
    }

    pub(crate) fn on(&self, name: &str) -> Outcome<RawLock> {
        Ok(match self {
            Self::Commands { database, recording } => {
                RawLock::Commands { database: database.clone(), recording: Box::new(recording.on(name)) }
            }
            Self::Calls(backend) => {
                let holder = HolderId::random().map_err(|error| error.to_string())?;
                let (name, info) = (LockName::new(name)?, HolderInfo::default());
                let request = Box::new(AcquireRequest { name, holder, ttl: Duration::from_secs(30), info });
                RawLock::Calls { backend: Arc::clone(backend), request }
            }
        })
    }
}

impl RawLock {
    /// The token of the lease.
    pub(crate) async fn acquire(&self) -> Outcome<FencingToken> {
        match self {
            Self::Commands { database, recording } => recording.acquire(database).await,
            Self::Calls { backend, request } => match backend.try_acquire(request).await? {
                Attempt::Granted(grant) => Ok(grant.token),
                Attempt::Held(_) => Err("a lock that was to be free is held".into()),
            },
        }
    }

    pub(crate) async fn release(&self, token: FencingToken) -> Outcome<()> {
        match self {
            Self::Commands { database, recording } => recording.release(database, token).await,
            Self::Calls { backend, request } => {
                let AcquireRequest { name, holder, .. } = &**request;
                let lease = LeaseKey { name: name.clone(), holder: *holder, token };
                match backend.release(&[lease]).await?[..] {
                    [ReleaseOutcome::Released] => Ok(()),
                    _ => Err("a lock that was to be held is not".into()),
                }
            }
        }
    }
}

/// A holder as it is stored.
pub(crate) fn owner(holder: HolderId) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: holder.as_bytes().to_vec() })
}
