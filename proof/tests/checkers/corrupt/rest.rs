//! Processes that leave something behind, panic, tell secrets or take too long (CK-R, CK-P, CK-C).

use shylock_proof::{
    checkers::Breach,
    history::{Event, What},
};

use super::{Corruption, story::*};
use crate::{
    random::Random,
    world::{SECOND, SECRET, settings},
};

pub(crate) const KINDS: &[Corruption] = &[
    (Breach::TasksLeft, "a task stays", |random, events| uses(random, events, [1, 0, 0, 0])),
    (Breach::ConnectionsLeft, "a connection stays", |random, events| uses(random, events, [0, 1, 0, 0])),
    (Breach::FilesLeft, "a file stays open", |random, events| uses(random, events, [0, 0, 1, 0])),
    (Breach::MemoryLeft, "memory stays", |random, events| uses(random, events, [0, 0, 0, 10 << 20])),
    (Breach::Panic, "a process panics", |random, events| {
        add(random, events, |_| What::Panicked { message: "index out of bounds".into() })
    }),
    (Breach::SecretTold, "a failure tells a secret", |random, events| {
        add(random, events, |call| What::Failed { call, error: format!("cannot reach db:{SECRET}@host") })
    }),
    (Breach::SecretTold, "a panic tells a secret", |random, events| {
        add(random, events, |_| What::Panicked { message: format!("called with {SECRET}") })
    }),
    (Breach::SecretTold, "a loss tells a secret", |random, events| {
        add(random, events, |token| What::Lost { token, reason: SECRET.into() })
    }),
    (Breach::TookTooLong, "a call takes a nanosecond too long", took),
];

fn uses(random: &mut Random, events: &mut Vec<Event>, more: [u64; 4]) -> bool {
    let end = events.iter().map(|event| event.at).max();
    let last = |event: &Event| matches!(event.what, What::Uses { .. }) && Some(event.at) == end;
    let Some(place) = any(random, events, last) else { return false };
    if let What::Uses { tasks, connections, files, resident } = &mut events[place].what {
        for (now, more) in [tasks, connections, files, resident].into_iter().zip(more) {
            *now += more;
        }
    }
    true
}

fn add(random: &mut Random, events: &mut Vec<Event>, what: fn(u64) -> What) -> bool {
    let place = random.place(events.len());
    insert(events, events[place].at, place, what(1));
    true
}

fn took(random: &mut Random, events: &mut Vec<Event>) -> bool {
    let upset = upset(events);
    let calm = |event: &Event| event.at > 5 * SECOND && !upset.contains(&event.process);
    let Some(place) = any(random, events, |event| matches!(event.what, What::Wanted { .. }) && calm(event)) else {
        return false;
    };
    let time = SECOND + settings().slack + 1;
    insert(events, events[place].at, place, What::Took { call: "renew".into(), limit: SECOND, time });
    true
}
