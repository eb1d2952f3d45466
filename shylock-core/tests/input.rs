//! Bad input is a typed error before any I/O, and good input is what the documentation says.

mod support;

use std::time::Duration;

use shylock_core::{AsyncLock, AsyncLockGuard, Error, InvalidName, LockManager, LockTicket, MemoryBackend, configure};
use support::{Faulty, Op, ms, s};
use tokio::time::timeout;

/// An operator was asked about one holder, and another has the lock by then.
#[tokio::test(start_paused = true)]
async fn only_the_lease_that_was_shown_is_broken() {
    let store = MemoryBackend::new();
    let manager = LockManager::builder(store.clone()).namespace("jobs").build().expect("good options");
    let first = manager.lock("x").acquire().await.expect("granted");
    let shown = manager.inspect("x").await.expect("answered").expect("held");
    first.release().await.expect("released");
    let second = manager.lock("x").acquire().await.expect("granted");
    assert!(!manager.force_release(&shown).await.expect("answered"));
    second.renew().await.expect("it is still held");
    let shown = manager.list("").await.expect("answered").pop().expect("held");
    assert!(manager.force_release(&shown).await.expect("answered"));
    assert!(matches!(second.renew().await, Err(Error::Lost { .. })));
}

#[tokio::test]
async fn names() {
    let store = Faulty::default();
    let manager = store.manager();
    let long = "x".repeat(513);
    for (name, wrong) in [
        ("", InvalidName::Empty),
        (long.as_str(), InvalidName::TooLong { bytes: 513 }),
        ("a\nb", InvalidName::ControlCharacter { position: 1 }),
        ("é\0", InvalidName::ControlCharacter { position: 2 }),
        ("\u{85}", InvalidName::ControlCharacter { position: 0 }),
    ] {
        let lock = manager.lock(name);
        let is_wrong = |error: Error| matches!(error, Error::InvalidName(reason) if reason == wrong);
        assert!(is_wrong(lock.acquire().await.expect_err("invalid")), "{name:?}");
        assert!(is_wrong(lock.try_acquire().await.expect_err("invalid")), "{name:?}");
        assert!(is_wrong(lock.acquire_timeout(s(1)).await.expect_err("invalid")), "{name:?}");
        assert!(is_wrong(lock.with(async |_| ()).await.expect_err("invalid")), "{name:?}");
        assert!(is_wrong(manager.inspect(name).await.expect_err("invalid")), "{name:?}");
        assert!(is_wrong(manager.force_break(name).await.expect_err("invalid")), "{name:?}");
    }
    assert_eq!(store.calls(Op::Acquire) + store.calls(Op::Look), 0, "nothing was sent");
    drop(manager.lock("x".repeat(512)).acquire().await.expect("the longest name"));
}

#[tokio::test]
async fn options_of_a_lock() {
    let store = Faulty::default();
    let lock = store.manager().lock("x");
    let option_of = async |lock: AsyncLock| match lock.acquire().await {
        Err(Error::InvalidOption { option, .. }) => option,
        other => panic!("not refused: {other:?}"),
    };
    for ttl in [Duration::ZERO, ms(999), s(24 * 3600) + ms(1), Duration::MAX] {
        assert_eq!(option_of(lock.clone().with_ttl(ttl)).await, "ttl");
    }
    assert_eq!(option_of(lock.clone().with_max_hold(Duration::ZERO)).await, "max_hold");
    assert_eq!(option_of(lock.clone().with_note("x".repeat(4097))).await, "note");
    let error = lock.acquire_timeout(Duration::ZERO).await.expect_err("zero");
    assert!(matches!(error, Error::InvalidOption { option: "timeout", .. }));
    assert_eq!(store.calls(Op::Acquire), 0, "nothing was sent");

    for ttl in [s(1), s(24 * 3600)] {
        let guard = lock.clone().with_ttl(ttl).with_note("x".repeat(4096)).acquire().await.expect("within the bounds");
        guard.release().await.expect("released");
    }
    let held = lock.clone().with_max_hold(Duration::MAX).acquire().await.expect("longer than any clock can count");
    held.renew().await.expect("renewed");
    held.release().await.expect("released");
    let forever = lock.acquire_timeout(Duration::MAX).await.expect("longer than any clock can count");
    forever.release().await.expect("released");
}

