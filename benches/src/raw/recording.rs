//! The commands of one acquisition and one release, recorded from the driver's own events: what the library sends,
//! whatever that is.

use std::sync::{Arc, Mutex};

use mongodb::{
    Client, Database,
    bson::{Bson, Document},
    event::{EventHandler, command::CommandEvent},
    options::ClientOptions,
};
use shylock_core::{FencingToken, LockManager};
use shylock_mongo::MongoBackend;

use crate::outcome::Outcome;

const NAME: &str = "the recorded lock";

/// What the driver adds to each command by itself.
const OWN: [&str; 5] = ["$db", "lsid", "$clusterTime", "$readPreference", "txnNumber"];

#[derive(Clone)]
pub(crate) struct Recording {
    acquire: Document,
    release: Document,
    token: i64,
}

impl Recording {
    /// Acquires and releases a lock.
    pub(crate) async fn made(uri: &str, database: &str) -> Outcome<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut options = ClientOptions::parse(uri).await?;
        let record = Arc::clone(&seen);
        options.command_event_handler = Some(EventHandler::callback(move |event| {
            if let (CommandEvent::Started(event), Ok(mut seen)) = (event, record.lock()) {
                seen.push(event.command);
            }
        }));
        let database = Client::with_options(options)?.database(database);
        let guard = LockManager::new(MongoBackend::new(database)).lock(NAME).acquire().await?;
        let token = guard.token().get().cast_signed();
        guard.release().await?;
        let seen = seen.lock().map_err(|_| "the driver's event handler has panicked")?;
        let of = |name: &str| first(&seen, name).ok_or_else(|| format!("no {name} was sent"));
        Ok(Self { acquire: of("findAndModify")?, release: of("update")?, token })
    }

    /// The same for another name.
    pub(crate) fn on(&self, name: &str) -> Self {
        let named = |document: &Document| {
            replaced(document, &|value| match value {
                Bson::String(text) if text == NAME => Some(Bson::from(name)),
                _ => None,
            })
        };
        Self { acquire: named(&self.acquire), release: named(&self.release), token: self.token }
    }

    pub(crate) async fn acquire(&self, database: &Database) -> Outcome<FencingToken> {
        let reply = database.run_command(self.acquire.clone()).await?;
        let token = reply.get_document("value")?.get_document("record")?.get_i64("token")?;
        FencingToken::new(token.cast_unsigned()).ok_or_else(|| format!("{token} is no token").into())
    }

    pub(crate) async fn release(&self, database: &Database, token: FencingToken) -> Outcome<()> {
        let token = token.get().cast_signed();
        let release = replaced(&self.release, &|value| match value {
            Bson::Int64(number) if *number == self.token => Some(Bson::from(token)),
            _ => None,
        });
        let reply = database.run_command(release).await?;
        match reply.get_i32("nModified")? {
            1 => Ok(()),
            _ => Err(format!("the raw commands do not do what the locks do: {reply}").into()),
        }
    }
}

fn first(seen: &[Document], name: &str) -> Option<Document> {
    let mut command = seen.iter().find(|command| command.keys().next().is_some_and(|first| first == name))?.clone();
    for own in OWN {
        command.remove(own);
    }
    Some(command)
}

/// The document with other values in some places, at any depth.
fn replaced(document: &Document, other: &impl Fn(&Bson) -> Option<Bson>) -> Document {
    document.iter().map(|(name, value)| (name.clone(), replaced_value(value, other))).collect()
}

fn replaced_value(value: &Bson, other: &impl Fn(&Bson) -> Option<Bson>) -> Bson {
    match value {
        Bson::Array(values) => values.iter().map(|value| replaced_value(value, other)).collect::<Vec<_>>().into(),
        Bson::Document(document) => replaced(document, other).into(),
        value => other(value).unwrap_or_else(|| value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn name_and_token_are_replaced_wherever_they_are() {
        let command = doc! { "update": "locks", "updates": [{ "q": { "_id": NAME }, "u": [5_i64, 6_i64] }] };
        let other = replaced(&command, &|value| match value {
            Bson::String(text) if text == NAME => Some("other".into()),
            Bson::Int64(5) => Some(9_i64.into()),
            _ => None,
        });
        assert_eq!(other, doc! { "update": "locks", "updates": [{ "q": { "_id": "other" }, "u": [9_i64, 6_i64] }] });
    }

    #[test]
    fn commands_are_found_without_what_the_driver_added() {
        let seen = [doc! { "hello": 1 }, doc! { "update": "locks", "lsid": 1, "$db": "x" }];
        assert_eq!(first(&seen, "update"), Some(doc! { "update": "locks" }));
        assert_eq!(first(&seen, "findAndModify"), None);
    }
}
