//! [`Admission`]: how many requests are under way at a time, and which of those that wait is sent next.
//!
//! A store serves a few requests at a time. Everything that is sent beyond that waits inside the store's client, where a
//! renewal stands behind thousands of acquisitions and time limits run although nothing has been sent. So requests wait
//! here, and one that waits here can be dropped without a trace.
//!
//! What must never change: a permit comes back however its request ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// What a request is for, the most urgent first.
///
/// The renewals of the keeper do not wait here: it limits itself, and they have capacity of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A renewal that a user asked for.
    Renewal,
    Release,
    HandOff,
    Acquire,
    Look,
}

const CLASSES: usize = Class::Look as usize + 1;
/// One admission in this many goes to the least urgent class, so that no class waits for ever.
const LEAST_URGENT_EVERY: u64 = 8;

#[derive(Debug)]
pub(crate) struct Admission(Mutex<State>);

#[derive(Debug)]
struct State {
    at_a_time: usize,
    free: usize,
    waiting: [BTreeMap<u64, oneshot::Sender<Permit>>; CLASSES],
    next: u64,
    admitted: u64,
}

/// The right to send one request. Dropping it admits the next one.
#[derive(Debug)]
#[must_use = "dropping it admits the next request"]
pub(crate) struct Permit(Option<Arc<Admission>>);

impl Admission {
    pub(crate) fn new(at_a_time: usize) -> Arc<Self> {
        let at_a_time = at_a_time.max(1);
        let state = State { at_a_time, free: at_a_time, waiting: Default::default(), next: 0, admitted: 0 };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Whether more requests of this class, or of more urgent ones, wait than the store serves at a time. That is this process's
    /// own doing; a shorter queue that does not move is the store's.
    pub(crate) fn is_crowded(&self, class: Class) -> bool {
        let state = self.state();
        let ahead: usize = state.waiting[..=class as usize].iter().map(BTreeMap::len).sum();
        ahead > state.at_a_time
    }

    /// Waits for a permit: first come, first served within a class.
    ///
    /// # Cancel safety
    /// Cancel safe: a dropped future leaves the queue.
    pub(crate) async fn admit(self: &Arc<Self>, class: Class) -> Permit {
        let (number, permit) = {
            let mut state = self.state();
            // While one is free, nobody waits.
            if state.free > 0 {
                state.free -= 1;
                state.admitted += 1;
                return Permit(Some(Arc::clone(self)));
            }
            let number = state.next;
            state.next += 1;
            let (sender, permit) = oneshot::channel();
            state.waiting[class as usize].insert(number, sender);
            (number, permit)
        };
        let _queued = Queued { admission: self, class, number };
        // The sender stays in the queue until it has sent.
        permit.await.unwrap_or(Permit(None))
    }

    fn give_back(self: Arc<Self>) {
        let mut this = self;
        loop {
            let next = {
                let mut state = this.state();
                let next = state.next_in_line();
                if next.is_none() {
                    state.free += 1;
                }
                next
            };
            let Some(next) = next else { return };
            // Wakers are woken outside of the mutex.
            match next.send(Permit(Some(this))) {
                Ok(()) => return,
                Err(mut refused) => match refused.0.take() {
                    Some(admission) => this = admission,
                    None => return,
                },
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_in_line(&mut self) -> Option<oneshot::Sender<Permit>> {
        let class = choose(self.waiting.each_ref().map(|queue| !queue.is_empty()), self.admitted)?;
        self.admitted += 1;
        self.waiting[class].pop_first().map(|(_, sender)| sender)
    }
}

/// Which class is served next, by which of them wait.
fn choose(waits: [bool; CLASSES], admitted: u64) -> Option<usize> {
    let mut waiting = (0..CLASSES).filter(|class| waits[*class]);
    if admitted % LEAST_URGENT_EVERY == LEAST_URGENT_EVERY - 1 { waiting.next_back() } else { waiting.next() }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.give_back();
        }
    }
}

/// A place in the queue, left when it is dropped.
struct Queued<'a> {
    admission: &'a Admission,
    class: Class,
    number: u64,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        // Dropped outside of the mutex: it may hold a waker of somebody else's.
        let _sender = self.admission.state().waiting[self.class as usize].remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin, task::Poll};

    use super::*;

    type Waiting<'a> = Pin<Box<dyn Future<Output = Permit> + Send + 'a>>;

    async fn poll(waiting: &mut Waiting<'_>) -> Option<Permit> {
        std::future::poll_fn(|cx| {
            Poll::Ready(match waiting.as_mut().poll(cx) {
                Poll::Ready(permit) => Some(permit),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn the_most_urgent_goes_first_and_equals_in_their_order() {
        let admission = Admission::new(1);
        let mut permit = admission.admit(Class::Look).await;
        let mut waiting: Vec<(u8, Waiting<'_>)> = Vec::new();
        let classes = [Class::Acquire, Class::Look, Class::Release, Class::Acquire, Class::Renewal, Class::HandOff];
        for (number, class) in (0..).zip(classes) {
            let mut place: Waiting<'_> = Box::pin(admission.admit(class));
            assert!(poll(&mut place).await.is_none());
            waiting.push((number, place));
        }
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(permit);
            let mut admitted = None;
            for (index, (number, place)) in waiting.iter_mut().enumerate() {
                if let Some(permit) = poll(place).await {
                    assert!(admitted.is_none(), "one at a time");
                    order.push(*number);
                    admitted = Some((index, permit));
                }
            }
            let (index, next) = admitted.expect("one is admitted");
            drop(waiting.remove(index));
            permit = next;
        }
        assert_eq!(order, [4, 2, 5, 0, 3, 1]);
    }

    #[test]
    fn every_eighth_admission_goes_to_the_least_urgent() {
        let chosen: Vec<_> = (0..16).filter_map(|n| choose([false, true, false, true, true], n)).collect();
        assert_eq!(chosen.iter().filter(|class| **class == 4).count(), 2);
        assert_eq!(chosen.iter().filter(|class| **class == 1).count(), 14);
        assert_eq!(choose([false; CLASSES], 7), None);
    }

    #[tokio::test]
    async fn places_that_were_left_are_passed_over_and_no_permit_is_lost() {
        let admission = Admission::new(1);
        let permit = admission.admit(Class::Acquire).await;
        let mut places: Vec<Waiting<'_>> = Vec::new();
        for _ in 0..3 {
            let mut place: Waiting<'_> = Box::pin(admission.admit(Class::Acquire));
            assert!(poll(&mut place).await.is_none());
            places.push(place);
        }
        drop(places.remove(0));
        drop(permit);
        // The next one has its permit by now, and leaves without having looked.
        drop(places.remove(0));
        let permit = places.remove(0).await;
        drop(permit);
        assert_eq!(admission.state().free, 1);
    }
}
