//! What the store and the resource do with a request. Each is one step, on the clock of the server.

use shylock_core::record::{Key, Record, Take, Wish};

use super::{
    World,
    message::{Body, Message, Passing, Purpose},
    property::Promise,
    state::{Id, State},
    tally::Event,
};

/// A withdrawal asks for the shortest lease that there is.
const SHORTEST: u8 = 1;

/// Carries a request out. Says what is answered, if anything.
pub(super) fn carry_out(world: &World, state: &mut State, Message { of, body, .. }: Message) -> Option<Body> {
    match body {
        Body::Acquire(purpose, sent) => Some(acquire(world, state, of, purpose, sent)),
        Body::Renew(token, sent) => Some(renew(world, state, (world.rules.holder(of), token), sent)),
        Body::Release(token) => {
            release(world, state, (world.rules.holder(of), token));
            None
        }
        Body::HandOff(token, passing) => Some(hand_off(world, state, (world.rules.holder(of), token), passing)),
        Body::Write(token) => {
            if world.rules.accepts(state.fence, token) {
                state.breaches.check(Promise::NoStaleWrite, state.fence.is_none_or(|fence| fence <= token));
                state.fence = state.fence.max(Some(token));
            } else {
                world.tally.add(Event::Fenced);
            }
            None
        }
        _ => None,
    }
}

fn acquire(world: &World, state: &mut State, of: Id, purpose: Purpose, sent: u8) -> Body {
    let ttl = if purpose == Purpose::Withdraw { SHORTEST } else { world.bounds.ttl };
    let (wish, now, skew) = (world.rules.wish(of, ttl), state.server_time(), world.bounds.allowance());
    match world.rules.take(state.record.as_ref(), &wish, now, skew) {
        Take::New(record) => {
            if state.record.is_some_and(|before| !before.ends.is_zero()) {
                world.tally.add(Event::TakenOver);
            }
            let alive = state.newest.is_some_and(|newest| newest.is_live(now));
            state.breaches.check(Promise::OneLease, !alive);
            grant(world, state, record, &wish);
            Body::Granted(purpose, sent, record.token)
        }
        Take::Repeated(record) => {
            world.tally.add(Event::Recognised);
            prolong(state, record);
            Body::Granted(purpose, sent, record.token)
        }
        Take::Held | Take::NoToken => {
            world.tally.add(Event::Refused);
            let free = state.newest.is_none_or(|newest| newest.is_free(now, skew));
            state.breaches.check(Promise::FreeIsGranted, !free);
            Body::Refused(purpose)
        }
    }
}

fn renew(world: &World, state: &mut State, lease: Key, sent: u8) -> Body {
    let now = state.server_time();
    let before = state.record;
    let renewed = before.and_then(|before| world.rules.renew(&before, lease, world.bounds.terms().ttl, now));
    let Some(record) = renewed else {
        world.tally.add(Event::RenewalRefused);
        return Body::NotHeld(lease.1);
    };
    world.tally.add(Event::Renewed);
    let alive = state.newest.is_some_and(|newest| newest.is_live(now));
    check_owner(state, lease);
    state.breaches.check(Promise::NoRevival, alive);
    prolong(state, record);
    Body::Renewed(lease.1, sent)
}

fn release(world: &World, state: &mut State, lease: Key) {
    let Some(after) = state.record.and_then(|before| world.rules.release(&before, lease)) else {
        return world.tally.add(Event::ReleasedTooLate);
    };
    world.tally.add(Event::Released);
    check_owner(state, lease);
    remember(world, state);
    state.record = after;
    free(state);
}

fn hand_off(world: &World, state: &mut State, from: Key, passing: Passing) -> Body {
    let (wish, now) = (world.rules.wish(passing.to, world.bounds.ttl), state.server_time());
    let taken = state.record.map(|before| world.rules.hand_off(&before, from, &wish, now));
    let Some(Take::New(record)) = taken else {
        world.tally.add(Event::HandOffRefused);
        return Body::NotHandedOff(from.1, passing);
    };
    world.tally.add(Event::HandedOff);
    check_owner(state, from);
    grant(world, state, record, &wish);
    Body::HandedOff(from.1, passing, record.token)
}

/// Somebody outside breaks the lock.
pub(super) fn break_it(world: &World, state: &mut State) {
    // A look, and the release of exactly the lease that it has shown.
    let live = state.record.filter(|record| record.is_live(state.server_time()));
    if let Some(after) = live.and_then(|record| record.released((record.holder, record.token))) {
        world.tally.add(Event::Broken);
        state.record = Some(after);
        state.was_broken = true;
        free(state);
    }
}

fn grant(world: &World, state: &mut State, record: Record, wish: &Wish) {
    world.tally.add(Event::Granted);
    if state.record.is_none() && state.newest.is_some() {
        world.tally.add(Event::GrantedAfterRemoval);
    }
    if state.skew != 0 {
        world.tally.add(Event::GrantedUnderSkew);
    }
    if Record::granted(None, wish, state.server_time()).is_some_and(|by_clock| by_clock.token < record.token) {
        world.tally.add(Event::TokenAheadOfClock);
    }
    let grows = state.newest.is_none_or(|newest| newest.token < record.token);
    state.breaches.check(Promise::TokensGrow, grows);
    remember(world, state);
    state.record = Some(record);
    state.newest = Some(record);
}

/// What a roll-back would bring back.
fn remember(world: &World, state: &mut State) {
    if world.rules.rolls_back() {
        state.durable = state.record;
    }
}

/// A lease is to end later.
fn prolong(state: &mut State, record: Record) {
    let sooner = state.record.is_some_and(|before| record.ends < before.ends);
    state.breaches.check(Promise::NoShortening, !sooner);
    state.record = Some(record);
    if let Some(newest) = &mut state.newest
        && newest.token == record.token
    {
        newest.ends = newest.ends.max(record.ends);
    }
}

fn free(state: &mut State) {
    if let Some(newest) = &mut state.newest {
        newest.ends = std::time::Duration::ZERO;
    }
}

/// Only the newest lease may be changed, and only if it was neither released nor broken.
fn check_owner(state: &mut State, lease: Key) {
    let owner = state.newest.is_some_and(|newest| newest.is_of(lease));
    state.breaches.check(Promise::OnlyTheHolder, owner);
}
