//! What every refusal has to be.

use std::time::Duration;

use shylock_core::Error;
use shylock_tests::{Stopwatch, assert_silent};

/// Asserts that connecting fails with a typed error within this time, which may pass or not, that one of its texts says
/// so, and that none has a secret.
pub(crate) async fn refused<T>(
    what: &str,
    says: &[&str],
    may_pass: bool,
    within: Duration,
    connecting: impl Future<Output = Result<T, Error>>,
) {
    let watch = Stopwatch::start();
    let Err(error) = connecting.await else { panic!("{what}: it connects") };
    let took = watch.took();
    println!("{what}: refused after {took:?}");
    assert!(took < within, "{what}: {took:?}");
    assert_silent(&error);
    assert!(matches!(error, Error::Backend { retryable, .. } if retryable == may_pass), "{what}: {error:?}");
    let text = all_texts(&error);
    assert_silent(&text);
    assert!(says.iter().any(|says| text.contains(says)), "{what}: {text}");
}

/// Of the error and its sources.
fn all_texts(error: &Error) -> String {
    let mut texts = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        texts += &format!(": {error}");
        source = error.source();
    }
    texts
}
