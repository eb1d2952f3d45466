//! [`Relative`]: servers that speak MongoDB's protocol, and how each shows itself.
//!
//! What they answer is taken from their sources (FerretDB, the open-source DocumentDB), from tools that tell them apart,
//! and from what their users have reported; the commands themselves are carried out by the real server behind.

use mongodb::bson::{Bson, Document, doc};

use super::{
    impostor::{Fate, Manners},
    races::Races,
};

/// A server that is not MongoDB, or not one of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relative {
    /// FerretDB 1.24: updates have no pipelines.
    FerretDb1,
    /// FerretDB 2, which is built on DocumentDB.
    FerretDb2,
    /// The open-source DocumentDB 0.108, whose name is in no reply. Only its refusal of `$$NOW` keeps locks away.
    DocumentDb0108,
    /// A later one, which tells its version, and takes `$$NOW`.
    DocumentDb,
    /// Azure DocumentDB.
    AzureDocumentDb,
    /// Amazon DocumentDB 5.0: updates have no pipelines.
    AmazonDocumentDb,
    /// Azure Cosmos DB (RU), which ignores what a write asks for.
    CosmosDb,
    /// MongoDB 4.2, which the driver refuses.
    MongoDb42,
    /// A server that does not know the variable `NOW`, and has no name.
    WithoutNow,
    /// A server that looks like MongoDB, and lets several first acquirers of a name win.
    Racing,
    /// A server that looks like MongoDB, and counts documents as modified that it has not changed, and those that it could not
    /// change.
    Counting,
}

impl Relative {
    /// The manners of this server.
    #[must_use]
    pub fn manners(self) -> impl Manners {
        Likeness { relative: self, races: Races::default() }
    }

    /// Whether its upserts are `INSERT … ON CONFLICT DO UPDATE`.
    const fn races(self) -> bool {
        matches!(self, Self::FerretDb2 | Self::DocumentDb0108 | Self::DocumentDb | Self::AzureDocumentDb | Self::Racing)
    }

    const fn counts_matches(self) -> bool {
        self.races() || matches!(self, Self::Counting)
    }

    const fn looks_like_mongodb(self) -> bool {
        matches!(self, Self::WithoutNow | Self::Racing | Self::Counting)
    }

    /// What it adds to the reply to `hello`.
    fn hello(self) -> Document {
        let member = |set: &str, host: &str| {
            doc! { "setName": set, "setVersion": 1, "secondary": false, "hosts": [host], "primary": host, "me": host }
        };
        match self {
            Self::DocumentDb0108 => gateway(doc! {}),
            Self::DocumentDb => gateway(doc! { "documentdb_versions": ["0.117-0", "0.117.0"], "kind": "" }),
            Self::AzureDocumentDb => {
                let versions = ["1.117-3", "2.0.0", "12.1-1"];
                let mut hello = gateway(doc! { "documentdb_versions": versions, "kind": "azuredocumentdb" });
                hello.insert("setName", "globaldb");
                hello
            }
            Self::AmazonDocumentDb => member("rs0", "docdb-1.cx3yfe2zsjpq.eu-west-1.docdb.amazonaws.com:27017"),
            Self::CosmosDb => {
                let mut hello = member("globaldb", "locks-westeurope.mongo.cosmos.azure.com:10255");
                hello.extend(doc! { "_t": "IsMasterResponse", "maxWireVersion": 13 });
                hello
            }
            Self::MongoDb42 => doc! { "maxWireVersion": 8 },
            _ => Document::new(),
        }
    }

    /// Its reply to `buildInfo`.
    fn build(self) -> Document {
        let version = |[major, minor, patch]: [i32; 3]| {
            let text = format!("{major}.{minor}.{patch}");
            doc! { "version": text, "versionArray": [major, minor, patch, 0], "bits": 64, "maxBsonObjectSize": 16 << 20 }
        };
        let mut build = match self {
            Self::FerretDb1 => version([7, 0, 42]),
            Self::FerretDb2 => version([7, 0, 77]),
            Self::DocumentDb0108 | Self::DocumentDb | Self::AzureDocumentDb => version([7, 0, 0]),
            Self::AmazonDocumentDb | Self::CosmosDb => version([5, 0, 0]),
            _ => version([4, 2, 24]),
        };
        match self {
            Self::FerretDb1 => build.extend(doc! { "ferretdbVersion": "v1.24.0", "ferretdbFeatures": {} }),
            Self::FerretDb2 => build.extend(doc! { "ferretdb": { "version": "v2.5.0", "package": "docker" } }),
            Self::CosmosDb => drop(build.insert("_t", "BuildInfoResponse")),
            _ => {}
        }
        build.insert("ok", 1.0);
        build
    }

