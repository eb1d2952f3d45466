//! [`Batches`]: requests of one kind that wait to be sent, and go together when one of them is admitted.
//!
//! While the store keeps up, each goes alone, at once. Ten thousand releases at the same time go in a few batches.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    Engine,
    admission::Class,
    call::{InFlight, Sent},
};
use crate::BackendError;

/// The most items that go in one request.
const BATCH: usize = 500;

type Answer<A> = Result<A, BackendError>;

#[derive(Debug)]
pub(crate) struct Batches<I, A>(Mutex<State<I, A>>);

#[derive(Debug)]
struct State<I, A> {
    waiting: BTreeMap<u64, Item<I, A>>,
    next: u64,
}

#[derive(Debug)]
struct Item<I, A> {
    item: I,
    /// Set when it is sent: that of this request, and that of the call which it is a part of.
    sent: [Sent; 2],
    reply: oneshot::Sender<Answer<A>>,
}

impl<I, A> Default for Batches<I, A> {
    fn default() -> Self {
        Self(Mutex::new(State { waiting: BTreeMap::new(), next: 0 }))
    }
}

impl<I: Send + 'static, A: Send + 'static> Batches<I, A> {
    /// Sends the item together with those that wait by then, and waits for its answer no longer than `limit` after it was
    /// sent.
    pub(crate) async fn send<F>(
        &self,
        engine: &Arc<Engine>,
        (class, limit): (Class, Duration),
        item: I,
        sent: &Sent,
        send: impl FnOnce(Vec<I>) -> F,
    ) -> Answer<A>
    where
        F: Future<Output = Result<Vec<A>, BackendError>> + Send + 'static,
    {
        let this = Sent::default();
        if !engine.admission.is_crowded(class) {
            let _set_before = sent.set(());
        }
        let (reply, answer) = oneshot::channel();
        let number = self.add(Item { item, sent: [Arc::clone(&this), Arc::clone(sent)], reply });
        let _waiting = Waiting { batches: self, number };
        let (mut answer, mut late) = (pin!(answer), pin!(engine.late(limit, &this)));
        tokio::select! {
            biased;
            answer = answer.as_mut() => return answer.unwrap_or_else(|_| Err(no_reply())),
            () = self.lead(engine, class, send) => {}
            late = late.as_mut() => return Err(late),
        }
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| Err(no_reply())),
            late = late => Err(late),
        }
    }

    /// Sends all that wait when this is admitted. Others may have sent the caller's own item by then.
    async fn lead<F>(&self, engine: &Arc<Engine>, class: Class, send: impl FnOnce(Vec<I>) -> F)
    where
        F: Future<Output = Result<Vec<A>, BackendError>> + Send + 'static,
    {
        let permit = engine.admission.admit(class).await;
        let batch = self.take();
        if batch.is_empty() {
            return;
        }
        batch.iter().flat_map(|item| &item.sent).for_each(|sent| drop(sent.set(())));
        let (items, replies) = batch.into_iter().map(|item| (item.item, item.reply)).unzip();
        let answers = send(items);
        let mut in_flight = InFlight::new(engine, async move {
            let answers = answers.await;
            drop(permit);
            distribute(replies, answers);
        });
        in_flight.end().await;
    }

    fn add(&self, item: Item<I, A>) -> u64 {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, item);
        number
    }

    fn take(&self) -> Vec<Item<I, A>> {
        let mut state = self.state();
        let first = std::iter::from_fn(|| state.waiting.pop_first());
        first.take(BATCH).map(|(_, item)| item).collect()
    }
}

impl<I, A> Batches<I, A> {
    fn state(&self) -> MutexGuard<'_, State<I, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An item that may not have been sent yet. It never will be when this is dropped.
struct Waiting<'a, I, A> {
    batches: &'a Batches<I, A>,
    number: u64,
}

impl<I, A> Drop for Waiting<'_, I, A> {
    fn drop(&mut self) {
        let _item = self.batches.state().waiting.remove(&self.number);
    }
}

fn distribute<A>(replies: Vec<oneshot::Sender<Answer<A>>>, answers: Result<Vec<A>, BackendError>) {
    match answers {
        Ok(answers) => replies.into_iter().zip(answers).for_each(|(reply, answer)| drop(reply.send(Ok(answer)))),
        Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
    }
}

fn no_reply() -> BackendError {
    BackendError::ambiguous("the request has ended without an answer")
}
