//! What only MongoDB has: counters, and commands that can be sent past the library.

use std::time::Duration;

use mongodb::{
    Client, Database,
    bson::{Document, doc},
    options::ClientOptions,
};
use shylock_core::LeaseKey;
use shylock_mongo::MongoBackend;

use crate::{counters::Counters, outcome::Outcome};

/// The collection of a [`MongoBackend`] unless told otherwise.
const COLLECTION: &str = "shylock_locks";

pub(crate) struct MongoStore {
    pub(crate) uri: String,
    pub(crate) database: String,
    client: Client,
}

impl MongoStore {
    pub(crate) async fn open(uri: String, database: &str) -> Outcome<Self> {
        let mut options = ClientOptions::parse(&uri).await?;
        options.server_selection_timeout.get_or_insert(Duration::from_secs(5));
        Ok(Self { uri, database: database.to_owned(), client: Client::with_options(options)? })
    }

    /// The database, by a new client with the driver's own options: what raw commands go through.
    pub(crate) async fn fresh(&self) -> Outcome<Database> {
        Ok(Client::with_uri_str(&self.uri).await?.database(&self.database))
    }

    /// A backend whose client is just like that of the raw commands, down to the size of its pool.
    pub(crate) async fn alike(&self) -> Outcome<MongoBackend> {
        Ok(MongoBackend::new(self.fresh().await?))
    }

    pub(crate) async fn counters(&self) -> Outcome<Counters> {
        Counters::of(&self.admin(doc! { "serverStatus": 1 }).await?)
    }

    /// Renews all of these in one update, without a look at their tokens; says how many it found.
    pub(crate) async fn raw_renewal(&self, leases: &[LeaseKey], ttl: Duration) -> Outcome<i32> {
        let names: Vec<&str> = leases.iter().map(|lease| lease.name.as_str()).collect();
        let owners: Vec<_> = leases.iter().map(|lease| crate::raw::owner(lease.holder)).collect();
        let ttl = i64::try_from(ttl.as_millis())?;
        let retention = 86_400_000_i64;
        let enough = doc! { "$add": ["$$NOW", ttl + retention / 2] };
        let purge_at = doc! { "$cond": [
            { "$gt": ["$purgeAt", enough] },
            "$purgeAt",
            { "$add": ["$$NOW", ttl + retention] },
        ] };
        let update = doc! {
            "q": { "_id": { "$in": names }, "owner": { "$in": owners } },
            "u": [{ "$set": { "expiresAt": { "$add": ["$$NOW", ttl] }, "purgeAt": purge_at } }],
            "multi": true,
        };
        let command = doc! {
            "update": COLLECTION,
            "updates": [update],
            "writeConcern": { "w": "majority", "j": true },
        };
        let reply = self.client.database(&self.database).run_command(command).await?;
        Ok(reply.get_i32("n")?)
    }

    pub(crate) async fn description(&self) -> Outcome<String> {
        let (build, hello) = (self.admin(doc! { "buildInfo": 1 }).await?, self.admin(doc! { "hello": 1 }).await?);
        let members = hello.get_array("hosts").map_or(0, Vec::len);
        let kind = match (hello.get_str("setName"), hello.get_str("msg")) {
            (Ok(_), _) => format!("replica set of {members}"),
            (_, Ok("isdbgrid")) => "sharded cluster".into(),
            _ => "standalone".into(),
        };
        let version = build.get_str("version")?;
        Ok(format!("- store: MongoDB {version}, {kind}\n- write concern: w majority, j true"))
    }

    pub(crate) async fn clean_up(&self) -> Outcome<()> {
        Ok(self.client.database(&self.database).drop().await?)
    }

    async fn admin(&self, command: Document) -> Outcome<Document> {
        Ok(self.client.database("admin").run_command(command).await?)
    }
}
