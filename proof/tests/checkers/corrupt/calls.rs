//! Calls that end as they must not (CK-T, CK-O, CK-L, CK-C).

use shylock_proof::{
    checkers::Breach,
    history::{Answer, Before, Event, What},
};

use super::{Corruption, story::*};
use crate::{
    random::Random,
    world::{MILLI, SECOND, settings},
};

pub(crate) const KINDS: &[Corruption] = &[
    (Breach::TokenTwice, "a token is granted twice", token_twice),
    (Breach::TokenFell, "two grants change their tokens", token_fell),
    (Breach::TokenImpossible, "a token is 0, or too large", token_impossible),
    (Breach::NotWanted, "a call's beginning is gone", |random, events| {
        remove(random, events, |event| matches!(event.what, What::Wanted { limit: None, .. }))
    }),
    (Breach::WantedTwice, "a call begins twice", |random, events| {
        twice(random, events, |event| matches!(event.what, What::Wanted { .. }))
    }),
    (Breach::EndedTwice, "a call is granted twice", |random, events| twice(random, events, is_granted)),
    (Breach::EndedTwice, "a grant is also refused", |random, events| {
        end_again(random, events, is_granted, |call| What::Refused { call })
    }),
    (Breach::EndedTwice, "a failure is also dropped", |random, events| {
        end_again(random, events, |event| matches!(event.what, What::Failed { .. }), |call| What::Abandoned { call })
    }),
    (Breach::NeverEnded, "an end is gone", never_ended),
    (Breach::UsedUngranted, "a call that failed is used", |random, events| {
        change_grant(random, events, |call| What::Failed { call, error: "no".into() })
    }),
    (Breach::UsedUngranted, "a call that was refused is used", |random, events| {
        change_grant(random, events, |call| What::Refused { call })
    }),
    (Breach::ReleasedTwice, "a grant is released twice", |random, events| twice(random, events, is_released)),
    (Breach::ReleasedUnasked, "nobody gave it back", released_unasked),
    (Breach::ReleasedInVain, "the store had it go to its end", released_in_vain),
    (Breach::Unanswered, "an answer after the end of all faults is gone", unanswered),
    (Breach::AnsweredLate, "an answer after the end of all faults is late", answered_late),
    (Breach::WaitedTooLong, "a wait goes beyond its limit", waited_too_long),
    (Breach::Overtaken, "a call began long before", |random, events| overtaken(random, events, 3, false)),
    (Breach::OvertakenLocally, "a call began before its neighbour", |random, events| {
        overtaken(random, events, 1, true)
    }),
];

fn is_released(event: &Event) -> bool {
    matches!(event.what, What::Released { answer: Answer::Released, .. })
}

fn set_token(event: &mut Event, to: u64) {
    if let What::Granted { token, .. } = &mut event.what {
        *token = to;
    }
}

fn token_twice(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(&(first, second)) = random.pick(&granted_pairs(events)) else { return false };
    let token = token_of(&events[first]).expect("a token");
    set_token(&mut events[second], token);
    true
}

fn token_fell(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let mut pairs = granted_pairs(events);
    pairs.retain(|&(first, second)| {
        let wanted = wanted(events, call_of(&events[second]).expect("a call")).expect("its beginning");
        events[first].at < events[wanted].at
    });
    let Some(&(first, second)) = random.pick(&pairs) else { return false };
    let tokens = [first, second].map(|place| token_of(&events[place]).expect("a token"));
    set_token(&mut events[first], tokens[1]);
    set_token(&mut events[second], tokens[0]);
    true
}

fn token_impossible(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, is_granted) else { return false };
    let token = if random.one_in(2) { 0 } else { 1 << 53 };
    set_token(&mut events[place], token);
    true
}

fn remove(random: &mut Random, events: &mut Vec<Event>, is: impl Fn(&Event) -> bool) -> bool {
    // A killed process may have left a beginning and no end.
    let ended: Vec<u64> = events.iter().filter(|event| is_end(event)).filter_map(call_of).collect();
    let ends = |event: &Event| call_of(event).is_none_or(|call| ended.contains(&call));
    any(random, events, |event| is(event) && ends(event)).map(|place| events.remove(place)).is_some()
}

