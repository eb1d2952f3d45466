//! Whether, and when, to repeat a query that did nothing. Longer waits are the engine's.

use std::time::Duration;

use crate::errno::Meaning;

/// How often a query is repeated that met another writer.
const REPEATS: u32 = 3;

/// The pause before the next repetition; `None`: there is none. `random` lies in 0..1.
pub(crate) fn pause(meaning: Meaning, tried: u32, random: f64) -> Option<Duration> {
    let (repeats, least, most) = match meaning {
        // The other writer is done in a moment.
        Meaning::Contention => (REPEATS, 1.0, 20.0),
        Meaning::Blocked => (REPEATS, 20.0, 80.0),
        // Another coordinator may not know yet what this one made.
        Meaning::Missing => (1, 50.0, 100.0),
        _ => return None,
    };
    let ms: f64 = least + (most - least) * random.clamp(0.0, 1.0);
    (tried < repeats).then(|| Duration::from_secs_f64(ms / 1000.0))
}

/// A number in 0..1.
pub(crate) fn random() -> f64 {
    f64::from(getrandom::u32().unwrap_or(u32::MAX / 2)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_did_nothing_is_repeated_and_not_for_long() {
        let longest = |meaning| -> Duration { (0..100).map_while(|tried| pause(meaning, tried, 1.0)).sum() };
        assert_eq!(longest(Meaning::Contention), Duration::from_millis(60));
        assert_eq!(longest(Meaning::Blocked), Duration::from_millis(240));
        assert_eq!(longest(Meaning::Missing), Duration::from_millis(100));
        for meaning in [Meaning::Ambiguous, Meaning::NotApplied, Meaning::Overloaded, Meaning::Permanent] {
            assert_eq!(pause(meaning, 0, 0.5), None, "{meaning:?}");
        }
        assert!(pause(Meaning::Contention, 0, 0.0) < pause(Meaning::Contention, 0, 1.0));
    }
}
