//! Tickets: the right to a held lock, as data that may be forged, stale or altered when it comes back.

mod support;

use serde_json::{Value, json};
use shylock_core::{AsyncLockGuard, Error, LockManager, LockTicket, LossReason, MemoryBackend};
use support::{Fault, Faulty, Op, ms, s};
use tokio::time::{sleep, timeout};

/// Nobody gets in with this ticket, and whoever has the lock keeps it.
async fn assert_refused(manager: &LockManager, ticket: LockTicket, why: &str) {
    let before = manager.inspect("x").await.expect("the store answers").map(|held| held.token);
    let error = manager.resume(ticket).await.expect_err(why);
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }), "{why}: {error:?}");
    let after = manager.inspect("x").await.expect("the store answers").map(|held| held.token);
    assert_eq!(before, after, "{why}");
}

async fn hold(manager: &LockManager) -> AsyncLockGuard {
    manager.lock("x").acquire().await.expect("granted")
}

#[tokio::test(start_paused = true)]
async fn a_ticket_carries_a_held_lock_to_another_process() {
    let store = MemoryBackend::new();
    let (here, there) = (LockManager::new(store.clone()), LockManager::new(store));
    let guard = here.lock("x").acquire().await.expect("granted");
    let (token, lost) = (guard.token(), guard.lost());
    let parcel = serde_json::to_string(&guard.detach()).expect("serialised");
    assert_eq!(lost.await.reason, LossReason::Released, "the guard stands for nothing any more");
    assert!(here.lock("x").try_acquire().await.expect("the store answers").is_none(), "it is still held");

    let ticket: LockTicket = serde_json::from_str(&parcel).expect("a ticket");
    assert_eq!((ticket.name(), ticket.token()), ("x", token));
    let secret = parcel.split("\"holder\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    assert!(!format!("{ticket:?}").contains(secret), "{ticket:?}");
    let guard = there.resume(ticket.clone()).await.expect("resumed");
    assert_eq!((guard.name(), guard.token()), ("x", token));
    sleep(s(120)).await;
    assert!(guard.is_held(), "it is renewed there");
    guard.release().await.expect("released");
    let error = there.resume(ticket).await.expect_err("stale");
    assert!(matches!(error, Error::Lost { reason: LossReason::Taken }));
}

#[test]
fn a_ticket_has_one_spelling() {
    let ticket = |holder: &str| {
        let text = format!(r#"{{"lock":"x","name":"x","holder":"{holder}","token":1,"ttl_ms":1000,"check":7}}"#);
        serde_json::from_str::<LockTicket>(&text).map(|ticket| serde_json::to_string(&ticket).expect("sent") == text)
    };
    assert!(ticket(&"0a".repeat(16)).expect("a ticket"));
    for odd in ["", "1", "+1", &"A".repeat(32), &"0".repeat(33), &format!("+{}", "0".repeat(31)), &"g".repeat(32)] {
        assert!(ticket(odd).is_err(), "{odd}");
    }
}

/// Who gives up while the store is slow can come back with the same ticket: the first attempt releases nothing.
#[tokio::test(start_paused = true)]
async fn a_ticket_survives_a_cancelled_resume() {
    let store = Faulty::default();
    let manager = store.manager();
    let ticket = manager.lock("x").acquire().await.expect("granted").detach();
    store.next(1, Op::Renew, Fault::Delays(ms(500)));
    assert!(timeout(ms(100), manager.resume(ticket.clone())).await.is_err());
    let guard = manager.resume(ticket).await.expect("resumed");
    sleep(s(1)).await;
    manager.close().await;
    guard.ensure_held().expect("held");
    assert_eq!(store.holder("x").await.expect("held").token, guard.token());
}

/// Every field counts, and so does every digit.
#[tokio::test]
async fn an_altered_ticket_is_refused() {
    let manager = LockManager::new(MemoryBackend::new());
    let guard = hold(&manager).await;
    let token = guard.token().get();
    let genuine = guard.detach();
    let parcel = serde_json::to_value(&genuine).expect("serialised");
    let altered = |field: &str, value: Value| {
        let mut parcel = parcel.clone();
        parcel[field] = value;
        serde_json::from_value::<LockTicket>(parcel)
    };
    let holder = parcel["holder"].as_str().expect("an id");
    let digits = (0..holder.len()).map(|at| {
        let digit = if &holder[at..=at] == "0" { "1" } else { "0" };
        ("holder", Value::from(format!("{}{digit}{}", &holder[..at], &holder[at + 1..])))
    });
    let others = [
        ("token", json!(token + 1)),
        ("token", json!(token - 1)),
        ("name", json!("y")),
        ("lock", json!("y")),
        ("lock", json!("")),
        ("ttl_ms", json!(30_001)),
        ("ttl_ms", json!(86_400_000)),
        ("check", json!(parcel["check"].as_u64().expect("a number") ^ 1)),
    ];
    for (field, value) in digits.chain(others) {
        let ticket = altered(field, value.clone()).expect("well formed");
        assert_refused(&manager, ticket, &format!("{field} = {value}")).await;
    }
    for (field, value) in [
        ("token", json!(0)),
        ("token", json!(1_u64 << 53)),
        ("holder", json!("me")),
        ("name", json!("")),
        ("ttl_ms", json!(999)),
        ("ttl_ms", json!(86_400_001)),
        ("ttl_ms", json!(u64::MAX)),
        ("check", json!(-1)),
    ] {
        assert!(altered(field, value.clone()).is_err(), "{field} = {value}");
    }
    let text = parcel.to_string();
    for end in 0..text.len() {
        assert!(serde_json::from_str::<LockTicket>(&text[..end]).is_err(), "{}", &text[..end]);
    }
    drop(manager.resume(genuine).await.expect("the genuine one is as good as before"));
}

/// With a checksum that is right: what the store says is what counts.
#[tokio::test]
async fn a_forged_ticket_is_refused() {
    let (here, there) = (LockManager::new(MemoryBackend::new()), LockManager::new(MemoryBackend::new()));
    let genuine = hold(&here).await;
    // Of the same name, as a store gave it that is not this one: another holder, and another token.
    assert_refused(&here, hold(&there).await.detach(), "of another store").await;
    genuine.renew().await.expect("the holder is not disturbed");
}

#[tokio::test(start_paused = true)]
async fn a_stale_ticket_is_refused() {
    let store = MemoryBackend::new();
    let (here, there) = (LockManager::new(store.clone()), LockManager::new(store));

    let ticket = hold(&here).await.detach();
    there.resume(ticket.clone()).await.expect("resumed").release().await.expect("released");
    assert_refused(&there, ticket, "after it was resumed and released").await;

    let ticket = hold(&here).await.detach();
    sleep(s(31)).await;
    assert_refused(&there, ticket, "after its lease has ended").await;

    let ticket = hold(&here).await.detach();
    here.force_break("x").await.expect("broken").expect("it was held");
    assert_refused(&there, ticket, "after the lock was broken").await;

    let ticket = hold(&here).await.detach();
    sleep(s(31)).await;
    let next = hold(&there).await;
    assert_refused(&here, ticket, "after another has taken over").await;
    next.renew().await.expect("the holder is not disturbed");
}

/// Its holder was told that it is lost, though nobody has it yet.
#[tokio::test(start_paused = true)]
async fn the_ticket_of_a_lost_guard_is_refused() {
    let store = MemoryBackend::new();
    let (here, there) = (LockManager::new(store.clone()), LockManager::new(store));
    let lock = here.lock("x").with_auto_renew(false);
    let guard = lock.acquire().await.expect("granted");
    guard.lost().await;
    assert!(there.inspect("x").await.expect("the store answers").is_some(), "for the safety margin");
    assert_refused(&there, guard.detach(), "lost by time").await;

    let guard = here.lock("x").with_max_hold(s(5)).acquire().await.expect("granted");
    guard.lost().await;
    assert!(there.inspect("x").await.expect("the store answers").is_some(), "for the rest of its lease");
    assert_refused(&there, guard.detach(), "lost by `max_hold`").await;
}

#[tokio::test]
async fn a_ticket_is_good_in_its_own_namespace_only() {
    let store = MemoryBackend::new();
    let space = |name: &str| LockManager::builder(store.clone()).namespace(name).build().expect("good options");
    let ticket = hold(&space("a")).await.detach();
    assert_refused(&space("b"), ticket.clone(), "of another namespace").await;
    assert_refused(&LockManager::new(store.clone()), ticket.clone(), "of none").await;
    space("a").resume(ticket).await.expect("of its own").release().await.expect("released");
}
