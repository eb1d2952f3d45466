//! Who the client says it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use shylock_arango::{Attempt, Backend, Credentials, Error, Failure};
use tokio::task::JoinSet;

use crate::{
    lab::{builder, request, shown},
    responder::{Answer, Asked, Server, refusal, token},
};

fn is_login(asked: &Asked) -> bool {
    asked.path.ends_with("/_open/auth")
}

fn password() -> Credentials {
    Credentials::password("root", "canaryinthemine-pw")
}

/// A server that gives out tokens of this lifetime, and takes only those from `valid` on.
async fn guarded(lifetime: f64, valid: Arc<AtomicU64>) -> Server {
    let given = AtomicU64::new(0);
    Server::new(move |asked| {
        if is_login(asked) {
            assert_eq!(asked.body, json!({ "username": "root", "password": "canaryinthemine-pw" }));
            assert_eq!(asked.authorization(), "");
            let jwt = token(given.fetch_add(1, Ordering::SeqCst), lifetime);
            return Answer::Late(
                Duration::from_millis(50),
                Box::new(Answer::Body(200, json!({ "jwt": jwt }).to_string())),
            );
        }
        let number = asked.authorization().rsplit('-').next().and_then(|number| number.parse::<u64>().ok());
        match number {
            Some(number) if number >= valid.load(Ordering::SeqCst) => {
                if asked.is_take() {
                    asked.granted()
                } else {
                    Answer::Healthy
                }
            }
            _ => refusal(401, 11),
        }
    })
    .await
}

#[tokio::test]
async fn credentials_go_along() {
    for (credentials, header) in [
        (Credentials::none(), ""),
        (Credentials::basic("root", "a"), "Basic cm9vdDph"),
        (Credentials::bearer("my.own.token"), "Bearer my.own.token"),
    ] {
        let server = Server::healthy().await;
        builder().connect(&server.url, "locks", credentials).await.expect("connected");
        assert!(server.log().iter().all(|asked| asked.authorization() == header && !is_login(asked)));
    }
    let server = Server::healthy().await;
    let error =
        builder().connect(&server.url, "locks", Credentials::bearer("canaryinthemine\n")).await.expect_err("no header");
    assert!(matches!(error, Error::InvalidOption { option: "credentials", .. }), "{error:?}");
    assert!(!shown(&error).contains("canaryinthemine"));
}

