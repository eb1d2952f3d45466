//! What the backend makes of the rows that a server answers.

use std::sync::Mutex;

use serde_json::{Value, json};
use shylock_arango::{
    AcquireRequest, ArangoBackend, Attempt, Backend, BackendError, Failure, HandOff, LeaseKey, ListQuery, LockManager,
};

use crate::{
    lab::{builder, connected, name, request},
    responder::{Answer, Asked, NOW, Server, refusal, rows},
};

const OTHER: &str = "00112233445566778899aabbccddeeff";

/// The record of another holder's lease that ends so many seconds from now.
fn other(ends_in: f64) -> Value {
    json!({
        "name": "invoice-42", "owner": OTHER, "token": 5, "acquiredAt": NOW - 60.0, "expiresAt": NOW + ends_in,
        "host": "api-3", "pid": 4711.0, "note": null, "now": NOW,
    })
}

fn is_peek(asked: &Asked) -> bool {
    asked.is_query("FILTER l._key == @key\n  RETURN")
}

/// A server that grants a lease over the other's only if it is told that the other's is dead.
async fn with_record(ends_in: f64) -> (Server, ArangoBackend) {
    let server = Server::new(move |asked| match asked.is_take() {
        true if asked.body["bindVars"]["dead"] == OTHER => asked.granted(),
        true => rows(&json!([other(ends_in)])),
        false if is_peek(asked) => rows(&json!([other(ends_in)])),
        false => Answer::Healthy,
    })
    .await;
    let backend = connected(builder(), &server).await;
    (server, backend)
}

/// Who waits looks, and does not lock the record of who holds it.
#[tokio::test]
async fn who_waits_looks_first() {
    let (server, backend) = with_record(20.0).await;
    for _ in 0..3 {
        let Ok(Attempt::Held(info)) = backend.try_acquire(&request()).await else { panic!("held") };
        assert_eq!((info.pid, info.remaining.as_secs(), info.takeover_in.as_millis()), (Some(4711), 20, 20_500));
    }
    assert_eq!((server.count(Asked::is_take), server.count(is_peek)), (1, 2));
    assert_eq!(server.log().iter().find(|asked| asked.is_take()).expect("one").body["bindVars"]["grace"], 0.5);
}

/// A lease whose end, and twice the skew allowance, have passed is taken over: by name of its holder.
#[tokio::test]
async fn an_ended_lease_is_judged_and_taken_over() {
    let (server, backend) = with_record(-0.5).await;
    assert!(matches!(backend.try_acquire(&request()).await, Ok(Attempt::Granted(_))));
    assert_eq!((server.count(Asked::is_take), server.count(is_peek)), (2, 0));

    let (server, backend) = with_record(-0.25).await;
    let Ok(Attempt::Held(info)) = backend.try_acquire(&request()).await else { panic!("too early") };
    assert_eq!((info.remaining.as_millis(), info.takeover_in.as_millis()), (0, 250));
    assert_eq!(server.count(Asked::is_take), 1);
}

/// Whatever was stored in the place of an owner, it is never named as one whose lease may be taken over.
#[tokio::test]
async fn a_corrupt_record_is_asked_for_once() {
    for (field, value) in
        [("owner", json!("$token")), ("owner", Value::Null), ("token", json!(1.5)), ("name", json!("x"))]
    {
        let mut record = other(-90.0);
        record[field] = value;
        let script = move |asked: &Asked| match asked.path.ends_with("/cursor") {
            true => rows(&json!([record])),
            false => Answer::Healthy,
        };
        let server = Server::new(script).await;
        let backend = connected(builder(), &server).await;
        let is_corrupt = |failure: &Failure| matches!(failure, Failure::Corrupt { .. });
        assert!(backend.try_acquire(&request()).await.is_err_and(|error| is_corrupt(error.failure())), "{field}");
        assert!(backend.inspect(&name()).await.is_err_and(|error| is_corrupt(error.failure())), "{field}");
        assert_eq!((server.count(Asked::is_take), server.count(|asked| asked.is_query("UPDATE"))), (1, 1), "{field}");
    }
}

/// A query can decide by an older state of the record than the one it answers: nothing is known then, and it is asked
/// again.
#[tokio::test]
async fn a_free_record_that_is_not_taken_is_no_grant() {
    let mut free = other(-1.0);
    free["owner"] = json!("");
    let script = move |asked: &Asked| if asked.is_take() { rows(&json!([free])) } else { Answer::Healthy };
    let server = Server::new(script).await;
    let backend = connected(builder(), &server).await;
    let error = backend.try_acquire(&request()).await.expect_err("not taken");
    assert_eq!(*error.failure(), Failure::NotApplied);
    assert_eq!(server.count(Asked::is_take), 3);
}

