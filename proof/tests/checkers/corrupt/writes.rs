//! A resource that does not do its duty (CK-F).

use shylock_proof::{
    checkers::Breach,
    history::{Event, What},
};

use super::{Corruption, story::*};
use crate::random::Random;

pub(crate) const KINDS: &[Corruption] = &[
    (Breach::AcceptedFell, "two writes change places", fell),
    (Breach::AcceptedFell, "a write under way is accepted though it is stale", |random, events| {
        accept(random, events, false)
    }),
    (Breach::AcceptedStale, "a write is accepted though it was stale when it was sent", |random, events| {
        accept(random, events, true)
    }),
    (Breach::OrderTwice, "two writes have one place", order_twice),
    (Breach::NeverSent, "a write was not sent", never_sent),
    (Breach::NeverSent, "a write had another token", |random, events| {
        let Some(place) = any(random, events, is_accepted) else { return false };
        if let What::Accepted { token, .. } = &mut events[place].what {
            *token += 1;
        }
        true
    }),
    (Breach::WriteEndedTwice, "a write is accepted and fenced off", ended_twice),
];

fn is_accepted(event: &Event) -> bool {
    matches!(event.what, What::Accepted { .. })
}

fn order(event: &mut Event) -> &mut u64 {
    match &mut event.what {
        What::Accepted { order, .. } => order,
        what => panic!("{what:?} has no order"),
    }
}

/// Two accepted writes of one lock with different tokens.
fn two(random: &mut Random, events: &[Event]) -> Option<(usize, usize)> {
    let first = any(random, events, is_accepted)?;
    let other = |event: &Event| event.lock == events[first].lock && token_of(event) != token_of(&events[first]);
    Some((first, any(random, events, |event| is_accepted(event) && other(event))?))
}

fn fell(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some((first, second)) = two(random, events) else { return false };
    let orders = [first, second].map(|place| *order(&mut events[place]));
    *order(&mut events[first]) = orders[1];
    *order(&mut events[second]) = orders[0];
    true
}

fn order_twice(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some((first, second)) = two(random, events) else { return false };
    *order(&mut events[first]) = *order(&mut events[second]);
    true
}

/// Accepts a write that was fenced off, and that was sent late or not.
fn accept(random: &mut Random, events: &mut Vec<Event>, late: bool) -> bool {
    let newest = |event: &Event, until: u64| {
        let before = |other: &&Event| is_accepted(other) && other.lock == event.lock && other.at < until;
        events.iter().filter(before).filter_map(token_of).max()
    };
    let fenced = places(events, |event| {
        let What::Fenced { write, token } = event.what else { return false };
        let is = |other: &&Event| matches!(other.what, What::Writing { write: sent, .. } if sent == write);
        let sent = events.iter().find(is).expect("it was sent");
        (newest(event, sent.at) > Some(token)) == late
    });
    let Some(&place) = random.pick(&fenced) else { return false };
    let What::Fenced { write, token } = events[place].what else { return false };
    // Right after the newest write that was acknowledged by then.
    let (lock, at) = (events[place].lock.clone(), events[place].at);
    let before = places(events, |event| is_accepted(event) && event.lock == lock && event.at < at);
    let newest = before.last().map(|&place| *order(&mut events[place])).expect("it was stale");
    let later = places(events, |event| is_accepted(event) && event.lock == lock && event.at >= at);
    later.into_iter().for_each(|place| *order(&mut events[place]) += 1);
    events[place].what = What::Accepted { write, token, order: newest + 1 };
    true
}

fn never_sent(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, |event| matches!(event.what, What::Writing { .. })) else { return false };
    events.remove(place);
    true
}

fn ended_twice(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, is_accepted) else { return false };
    let What::Accepted { write, token, .. } = events[place].what else { return false };
    insert(events, events[place].at + 1, place, What::Fenced { write, token });
    true
}
