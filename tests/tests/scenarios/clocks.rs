//! P6 on a real server: processes whose wall clocks are an hour off exclude each other like all others.

use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use shylock_tests::{Mongo, SkewedClock};

use crate::{fresh, worker::Worker};

const HOUR: i64 = 3600;

#[tokio::test(flavor = "multi_thread")]
async fn client_clocks_have_no_say() {
    let mongo = Mongo::replica_set(1).await;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(fresh("clock"));
    let clock = SkewedClock::new(&folder).expect("a clock");
    for ahead in [HOUR, -HOUR] {
        clock.set(ahead * 1_000).expect("set");
        let name = fresh("clocks");
        let manager = crate::manager(&mongo).await;
        let see = |database_lock: &str| {
            let worker = Worker::start_with_clock(&clock, &["see", &mongo.uri(), database_lock]);
            worker.says()
        };
        let numbers = |line: &str| -> Vec<i64> {
            line.split_whitespace().skip(1).map(|number| number.parse().expect("a number")).collect()
        };

        let lock = manager.lock(&name);
        let guard = lock.acquire().await.expect("granted");
        let held = see(&name);
        assert!(held.starts_with("held "), "ahead by {ahead} s, it says {held:?}");
        let [token, remaining, wall] = numbers(&held)[..] else { panic!("{held}") };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let shift = wall - i64::try_from(now).expect("soon");
        assert!((shift - ahead).abs() < 60, "its clock really is shifted: by {shift} s");
        assert_eq!(u64::try_from(token), Ok(guard.token().get()));
        assert!((1..=30_000).contains(&remaining), "{remaining} ms remain");

        let before = guard.token();
        guard.release().await.expect("released");
        let free = see(&name);
        assert!(free.starts_with("free "), "ahead by {ahead} s, it says {free:?}");
        let [token, remaining, _] = numbers(&free)[..] else { panic!("{free}") };
        assert!(u64::try_from(token).is_ok_and(|token| token > before.get()));
        assert!((25_000..=30_000).contains(&remaining), "of its own lease {remaining} ms remain");

        // And the one with the odd clock is respected, and followed when its lease ends.
        let holder = Worker::start_with_clock(&clock, &["hold", &mongo.uri(), &name, "1000"]);
        let token = holder.says_first("held ")[0];
        assert!(lock.try_acquire().await.expect("the store answers").is_none());
        drop(holder);
        let guard = lock.acquire_timeout(Duration::from_secs(10)).await.expect("taken over");
        assert!(guard.token().get() > token);
        guard.release().await.expect("released");
    }
    std::fs::remove_dir_all(folder).expect("removed");
}