/// Of many whose token has expired at once, one logs in, and all go on.
#[tokio::test]
async fn an_expired_token_is_renewed_once_for_all() {
    let valid = Arc::new(AtomicU64::new(0));
    let server = guarded(3600.0, Arc::clone(&valid)).await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    assert_eq!(server.count(is_login), 1);
    for round in 1..=3 {
        valid.store(round, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        for _ in 0..20 {
            let backend = backend.clone();
            tasks.spawn(async move { backend.try_acquire(&request()).await });
        }
        while let Some(attempt) = tasks.join_next().await {
            assert!(matches!(attempt.expect("no panic"), Ok(Attempt::Granted(_))));
        }
        assert_eq!(server.count(is_login), 1 + usize::try_from(round).expect("small"), "single flight");
    }
}

/// A token is renewed before it expires, in the background: the server never has to refuse one.
#[tokio::test]
async fn a_token_is_renewed_in_time() {
    let server = guarded(0.2, Arc::default()).await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    while server.count(is_login) < 3 {
        backend.try_acquire(&request()).await.expect("granted");
    }
    backend.try_acquire(&request()).await.expect("granted");
    let with = |number: &str| server.count(|asked| asked.is_take() && asked.authorization().ends_with(number));
    assert!(with("signature-0") > 0 && with("signature-1") > 0);
    let taken = server.count(Asked::is_take);
    let granted = server.count(|asked| asked.is_take() && asked.authorization().starts_with("Bearer header."));
    assert_eq!(taken, granted, "none went without a token");
}

/// A renewal that fails costs nothing while the old token works, and is not tried with every request.
#[tokio::test]
async fn the_old_token_is_used_on() {
    let logins = AtomicU64::new(0);
    let server = Server::new(move |asked| match is_login(asked) {
        true if logins.fetch_add(1, Ordering::SeqCst) == 0 => {
            Answer::Body(200, json!({ "jwt": token(0, 0.02) }).to_string())
        }
        true => refusal(503, 503),
        false if asked.is_take() => asked.granted(),
        false => Answer::Healthy,
    })
    .await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    while server.count(is_login) < 2 {
        backend.try_acquire(&request()).await.expect("granted");
    }
    for _ in 0..20 {
        backend.try_acquire(&request()).await.expect("granted");
    }
    assert_eq!(server.count(is_login), 2);
}

/// A wrong password is told at once and not tried again; nobody is asked twenty times for twenty requests.
#[tokio::test]
async fn a_refused_login_is_final() {
    let server = Server::new(|asked| if is_login(asked) { refusal(401, 401) } else { refusal(401, 11) }).await;
    let error = builder().connect(&server.url, "locks", password()).await.expect_err("refused");
    assert!(matches!(error, Error::Backend { retryable: false, .. }), "{error:?}");
    assert!(!shown(&error).contains("canaryinthemine"), "{error:?}");
    assert_eq!(server.log().len(), 1);

    let logins = AtomicU64::new(0);
    let server = Server::new(move |asked| match is_login(asked) {
        true if logins.fetch_add(1, Ordering::SeqCst) == 0 => Answer::Healthy,
        true => Answer::Late(Duration::from_millis(100), Box::new(refusal(401, 401))),
        false if asked.is_take() => refusal(401, 11),
        false => Answer::Healthy,
    })
    .await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let backend = backend.clone();
        tasks.spawn(async move { backend.try_acquire(&request()).await });
    }
    while let Some(attempt) = tasks.join_next().await {
        let error = attempt.expect("no panic").expect_err("refused");
        assert_eq!(*error.failure(), Failure::Permanent, "{error:?}");
        assert!(!shown(&error).contains("canaryinthemine"), "{error:?}");
    }
    assert!(server.count(is_login) <= 4, "{} logins", server.count(is_login));
}

/// A database that this user may not see is refused with the same number as an expired token.
#[tokio::test]
async fn a_missing_right_is_not_asked_for_for_ever() {
    let script = |asked: &Asked| if asked.is_take() { refusal(401, 11) } else { Answer::Healthy };
    let server = Server::new(script).await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    let error = backend.try_acquire(&request()).await.expect_err("refused");
    assert_eq!(*error.failure(), Failure::Permanent);
    assert_eq!((server.count(Asked::is_take), server.count(is_login)), (2, 2));
}

/// What becomes of a request whose login was not answered is known: nothing.
#[tokio::test]
async fn a_silent_login_leaves_no_doubt() {
    let logins = AtomicU64::new(0);
    let server = Server::new(move |asked| match is_login(asked) {
        true if logins.fetch_add(1, Ordering::SeqCst) == 0 => Answer::Healthy,
        true => Answer::Silence,
        false if asked.is_take() => refusal(401, 11),
        false => Answer::Healthy,
    })
    .await;
    let backend = builder().connect(&server.url, "locks", password()).await.expect("connected");
    let error = backend.try_acquire(&request()).await.expect_err("no login");
    assert_eq!(*error.failure(), Failure::NotApplied);
}

/// A server that asks nobody has no login either.
#[tokio::test]
async fn without_a_login_the_password_goes_along() {
    let script = |asked: &Asked| if is_login(asked) { Answer::Body(404, String::new()) } else { Answer::Healthy };
    let server = Server::new(script).await;
    builder().connect(&server.url, "locks", Credentials::password("root", "a")).await.expect("connected");
    assert_eq!(server.count(is_login), 1);
    assert!(
        server.log().iter().filter(|asked| !is_login(asked)).all(|asked| asked.authorization() == "Basic cm9vdDph")
    );
}