/// Whether a lease was there before a conflict is not known if it is gone afterwards.
#[tokio::test]
async fn a_conflict_leaves_a_doubt() {
    for (repeated, failure) in [(true, Some(Failure::Ambiguous)), (false, None)] {
        let tries = std::sync::atomic::AtomicU32::new(0);
        let server = Server::new(move |asked| {
            let write = asked.is_query("UPDATE");
            let first = write && tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst).is_multiple_of(2);
            if repeated && first { refusal(409, 1200) } else { Answer::Healthy }
        })
        .await;
        let backend = connected(builder(), &server).await;
        let AcquireRequest { name, holder, .. } = request();
        let token = shylock_arango::FencingToken::new(5).expect("a token");
        let lease = LeaseKey { name, holder, token };
        let failed = |error: BackendError| error.failure().clone();
        assert_eq!(backend.release(std::slice::from_ref(&lease)).await.map_err(failed).err(), failure);
        assert_eq!(backend.hand_off(&lease, &request()).await.map_err(failed).err(), failure);
    }
}

/// Breaking releases the very lease that was seen, and looks again if it is another's by then.
#[tokio::test]
async fn a_break_hits_who_was_seen() {
    let seen = Mutex::new(0);
    let server = Server::new(move |asked| {
        let mut seen = seen.lock().expect("no panic");
        if is_peek(asked) {
            *seen += 1;
            let mut record = other(20.0);
            record["token"] = json!(*seen);
            return rows(&json!([record]));
        }
        match asked.is_query("owner: \"\"") {
            true if asked.body["bindVars"]["leases"]["invoice-42"]["token"] == 2 => {
                rows(&json!([{ "key": "invoice-42", "owner": OTHER, "token": 2 }]))
            }
            _ => Answer::Healthy,
        }
    })
    .await;
    let backend = connected(builder(), &server).await;
    let broken = LockManager::new(backend).force_break(name().as_str()).await.expect("answered").expect("held");
    assert_eq!(broken.token.get(), 2);
    assert_eq!(server.count(is_peek), 2);
}

#[tokio::test]
async fn a_hand_off_is_one_query() {
    let server = Server::new(|asked| if asked.is_query("@from") { asked.granted() } else { Answer::Healthy }).await;
    let backend = connected(builder(), &server).await;
    let before = server.log().len();
    let (from, to) = (request(), request());
    let token = shylock_arango::FencingToken::new(5).expect("a token");
    let from = LeaseKey { name: from.name, holder: from.holder, token };
    assert!(matches!(backend.hand_off(&from, &to).await, Ok(HandOff::Granted(_))));
    assert_eq!(server.log().len(), before + 1);
}

/// Pages of the server are put together until the caller's is full; what is corrupt is left out, not the rest.
#[tokio::test]
async fn pages_are_filled() {
    let server = Server::new(|asked| {
        if !asked.is_query("SORT") {
            return Answer::Healthy;
        }
        let binds = &asked.body["bindVars"];
        // The bytes of the last one, and -1.
        let next = binds["from"][0].as_u64().map_or(0, |last| last + 1);
        let limit = binds["limit"].as_u64().expect("a limit");
        let found: Vec<Value> = (next..(next + limit).min(500))
            .map(|number| {
                let mut record = other(20.0);
                record["name"] = json!(format!("{number:03}"));
                record["bytes"] = json!([number]);
                if number % 3 == 0 {
                    record["owner"] = json!("$owner");
                }
                record
            })
            .collect();
        rows(&json!(found))
    })
    .await;
    let backend = connected(builder(), &server).await;
    let list = async |limit| {
        let query = ListQuery { prefix: String::new(), after: None, limit };
        let page = backend.list(&query).await.expect("answered");
        page.into_iter().map(|info| info.name.as_str().to_owned()).collect::<Vec<_>>()
    };
    let all: Vec<_> = (0..500).filter(|number| number % 3 != 0).map(|number| format!("{number:03}")).collect();
    assert_eq!(list(10).await, all[..10]);
    assert_eq!(list(250).await, all[..250]);
    assert_eq!(list(usize::MAX).await, all);
}
