//! Grants for nobody: the store made one for a call which got another, or which was refused, and it stayed until its
//! lease ended. The general checkers cannot tell for which call a grant was; the store's account here can. Pure.
//!
//! While servers are cut off, such a lease may end before its store can be told. So only calls count that began in the
//! calm at the end of a run, when nothing happens any more but replies and requests that get lost.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use shylock_proof::history::{Before, Event, What};

use crate::account::Made;

/// A lease that nobody knew of and nobody gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ghost {
    /// What the store granted.
    pub made: Made,
    /// The token that its call got, if it got any.
    pub instead: Option<u64>,
}

impl fmt::Display for Ghost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made: Made { lock, token, process, call }, instead } = self;
        write!(
            f,
            "lock {lock:?}, token {token} for call {call} of process {process}, which got {instead:?}: to its end"
        )
    }
}

/// What the history calls the faults that are left in the calm.
pub const CALM: &str = "calm";

/// Finds those of processes that lived on.
#[must_use]
pub fn find(events: &[Event], made: &[Made]) -> Vec<Ghost> {
    let mut granted: HashMap<(u32, u64), u64> = HashMap::new();
    let (mut killed, mut to_the_end) = (HashSet::new(), HashSet::new());
    let mut last: HashMap<&str, u64> = HashMap::new();
    let (mut calm, mut begun_in_it) = (false, HashSet::new());
    for event in events {
        match &event.what {
            What::Fault { kind, .. } if kind == CALM => calm = true,
            What::AllHealed => calm = false,
            What::Wanted { call, .. } if calm => drop(begun_in_it.insert((event.process, *call))),
            What::Granted { call, token } => drop(granted.insert((event.process, *call), *token)),
            What::Killed => drop(killed.insert(event.process)),
            What::Stored { token, before, .. } => {
                let previous = last.insert(&event.lock, *token);
                let ended = matches!(before, Before::Ended { .. } | Before::Nothing);
                to_the_end.extend(previous.filter(|_| ended).map(|token| (event.lock.as_str(), token)));
            }
            _ => {}
        }
    }
    let ghost = |made: &Made| {
        let instead = granted.get(&(made.process, made.call)).copied();
        let is_one = begun_in_it.contains(&(made.process, made.call))
            && instead != Some(made.token)
            && !killed.contains(&made.process)
            && to_the_end.contains(&(made.lock.as_str(), made.token));
        is_one.then(|| Ghost { made: made.clone(), instead })
    };
    made.iter().filter_map(ghost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(process: u32, what: What) -> Event {
        Event { at: 0, process, lock: "a".to_owned(), what }
    }

    fn stored(token: u64, before: Before) -> Event {
        event(0, What::Stored { token, granted: 0, ends: 0, before })
    }

    fn made(token: u64, process: u32, call: u64) -> Made {
        Made { lock: "a".to_owned(), token, process, call }
    }

    #[test]
    fn a_grant_that_went_to_its_end_unknown_is_one() {
        let mut events = vec![
            event(0, What::Fault { kind: CALM.to_owned(), detail: String::new() }),
            event(1, What::Wanted { call: 7, limit: None }),
            event(1, What::Granted { call: 7, token: 12 }),
            stored(11, Before::Free),
            stored(12, Before::Ended { at: 5 }),
            stored(13, Before::Free),
        ];
        let all = [made(11, 1, 7), made(12, 1, 7), made(13, 1, 9)];
        assert_eq!(find(&events, &all), [Ghost { made: made(11, 1, 7), instead: Some(12) }]);
        events.push(event(1, What::Killed));
        assert_eq!(find(&events, &all), []);
        events.pop();
        assert_eq!(find(&events[1..], &all), [], "there was no calm");
    }

    #[test]
    fn one_that_was_given_back_is_none() {
        let calm = event(0, What::Fault { kind: CALM.to_owned(), detail: String::new() });
        let wanted = event(1, What::Wanted { call: 7, limit: None });
        let events = [calm, wanted, stored(11, Before::Nothing), stored(12, Before::Free), stored(13, Before::Handed)];
        assert_eq!(find(&events, &[made(11, 1, 7), made(12, 1, 8)]), []);
    }
}
