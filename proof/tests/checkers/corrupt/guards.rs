//! Guards that say what is not so (CK-B, CK-D).

use shylock_proof::{
    checkers::Breach,
    history::{Event, What},
};

use super::{Corruption, story::*};
use crate::{
    random::Random,
    world::{SECOND, settings},
};

pub(crate) const KINDS: &[Corruption] = &[
    (Breach::BeliefsOverlap, "a holder goes on while the next one holds", goes_on),
    (Breach::BeliefsOverlap, "a grant comes before the last one's end", comes_early),
    (Breach::BeliefsOverlap, "whoever stood still believes on", believes_on),
    (Breach::NothingLeft, "nothing is left", |random, events| set_left(random, events, 0)),
    (Breach::LeftTooLong, "more is left than a lease", |random, events| set_left(random, events, settings().ttl + 1)),
    (Breach::HeldAgain, "held after the loss was told", |random, events| {
        held_after(random, events, |event| matches!(event.what, What::Lost { .. }))
    }),
    (Breach::HeldAgain, "held after not held", |random, events| {
        held_after(random, events, |event| matches!(event.what, What::Asked { held: false, .. }))
    }),
    (Breach::LossLate, "a loss is told late", loss_late),
    (Breach::LossUntold, "a loss is not told", |random, events| {
        let Some(place) = any(random, events, |event| matches!(event.what, What::Lost { .. })) else { return false };
        events.remove(place);
        true
    }),
];

fn says_held(event: &Event) -> bool {
    matches!(event.what, What::Asked { held: true, .. })
}

fn of<'a>(lock: &'a str, token: Option<u64>) -> impl Fn(&Event) -> bool + 'a {
    move |event| event.lock == lock && token_of(event) == token
}

/// When this holder's guard said for the last time that it holds.
fn last_word(events: &[Event], grant: usize) -> Option<u64> {
    let own = of(&events[grant].lock, token_of(&events[grant]));
    events.iter().filter(|event| own(event) && says_held(event)).map(|event| event.at).max()
}

fn goes_on(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let mut pairs = granted_pairs(events);
    let killed = |process| events.iter().any(|event| event.process == process && event.what == What::Killed);
    pairs.retain(|&(first, second)| !killed(events[first].process) && last_word(events, second).is_some());
    let Some(&(first, second)) = random.pick(&pairs) else { return false };
    let (begin, token) = (events[second].at, token_of(&events[first]).expect("a token"));
    insert(events, begin + 1, first, What::Asked { token, held: true, left: SECOND });
    let lock = events[first].lock.clone();
    let own = of(&lock, Some(token));
    events.retain(|event| !(own(event) && matches!(event.what, What::Releasing { .. })));
    true
}

fn comes_early(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let mut pairs = granted_pairs(events);
    pairs.retain(|&(first, second)| last_word(events, first).and(last_word(events, second)).is_some());
    let Some(&(first, second)) = random.pick(&pairs) else { return false };
    events[second].at = last_word(events, first).expect("its last word") - 1;
    true
}

fn believes_on(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let denied = any(random, events, |event| {
        let paused =
            |other: &Event| other.process == event.process && other.what == What::Paused && other.at < event.at;
        matches!(event.what, What::Asked { held: false, .. }) && events.iter().any(paused)
    });
    let Some(place) = denied else { return false };
    if let What::Asked { held, left, .. } = &mut events[place].what {
        (*held, *left) = (true, SECOND);
    }
    true
}

fn set_left(random: &mut Random, events: &mut Vec<Event>, to: u64) -> bool {
    let Some(place) = any(random, events, says_held) else { return false };
    if let What::Asked { left, .. } = &mut events[place].what {
        *left = to;
    }
    true
}

fn held_after(random: &mut Random, events: &mut Vec<Event>, is: fn(&Event) -> bool) -> bool {
    let Some(place) = any(random, events, is) else { return false };
    let token = token_of(&events[place]).expect("a token");
    insert(events, events[place].at + 1, place, What::Asked { token, held: true, left: SECOND });
    true
}

fn loss_late(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, |event| matches!(event.what, What::Lost { .. })) else { return false };
    let denied = |event: &&Event| matches!(event.what, What::Asked { held: false, .. });
    let lock = events[place].lock.clone();
    let own = of(&lock, token_of(&events[place]));
    let since = events.iter().filter(denied).find(|event| own(event)).expect("it was asked").at;
    events[place].at = since + settings().loss_delay + 1;
    true
}
