//! A store that grants what it must not, or loses what it granted (CK-S, CK-G).

use shylock_proof::{
    checkers::Breach,
    history::{Before, Event, What},
};

use super::{Corruption, story::*};
use crate::{random::Random, world::SECOND};

pub(crate) const KINDS: &[Corruption] = &[
    (Breach::StoredTokenFell, "two grants change their tokens", token_fell),
    (Breach::TokenRule, "a token is one too large", |random, events| rule(random, events, 1)),
    (Breach::TokenRule, "a token is far too large", |random, events| rule(random, events, 1 << 40)),
    (Breach::TakenEarly, "a lease is taken over a millisecond early", taken_early),
    (Breach::Shortened, "a lease ends a millisecond before its end", shortened),
    (Breach::Vanished, "a record vanishes", vanished),
    (Breach::EmptyLease, "a lease has no length", empty),
    (Breach::Unexplained, "a grant is made before anybody asked", unasked),
    (Breach::Unexplained, "a call and its grant are gone", call_gone),
    (Breach::NotStored, "the store forgets a grant", not_stored),
    (Breach::LeftHeld, "nobody gets the lock for a while", |random, events| left_held(random, events, false)),
    (Breach::LeftHeld, "nobody gets the lock ever again", |random, events| left_held(random, events, true)),
];

fn is_stored(event: &Event) -> bool {
    matches!(event.what, What::Stored { .. })
}

fn set_token(event: &mut Event, to: u64) {
    if let What::Stored { token, .. } = &mut event.what {
        *token = to;
    }
}

fn token_fell(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(&(first, second)) = random.pick(&stored_pairs(events)) else { return false };
    let tokens = [first, second].map(|place| token_of(&events[place]).expect("a token"));
    set_token(&mut events[first], tokens[1]);
    set_token(&mut events[second], tokens[0]);
    true
}

fn rule(random: &mut Random, events: &mut Vec<Event>, more: u64) -> bool {
    let Some(place) = any(random, events, is_stored) else { return false };
    let token = token_of(&events[place]).expect("a token");
    set_token(&mut events[place], token + more);
    true
}

fn taken_early(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(&(_, second)) = random.pick(&stored_pairs(events)) else { return false };
    if let What::Stored { granted, before, .. } = &mut events[second].what {
        *before = Before::Ended { at: *granted - 499 };
    }
    true
}

fn shortened(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let mut pairs = stored_pairs(events);
    pairs.retain(|&(first, _)| granted(events, &events[first].lock, token_of(&events[first]).expect("one")).is_some());
    let Some(&(first, second)) = random.pick(&pairs) else { return false };
    let What::Stored { ends, .. } = events[first].what else { return false };
    if let What::Stored { before, .. } = &mut events[second].what {
        *before = Before::Ended { at: ends - 1 };
    }
    true
}

fn vanished(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(&(_, second)) = random.pick(&stored_pairs(events)) else { return false };
    if let What::Stored { before, .. } = &mut events[second].what {
        *before = Before::Nothing;
    }
    true
}

fn empty(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, is_stored) else { return false };
    if let What::Stored { granted, ends, .. } = &mut events[place].what {
        *ends = *granted;
    }
    true
}

fn unasked(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, |event| matches!(event.what, What::Wanted { .. })) else { return false };
    let what = What::Stored { token: 1024, granted: 1, ends: 2, before: Before::Nothing };
    insert(events, 0, place, what);
    true
}

/// The first grant of a lock, before any call whose outcome is unknown and could explain it.
fn call_gone(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let ends: Vec<u64> = events.iter().filter(|event| is_granted(event)).filter_map(call_of).collect();
    let unknown = |event: &Event| matches!(event.what, What::Wanted { call, .. } if !ends.contains(&call));
    let fitting = places(events, |event| {
        let earlier = |other: &Event| other.lock == event.lock && other.at <= event.at && unknown(other);
        is_granted(event) && !events.iter().any(earlier)
    });
    let Some(&place) = random.pick(&fitting) else { return false };
    let call = call_of(&events[place]);
    events.retain(|event| call_of(event) != call);
    true
}

fn not_stored(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let known = places(events, |event| {
        is_stored(event) && granted(events, &event.lock, token_of(event).expect("a token")).is_some()
    });
    let Some(&place) = random.pick(&known) else { return false };
    events.remove(place);
    true
}

/// After a lease whose holder is gone the next call waits for half a minute more, or for ever.
fn left_held(random: &mut Random, events: &mut Vec<Event>, for_ever: bool) -> bool {
    calm(events);
    let mut pairs = stored_pairs(events);
    pairs.retain(|&(first, second)| {
        let lock = &events[first].lock;
        let holder = granted(events, lock, token_of(&events[first]).expect("a token"));
        let killed = |process| events.iter().any(|event| event.process == process && event.what == What::Killed);
        let next = granted(events, lock, token_of(&events[second]).expect("a token"));
        let upset = |place: usize| upset(events).contains(&events[place].process);
        holder.is_none_or(|place| killed(events[place].process) && !given_back(events, place))
            && next.is_some_and(|place| !upset(place))
    });
    // A call that is open for ever, and was when nobody was told of the grant, may be the one that has it.
    pairs.retain(|&(first, second)| {
        let grant_of = |place: usize| granted(events, &events[first].lock, token_of(&events[place]).expect("a token"));
        let next = grant_of(second).and_then(|place| wanted(events, call_of(&events[place])?)).expect("it was wanted");
        !for_ever || grant_of(first).is_some() || events[next].at > events[first].at
    });
    let Some(&(first, second)) = random.pick(&pairs) else { return false };
    let (lock, from) = (events[first].lock.clone(), events[second].at);
    let end = from + 40 * SECOND;
    if for_ever {
        let next = granted(events, &lock, token_of(&events[second]).expect("a token")).expect("it was granted");
        let call = call_of(&events[next]);
        let waits = |event: &Event| matches!(event.what, What::Wanted { .. }) && call_of(event) == call;
        events.retain(|event| event.lock != lock || event.at < from || waits(event));
        events.push(Event { at: end, process: 0, lock: String::new(), what: What::AllHealed });
    } else {
        events.iter_mut().filter(|event| event.at >= from).for_each(|event| event.at += 40 * SECOND);
    }
    true
}

/// Whether a grant was given back; its process may be killed later for all that.
fn given_back(events: &[Event], grant: usize) -> bool {
    let same = |event: &Event| event.lock == events[grant].lock && token_of(event) == token_of(&events[grant]);
    events.iter().any(|event| matches!(event.what, What::Releasing { .. }) && same(event))
}
