//! The HTTP client against a scripted server: what goes wrong on the way.

use std::time::Duration;

use shylock_arango::{
    AcquireRequest, ArangoBackend, Attempt, Backend, BackendError, Credentials, Failure, LeaseKey, ListQuery, LockName,
    Renewal, RequestError,
};
use tokio::time::Instant;

use crate::{
    lab::{builder, connected, request},
    responder::{Answer, Asked, Server, nobody, refusal},
};

/// A backend whose `take` gets this answer.
async fn that_says(answer: Answer) -> (Server, ArangoBackend) {
    let script = move |asked: &Asked| if asked.is_take() { answer.clone() } else { Answer::Healthy };
    let server = Server::new(script).await;
    let backend = connected(builder(), &server).await;
    (server, backend)
}

async fn failure(backend: &ArangoBackend) -> (BackendError, String) {
    let error = backend.try_acquire(&request()).await.expect_err("a failure");
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<RequestError>());
    let source = format!("{:?}", source.expect("a request's error"));
    (error, source)
}

#[tokio::test]
async fn a_free_lock_is_one_request() {
    let server = Server::healthy().await;
    let backend = connected(builder(), &server).await;
    let before = server.log().len();
    let Attempt::Granted(grant) = backend.try_acquire(&request()).await.expect("answered") else { panic!("free") };
    assert_eq!(grant.token.get(), 1_838_080_000_000_257);
    let log = server.log();
    assert_eq!(log.len(), before + 1);
    let asked = &log[before];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/_db/locks/_api/cursor"));
    assert_eq!(asked.body["options"]["maxRuntime"], 1.0);
    // Where older servers read it, and where newer ones do.
    assert_eq!((&asked.body["cache"], &asked.body["options"]["cache"]), (&false.into(), &false.into()));
    assert_eq!(asked.headers["content-type"], "application/json");
    assert!(!asked.headers.contains_key("authorization") && !asked.headers.contains_key("accept-encoding"));
    assert!(log.iter().all(|asked| asked.connection == 0), "one after the other needs one connection");
}

/// No server's silence outlasts the time-out, and what became of the request is unknown.
#[tokio::test]
async fn a_silent_server_is_given_up() {
    let (server, backend) = that_says(Answer::Silence).await;
    let since = Instant::now();
    let (error, source) = failure(&backend).await;
    assert_eq!(*error.failure(), Failure::Ambiguous);
    assert!(source.starts_with("Unanswered"), "{source}");
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    assert_eq!(server.count(Asked::is_take), 1, "repeating it is the engine's task");
}

