//! An excuse for a release that seems to have been in vain.

use crate::history::{Event, What};

/// Whether the guard said that it holds when it was asked last before it was given back. A release whose tries were lost,
/// or of which one freed the lock and only its answer was lost, is told as a release if another has the lock by then:
/// nobody else had it while its holder acted. The checker, which cannot see the tries, takes the end of the lease for a
/// loss.
pub fn held_when_released<'a>(events: impl IntoIterator<Item = &'a Event>, lock: &str, released: u64) -> bool {
    let mut last = false;
    for event in events.into_iter().filter(|event| event.lock == lock) {
        match event.what {
            What::Asked { token, held, .. } if token == released => last = held,
            What::Releasing { token } if token == released => return last,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_before_counts() {
        let asked = |held| What::Asked { token: 7, held, left: 1 };
        let held = |all: &[What]| {
            let event = |what: &What| Event { at: 0, process: 1, lock: "a".to_owned(), what: what.clone() };
            held_when_released(&all.iter().map(event).collect::<Vec<_>>(), "a", 7)
        };
        let releasing = What::Releasing { token: 7 };
        assert!(held(&[asked(true), releasing.clone(), asked(false)]));
        assert!(!held(&[asked(true), asked(false), releasing.clone()]));
        assert!(!held(&[releasing]));
    }
}