fn twice(random: &mut Random, events: &mut Vec<Event>, is: impl Fn(&Event) -> bool) -> bool {
    let Some(place) = any(random, events, is) else { return false };
    let mut again = events[place].clone();
    again.at += random.between(0, SECOND);
    events.push(again);
    true
}

fn end_again(random: &mut Random, events: &mut Vec<Event>, is: fn(&Event) -> bool, end: fn(u64) -> What) -> bool {
    let Some(place) = any(random, events, is) else { return false };
    let call = call_of(&events[place]).expect("a call");
    insert(events, events[place].at + random.between(0, SECOND), place, end(call));
    true
}

fn never_ended(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let upset = upset(events);
    remove(random, events, |event| is_end(event) && !upset.contains(&event.process))
}

fn change_grant(random: &mut Random, events: &mut Vec<Event>, end: fn(u64) -> What) -> bool {
    let Some(place) = any(random, events, is_granted) else { return false };
    let call = call_of(&events[place]).expect("a call");
    events[place].what = end(call);
    true
}

fn released_unasked(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let Some(place) = any(random, events, is_released) else { return false };
    let (lock, token) = (events[place].lock.clone(), token_of(&events[place]));
    let is = |event: &Event| matches!(event.what, What::Releasing { .. }) && event.lock == lock;
    events.retain(|event| !(is(event) && token_of(event) == token));
    true
}

fn released_in_vain(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let mut pairs = stored_pairs(events);
    pairs.retain(|&(first, _)| {
        let (lock, token) = (&events[first].lock, token_of(&events[first]));
        events.iter().any(|event| is_released(event) && event.lock == *lock && token_of(event) == token)
    });
    let Some(&(_, second)) = random.pick(&pairs) else { return false };
    if let What::Stored { granted, before, .. } = &mut events[second].what {
        *before = Before::Ended { at: *granted - 600 };
    }
    true
}

fn healed(events: &[Event]) -> u64 {
    events.iter().find(|event| event.what == What::AllHealed).expect("it heals").at
}

fn unanswered(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let (healed, upset) = (healed(events), upset(events));
    remove(random, events, |event| is_end(event) && event.at > healed && !upset.contains(&event.process))
}

fn answered_late(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let (healed, upset) = (healed(events), upset(events));
    let place = any(random, events, |event| is_end(event) && event.at > healed && !upset.contains(&event.process));
    let Some(place) = place else { return false };
    let begin = wanted(events, call_of(&events[place]).expect("a call")).expect("its beginning");
    let What::Wanted { limit, .. } = events[begin].what else { return false };
    let bound = match limit.filter(|limit| *limit > 0) {
        Some(limit) => limit + settings().slack,
        None => settings().wait_bound,
    };
    events[place].at = events[begin].at.max(healed) + bound + 1;
    true
}

fn waited_too_long(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let upset = upset(events);
    let place = any(random, events, |event| is_end(event) && !upset.contains(&event.process));
    let Some(place) = place else { return false };
    let begin = wanted(events, call_of(&events[place]).expect("a call")).expect("its beginning");
    let What::Wanted { limit: Some(limit), .. } = events[begin].what else { return false };
    events[place].at = events[begin].at + limit + settings().slack + 1;
    limit > 0
}

/// Has a call begin before this many calls that were granted before it was.
fn overtaken(random: &mut Random, events: &mut Vec<Event>, by: usize, local: bool) -> bool {
    calm(events);
    let upset = upset(events);
    let Some(place) = any(random, events, |event| is_granted(event) && !upset.contains(&event.process)) else {
        return false;
    };
    let Event { at, process, lock, .. } = events[place].clone();
    let earlier = |event: &Event| event.lock == lock && event.at < at && (!local || event.process == process);
    let mut before = places(events, |event| is_granted(event) && earlier(event));
    let Some(first) = before.len().checked_sub(by).map(|first| before.split_off(first)[0]) else { return false };
    let begin = wanted(events, call_of(&events[first]).expect("a call")).expect("its beginning");
    let own = wanted(events, call_of(&events[place]).expect("a call")).expect("its beginning");
    events[own].at = events[begin].at - 1;
    events[own].at > MILLI / 2
}