    /// Its refusal of a command that it lacks something for.
    fn refusal(self, command: &Document) -> Option<Document> {
        let of = |code: i32, name: &str, message: &str| {
            Some(doc! { "ok": 0.0, "errmsg": message, "code": code, "codeName": name })
        };
        let words = command.to_string();
        let (watches, now) = (words.contains("$changeStream"), words.contains("$$NOW"));
        match self {
            Self::FerretDb1 if watches => {
                of(238, "NotImplemented", "`aggregate` stage \"$changeStream\" is not implemented yet")
            }
            Self::FerretDb1 if updates_by_pipeline(command) => {
                of(238, "NotImplemented", "Aggregation pipelines are not supported yet")
            }
            Self::DocumentDb0108 | Self::DocumentDb | Self::AzureDocumentDb | Self::FerretDb2 if watches => {
                of(115, "CommandNotSupported", "Stage $changeStream is not supported yet in native pipeline")
            }
            Self::DocumentDb0108 if now && words.contains("$replaceWith") => {
                of(9, "FailedToParse", "The $$NOW operator cannot be used within this specific context.")
            }
            Self::AmazonDocumentDb if watches => of(136, "CappedPositionLost", "Change streams are not enabled"),
            Self::AmazonDocumentDb if updates_by_pipeline(command) => {
                of(9, "FailedToParse", "Failed to parse update: field must be of BSON type object")
            }
            Self::WithoutNow if now => of(17276, "Location17276", "Use of undefined variable: NOW"),
            _ => None,
        }
    }
}

/// As DocumentDB's gateway answers; its time is a number.
fn gateway(internal: Document) -> Document {
    doc! { "msg": "isdbgrid", "saslSupportedMechs": ["SCRAM-SHA-256"], "localTime": 1_790_000_000_000_i64, "internal": internal }
}

fn updates_by_pipeline(command: &Document) -> bool {
    let of_statement = |update: &Bson| update.as_document().is_some_and(|update| update.get_array("u").is_ok());
    let several = command.get_array("updates").is_ok_and(|updates| updates.iter().any(of_statement));
    name(command) == "findAndModify" && command.get_array("update").is_ok() || several
}

fn name(command: &Document) -> &str {
    command.keys().next().map_or("", String::as_str)
}

/// A server that looks and behaves like a relative.
struct Likeness {
    relative: Relative,
    races: Races,
}

impl Manners for Likeness {
    fn command(&self, mut command: Document) -> Fate {
        if self.relative == Relative::CosmosDb {
            drop(command.remove("writeConcern"));
        }
        if name(&command) == "buildInfo" && !self.relative.looks_like_mongodb() {
            return Fate::Answered(self.relative.build());
        }
        match self.relative.refusal(&command) {
            Some(refusal) => Fate::Answered(refusal),
            None if self.relative.races() => Fate::Passes(self.races.begin(command)),
            None => Fate::Passes(command),
        }
    }

    fn reply(&self, command: &Document, reply: &mut Document) {
        if ["hello", "isMaster", "ismaster"].contains(&name(command)) && !self.relative.looks_like_mongodb() {
            // Nothing of what the real server says about itself.
            let common = ["ismaster", "isWritablePrimary", "localTime", "connectionId", "readOnly", "ok"];
            let limits =
                ["maxBsonObjectSize", "maxMessageSizeBytes", "maxWriteBatchSize", "logicalSessionTimeoutMinutes"];
            let wire = ["minWireVersion", "maxWireVersion"];
            let is_common = |field: &str| common.contains(&field) || limits.contains(&field) || wire.contains(&field);
            *reply = std::mem::take(reply).into_iter().filter(|(field, _)| is_common(field)).collect();
            reply.extend(self.relative.hello());
        }
        self.races.end(command, reply);
        if self.relative.counts_matches() && name(command) == "update" {
            if matches!(self.relative, Relative::Counting)
                && let (Some(Bson::Array(failed)), Ok(done)) = (reply.remove("writeErrors"), reply.get_i32("n"))
            {
                reply.insert("n", done + i32::try_from(failed.len()).unwrap_or_default());
            }
            if let Some(matched) = reply.get("n").cloned() {
                reply.insert("nModified", matched);
            }
        }
    }
}
