//! [`Notices`]: the names of the locks that come free, from one change stream for all who listen.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use mongodb::{
    Collection,
    bson::{Document, doc},
    change_stream::ChangeStream,
    options::{ReadConcern, ReadPreference, SelectionCriteria},
};
use shylock_core::{BackendError, LockName};
use tokio::{sync::mpsc, time};

use crate::{error, mongo_error::MongoError};

/// How long the server waits for a change before it answers that there was none.
const AWAIT: Duration = Duration::from_secs(2);
/// A stream that has said nothing for so long, not even that nothing happened, is dead.
const SILENCE: Duration = Duration::from_secs(6);
/// How long a request of a stream that was left may still take.
const LAST: Duration = Duration::from_secs(30);
/// How many names may wait for a listener. One that does not listen any more is left.
const UNHEARD: usize = 1024;

/// The stream of a backend, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    opening: tokio::sync::Mutex<()>,
    stream: Mutex<Weak<Listeners>>,
}

impl Notices {
    /// What comes free from now on. It ends when something may have been missed.
    pub(crate) async fn listen(
        &self,
        collection: &Collection<Document>,
    ) -> Result<mpsc::Receiver<LockName>, BackendError> {
        let (listener, names) = mpsc::channel(UNHEARD);
        let _one_at_a_time = self.opening.lock().await;
        if self.stream().upgrade().is_some_and(|listeners| listeners.add(&listener)) {
            return Ok(names);
        }
        let stream = open(collection).await.map_err(error::from_driver)?;
        let listeners = Arc::new(Listeners(Mutex::new(vec![listener])));
        *self.stream() = Arc::downgrade(&listeners);
        let (sender, heard) = mpsc::channel(1);
        tokio::spawn(hear_until_left(stream, sender));
        tokio::spawn(listeners.follow(heard));
        Ok(names)
    }

    fn stream(&self) -> MutexGuard<'_, Weak<Listeners>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who listens to one stream. They learn that it has ended by the end of their channels. Nobody joins an empty one.
#[derive(Debug)]
struct Listeners(Mutex<Vec<mpsc::Sender<LockName>>>);

impl Listeners {
    /// Passes on what is heard, a name or that there is none, until nothing at all is heard or nobody listens.
    async fn follow(self: Arc<Self>, mut heard: mpsc::Receiver<Option<LockName>>) {
        while let Ok(Some(name)) = time::timeout(SILENCE, heard.recv()).await {
            if !self.tell(name.as_ref()) {
                break;
            }
        }
    }

    fn add(&self, listener: &mpsc::Sender<LockName>) -> bool {
        let mut all = self.all();
        let others = !all.is_empty();
        all.extend(others.then(|| listener.clone()));
        others
    }

    /// Tells it to all who still listen. Says whether there are any.
    fn tell(&self, name: Option<&LockName>) -> bool {
        let mut all = self.all();
        all.retain(|listener| match name {
            Some(name) => listener.try_send(name.clone()).is_ok(),
            None => !listener.is_closed(),
        });
        !all.is_empty()
    }

    fn all(&self) -> MutexGuard<'_, Vec<mpsc::Sender<LockName>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hears the stream until nobody listens any more. A request that is under way then gets time to end by itself; one
/// that hangs is dropped, or its connection would never come back to the pool.
async fn hear_until_left(stream: ChangeStream<Document>, told: mpsc::Sender<Option<LockName>>) {
    let left = told.clone();
    tokio::select! {
        () = hear(stream, told) => {}
        () = async { left.closed().await; time::sleep(LAST).await } => {}
    }
}

/// Passes on what the stream says, and each time that it says nothing, until it ends or nobody hears it.
async fn hear(mut stream: ChangeStream<Document>, told: mpsc::Sender<Option<LockName>>) {
    while stream.is_alive() {
        let name = match stream.next_if_any().await {
            Ok(event) => event.as_ref().and_then(freed),
            Err(error) => {
                let error = MongoError::from(error);
                tracing::debug!(error = &error as &dyn std::error::Error, "the change stream of the locks has ended");
                return;
            }
        };
        if told.send(name).await.is_err() {
            return;
        }
    }
}

/// The driver resumes it by itself where that is possible.
async fn open(collection: &Collection<Document>) -> mongodb::error::Result<ChangeStream<Document>> {
    let stream = collection
        .watch()
        .pipeline([
            doc! { "$match": what_frees() },
            doc! { "$project": { "operationType": 1, "documentKey": 1, "ns": 1 } },
        ])
        .max_await_time(AWAIT)
        .read_concern(ReadConcern::majority())
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .await?;
    Ok(stream.with_type())
}

/// Which changes free a lock. The server writes a small change down as one or as a new record, as it sees fit.
fn what_frees() -> Document {
    doc! { "$or": [
        { "operationType": "update", "updateDescription.updatedFields.owner": { "$type": "null" } },
        { "operationType": "replace", "fullDocument.owner": { "$type": "null" } },
        { "operationType": { "$in": ["delete", "drop", "rename", "dropDatabase", "invalidate"] } },
    ] }
}

/// The lock that an event is about. Those about the whole collection end the stream.
fn freed(event: &Document) -> Option<LockName> {
    LockName::new(event.get_document("documentKey").ok()?.get_str("_id").ok()?).ok()
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn listeners() -> (Arc<Listeners>, mpsc::Receiver<LockName>) {
        let (listener, names) = mpsc::channel(2);
        (Arc::new(Listeners(Mutex::new(vec![listener]))), names)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_says_that_there_is_nothing_lives_and_a_silent_one_does_not() {
        let (listeners, mut names) = listeners();
        let (say, heard) = mpsc::channel(1);
        tokio::spawn(listeners.follow(heard));
        let since = Instant::now();
        for _ in 0..10 {
            sleep(AWAIT).await;
            say.send(None).await.expect("it listens");
        }
        assert!(names.recv().await.is_none(), "the end, and no name");
        assert_eq!(since.elapsed(), AWAIT * 10 + SILENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_does_not_listen_is_left_and_told_by_the_end() {
        let (listeners, mut names) = listeners();
        let name = LockName::new("x").expect("valid");
        for _ in 0..2 {
            assert!(listeners.tell(Some(&name)));
        }
        assert!(!listeners.tell(Some(&name)), "there is no room for a third");
        assert!(!listeners.add(&mpsc::channel(1).0), "nobody joins a stream that is about to be left");
        let told = [names.recv().await, names.recv().await, names.recv().await];
        assert_eq!(told, [Some(name.clone()), Some(name), None]);
    }

    #[test]
    fn an_event_names_its_lock() {
        assert_eq!(freed(&doc! { "documentKey": { "_id": "x" } }), LockName::new("x").ok());
        for foreign in [doc! {}, doc! { "documentKey": { "_id": 7 } }, doc! { "documentKey": { "_id": "" } }] {
            assert_eq!(freed(&foreign), None);
        }
    }
}