#[tokio::test]
async fn what_is_no_answer_is_unknown() {
    let html = "<html><h1>503 Service Unavailable</h1></html>";
    let cut = r#"{"result":[{"name":"invoice-42","owner":""#;
    for answer in [
        Answer::Close,
        Answer::Cut(cut.into()),
        Answer::Body(201, cut.into()),
        Answer::Body(503, html.into()),
        Answer::Body(200, html.into()),
        Answer::Body(502, String::new()),
        Answer::Body(302, String::new()),
        Answer::Body(201, r#"{"error":false,"result":7}"#.into()),
        Answer::Body(201, r#"{"error":false,"result":[]}"#.into()),
        Answer::Body(201, r#"{"error":false,"result":[1]}"#.into()),
        Answer::Body(201, r#"{"error":false,"result":[{}],"hasMore":true}"#.into()),
    ] {
        let shown = format!("{answer:?}");
        let (_server, backend) = that_says(answer).await;
        let error = backend.try_acquire(&request()).await.expect_err("no answer");
        assert_eq!(*error.failure(), Failure::Ambiguous, "{shown}: {error:?}");
        assert!(!format!("{error:?}").contains("Unavailable<"), "the body is not repeated: {error:?}");
    }
}

/// A reply of 10 MB is not read to its end, whether or not it says how long it is.
#[tokio::test]
async fn an_endless_reply_is_refused() {
    for answer in [Answer::Body(201, " ".repeat(10 << 20)), Answer::Endless(64 << 20)] {
        let (_server, backend) = that_says(answer).await;
        let (error, source) = failure(&backend).await;
        assert_eq!(*error.failure(), Failure::Ambiguous);
        assert!(source.starts_with("TooLarge"), "{source}");
    }
}

/// A read has changed nothing, however it failed.
#[tokio::test]
async fn a_failed_read_is_never_ambiguous() {
    for answer in [
        Answer::Silence,
        Answer::Close,
        Answer::Body(502, "<html>".into()),
        Answer::Cut(r#"{"result":[{"name":"#.into()),
        Answer::Body(201, r#"{"error":false,"result":7}"#.into()),
        Answer::Body(201, r#"{"error":false,"result":[{}],"hasMore":true}"#.into()),
        Answer::Endless(64 << 20),
        refusal(503, 503),
        refusal(503, 1495),
        refusal(500, 32),
        refusal(400, 99_999),
    ] {
        let script = move |asked: &Asked| {
            if asked.path.ends_with("/_api/cursor") { answer.clone() } else { Answer::Healthy }
        };
        let server = Server::new(script).await;
        let backend = connected(builder(), &server).await;
        let name = LockName::new("a").expect("a valid name");
        let inspected = backend.inspect(&name).await.expect_err("a failure");
        assert_eq!(*inspected.failure(), Failure::NotApplied);
        let listed = backend.list(&ListQuery { prefix: String::new(), after: None, limit: 9 }).await;
        assert_eq!(*listed.expect_err("a failure").failure(), Failure::NotApplied);
    }
}

#[tokio::test]
async fn nobody_there_means_that_nothing_happened() {
    let since = Instant::now();
    let error = builder().connect(nobody().await, "locks", Credentials::none()).await.expect_err("nobody");
    assert!(matches!(&error, shylock_arango::Error::Backend { retryable: true, .. }), "{error:?}");
    assert!(since.elapsed() < Duration::from_secs(2));
    let (server, backend) = that_says(Answer::Close).await;
    server.end().await;
    // The connection that was kept open is closed in place of an answer, and the next one is refused.
    failure(&backend).await;
    let (error, source) = failure(&backend).await;
    assert_eq!(*error.failure(), Failure::NotApplied, "{source}");
}

/// An endpoint that is not there costs nothing but its connection attempt; one that fails is left.
#[tokio::test]
async fn other_endpoints_take_over() {
    let (first, second) = (Server::healthy().await, Server::healthy().await);
    let backend = builder().endpoint(&first.url).endpoint(&second.url);
    let backend = backend.connect(nobody().await, "locks", Credentials::none()).await.expect("connected");
    backend.try_acquire(&request()).await.expect("granted");
    assert_eq!((first.count(Asked::is_take), second.log().len()), (1, 0), "requests stay with one");

    let script = |asked: &Asked| if asked.is_take() { refusal(503, 503) } else { Answer::Healthy };
    let (failing, healthy) = (Server::new(script).await, Server::healthy().await);
    let backend = connected(builder().endpoint(&healthy.url), &failing).await;
    let error = backend.try_acquire(&request()).await.expect_err("the first fails");
    assert_eq!(*error.failure(), Failure::Ambiguous);
    backend.try_acquire(&request()).await.expect("the second is asked now");
    assert_eq!((failing.count(Asked::is_take), healthy.count(Asked::is_take)), (1, 1));

    let script = |asked: &Asked| if asked.is_take() { Answer::Silence } else { Answer::Healthy };
    let (silent, healthy) = (Server::new(script).await, Server::healthy().await);
    let backend = connected(builder().endpoint(&healthy.url), &silent).await;
    backend.try_acquire(&request()).await.expect_err("it may have been carried out");
    backend.try_acquire(&request()).await.expect("the second is asked now");
}

#[tokio::test]
async fn a_path_is_put_before_all_paths() {
    let server = Server::healthy().await;
    let url = format!("{}/behind/a proxy", server.url).replace(' ', "%20");
    let backend = builder().connect(url, "my locks", Credentials::none()).await.expect("connected");
    backend.try_acquire(&request()).await.expect("granted");
    for asked in server.log() {
        assert!(asked.path.starts_with("/behind/a%20proxy/_db/my%20locks/_api/"), "{}", asked.path);
    }
}

/// Who is in the way for a moment costs nothing; who stays there has the lock, or the request is repeated.
#[tokio::test]
async fn conflicts_are_contention() {
    let tries = std::sync::atomic::AtomicU32::new(0);
    let server = Server::new(move |asked| {
        let numbers = [1200, 1210, 1202];
        let tried = || tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as usize;
        match asked.is_take().then(tried) {
            Some(tried) => numbers.get(tried).map_or_else(|| asked.granted(), |number| refusal(409, *number)),
            None => Answer::Healthy,
        }
    })
    .await;
    let backend = connected(builder(), &server).await;
    assert!(matches!(backend.try_acquire(&request()).await, Ok(Attempt::Granted(_))));

    let (server, backend) = that_says(refusal(409, 1200)).await;
    let (error, _) = failure(&backend).await;
    assert_eq!(*error.failure(), Failure::NotApplied);
    assert_eq!(server.count(|asked| asked.is_query("FILTER l._key == @key\n  RETURN")), 1, "it was looked at");
}

#[tokio::test]
async fn a_database_that_disappears_is_an_error_with_a_type() {
    for number in [1203, 1228] {
        let script = move |asked: &Asked| {
            if asked.path.ends_with("/_api/cursor") { refusal(404, number) } else { Answer::Healthy }
        };
        let server = Server::new(script).await;
        let backend = connected(builder(), &server).await;
        let (error, source) = failure(&backend).await;
        assert_eq!(*error.failure(), Failure::Permanent, "{source}");
        let AcquireRequest { name, holder, .. } = request();
        let token = shylock_arango::FencingToken::new(1).expect("a token");
        let lease = LeaseKey { name: name.clone(), holder, token };
        let permanent = |error: BackendError| assert_eq!(*error.failure(), Failure::Permanent);
        permanent(backend.release(std::slice::from_ref(&lease)).await.expect_err("missing"));
        permanent(backend.hand_off(&lease, &request()).await.expect_err("missing"));
        permanent(backend.inspect(&name).await.expect_err("missing"));
        let renewal = Renewal { lease, ttl: Duration::from_secs(30) };
        permanent(backend.renew(&[renewal]).await.expect_err("missing"));
    }
}
