//! Tickets on their way to another process: the genuine one goes on, all others are refused.

use std::time::{Duration, Instant};

use shylock_mongo::{AsyncLockGuard, LockManager, LockTicket};
use shylock_tests::Mongo;
use tokio::time::sleep;

use crate::{fresh, manager, worker::Worker};

const TTL: Duration = Duration::from_secs(2);

async fn hold(manager: &LockManager, name: &str) -> AsyncLockGuard {
    manager.lock(name).with_ttl(TTL).acquire().await.expect("granted")
}

fn sent(ticket: &LockTicket) -> serde_json::Value {
    serde_json::to_value(ticket).expect("serialised")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_goes_on_with_the_same_token() {
    let mongo = Mongo::replica_set(1).await;
    let (here, name) = (manager(&mongo).await, fresh("handed"));
    let mut worker = Worker::start(&["tickets", &mongo.uri()]);
    let guard = hold(&here, &name).await;
    let token = guard.token();
    let ticket = sent(&guard.detach()).to_string();
    worker.tell(&ticket);
    assert_eq!(worker.says(), format!("resumed {token}"));
    let since = Instant::now();
    while since.elapsed() < 3 * TTL {
        let held = here.inspect(&name).await.expect("the store answers").expect("it is renewed there");
        assert_eq!(held.token, token);
        sleep(TTL / 20).await;
    }
    worker.ask();
    assert_eq!(worker.says(), "holds 1");
    assert!(worker.finish().success(), "it has released the lock");
    let next = here.lock(&name).try_acquire().await.expect("the store answers").expect("it is free");
    assert!(next.token() > token);
    let mut late = Worker::start(&["tickets", &mongo.uri()]);
    late.tell(&ticket);
    assert_eq!(late.says(), "refused Taken", "it is good no more");
    next.ensure_held().expect("and disturbs nobody");
    next.release().await.expect("released");
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_altered_and_stale_tickets_are_refused() {
    let mongo = Mongo::replica_set(1).await;
    let (here, name) = (manager(&mongo).await, fresh("forged"));
    let mut worker = Worker::start(&["tickets", &mongo.uri()]);
    let mut answer = |ticket: String| {
        worker.tell(&ticket);
        worker.says()
    };

    let guard = here.lock(&name).acquire().await.expect("granted");
    let token = guard.token();
    let genuine = sent(&guard.detach());
    let altered = |field: &str, value: serde_json::Value| {
        let mut ticket = genuine.clone();
        ticket[field] = value;
        ticket.to_string()
    };
    for (field, value) in [
        ("holder", "00112233445566778899aabbccddeeff".into()),
        ("token", (token.get() + 1).into()),
        ("token", (token.get() - 1).into()),
        ("name", fresh("other").into()),
        ("ttl_ms", 60_000.into()),
    ] {
        assert_eq!(answer(altered(field, value)), "refused Taken", "{field}");
    }
    for (field, value) in [("holder", "me".into()), ("token", 0.into()), ("ttl_ms", 1.into())] {
        assert_eq!(answer(altered(field, value)), "no ticket", "{field}");
    }
    let text = genuine.to_string();
    assert_eq!(answer(text[..text.len() / 2].into()), "no ticket");
    assert_eq!(answer(text), format!("resumed {token}"), "the genuine one is as good as before");

    let broken = fresh("broken");
    let ticket = sent(&hold(&here, &broken).await.detach()).to_string();
    here.force_break(&broken).await.expect("broken").expect("it was held");
    assert_eq!(answer(ticket), "refused Taken", "after a break");

    let expired = fresh("expired");
    let ticket = sent(&hold(&here, &expired).await.detach()).to_string();
    while here.inspect(&expired).await.expect("the store answers").is_some() {
        sleep(TTL / 20).await;
    }
    assert_eq!(answer(ticket.clone()), "refused Taken", "after its end, though nobody has taken it over");
    let next = hold(&here, &expired).await;
    assert_eq!(answer(ticket), "refused Taken", "after another has");
    next.renew().await.expect("who is not disturbed");

    let lost = here.lock(fresh("lost")).with_ttl(TTL).with_max_hold(TTL / 20).acquire().await.expect("granted");
    lost.lost().await;
    assert_eq!(answer(sent(&lost.detach()).to_string()), "refused Taken", "a lost lease stays lost");
}