#[test]
fn options_of_a_manager() {
    let option_of = |change: fn(shylock_core::LockManagerBuilder) -> shylock_core::LockManagerBuilder| match change(
        LockManager::builder(MemoryBackend::new()),
    )
    .build()
    {
        Err(Error::InvalidOption { option, .. }) => option,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(option_of(|b| b.ttl(ms(1))), "ttl");
    assert_eq!(option_of(|b| b.namespace("")), "namespace");
    assert_eq!(option_of(|b| b.namespace("a/b")), "namespace");
    assert_eq!(option_of(|b| b.namespace("x".repeat(65))), "namespace");
    assert_eq!(option_of(|b| b.label("x".repeat(257))), "label");
    assert_eq!(option_of(|b| b.safety_margin(s(15))), "safety_margin");
    assert_eq!(option_of(|b| b.poll_limits(Duration::ZERO, s(1))), "poll_limits");
    assert_eq!(option_of(|b| b.poll_limits(s(2), s(1))), "poll_limits");
    assert_eq!(option_of(|b| b.poll_limits(s(1), Duration::MAX)), "poll_limits");
    assert_eq!(option_of(|b| b.call_timeout(Duration::ZERO)), "call_timeout");
    assert_eq!(option_of(|b| b.call_timeout(Duration::MAX)), "call_timeout");
}

/// One test, since the default is the process's.
#[tokio::test]
async fn configure_sets_and_replaces_the_default() {
    let lock = AsyncLock::new("x");
    let error = lock.acquire().await.expect_err("nothing is configured");
    assert!(matches!(error, Error::NotConfigured));
    assert!(error.to_string().contains("configure"), "it names the missing call: {error}");

    let (first, second) = (Faulty::default(), Faulty::default());
    configure(first.clone());
    let guard = lock.acquire().await.expect("granted");
    configure(LockManager::builder(second.clone()).label("api-3").build().expect("valid"));
    let other = lock.try_acquire().await.expect("the store answers").expect("free in the second store");
    assert_eq!(second.holder("x").await.expect("held").host.as_deref(), Some("api-3"));
    guard.release().await.expect("released in the store that it came from");
    assert!(first.holder("x").await.is_none() && second.holder("x").await.is_some());
    drop(other);
}

#[tokio::test]
async fn not_reentrant_and_a_time_out_names_the_holder() {
    let manager = LockManager::builder(MemoryBackend::new()).label("api-3").build().expect("valid");
    let lock = manager.lock("x").with_note("nightly import");
    let guard = lock.acquire().await.expect("granted");
    assert!(lock.try_acquire().await.expect("the store answers").is_none());
    let error = lock.acquire_timeout(ms(50)).await.expect_err("held");
    let pid = std::process::id();
    assert_eq!(
        error.to_string(),
        format!("timed out after 50ms, the lock is still held by api-3 (pid {pid}): nightly import")
    );
    let Error::Timeout { waited, holder: Some(holder) } = error else { panic!("{error:?}") };
    assert_eq!((waited, holder.pid), (ms(50), Some(pid)));
    // Also for one that never was the first in its line.
    let first = tokio::spawn({
        let lock = lock.clone();
        async move { lock.acquire().await }
    });
    // It takes its place when it is polled for the first time.
    tokio::task::yield_now().await;
    let error = lock.acquire_timeout(ms(50)).await.expect_err("held");
    assert!(matches!(error, Error::Timeout { holder: Some(_), .. }), "{error:?}");
    guard.release().await.expect("released");
    drop(first.await.expect("no panic").expect("granted"));
}

#[tokio::test]
async fn namespaces_keep_programs_apart() {
    let store = MemoryBackend::new();
    let [plain, a, b] = [None, Some("a"), Some("b")].map(|space| {
        let builder = LockManager::builder(store.clone());
        space.map_or(builder, |space| LockManager::builder(store.clone()).namespace(space)).build().expect("valid")
    });
    let mut guards = Vec::new();
    for manager in [&plain, &a, &b] {
        let guard = manager.lock("x").try_acquire().await.expect("the store answers").expect("free in its namespace");
        assert_eq!(guard.name(), "x");
        guards.push(guard);
    }
    let names = async |manager: &LockManager, prefix| -> Vec<String> {
        let listed = manager.list(prefix).await.expect("the store answers");
        listed.into_iter().map(|info| info.name.to_string()).collect()
    };
    assert_eq!(names(&plain, "").await, ["a/x", "b/x", "x"]);
    assert_eq!(names(&a, "").await, ["x"]);
    assert_eq!(names(&a, "y").await, [""; 0]);
    assert_eq!(a.inspect("x").await.expect("the store answers").expect("held").name.as_str(), "x");
    assert_eq!(a.force_break("x").await.expect("the store answers").expect("held").token, guards[1].token());
    assert!(guards[2].renew().await.is_ok() && guards[1].renew().await.is_err());
    let error = a.lock("x".repeat(511)).acquire().await.expect_err("too long with its namespace");
    assert!(matches!(error, Error::InvalidName(InvalidName::TooLong { bytes: 513 })), "{error:?}");
}

#[test]
fn futures_and_values_can_be_sent_and_kept() {
    fn send<T: Send>(_: &T) {}
    fn all<T: Send + Sync + 'static>() {}
    all::<AsyncLock>();
    all::<AsyncLockGuard>();
    all::<LockManager>();
    all::<LockTicket>();
    all::<Error>();
    let lock = LockManager::new(MemoryBackend::new()).lock("x");
    send(&lock.acquire());
    send(&lock.try_acquire());
    send(&lock.acquire_timeout(s(1)));
}

#[tokio::test]
async fn with_can_be_spawned() {
    let lock = LockManager::new(MemoryBackend::new()).lock("x");
    let done = tokio::spawn(async move { lock.with(async |guard| guard.renew().await).await });
    timeout(s(5), done).await.expect("soon").expect("no panic").expect("granted").expect("renewed");
}

#[tokio::test]
async fn a_manager_gives_its_store_to_who_knows_it() {
    let manager = LockManager::new(MemoryBackend::new());
    assert!(manager.backend::<MemoryBackend>().is_some() && manager.backend::<Faulty>().is_none());
    let guard = manager.lock("x").acquire().await.expect("granted");
    assert_eq!((guard.key().name.as_str(), guard.key().token), ("x", guard.token()));
    assert!(Faulty::default().manager().backend::<MemoryBackend>().is_none(), "it wraps one");
}
