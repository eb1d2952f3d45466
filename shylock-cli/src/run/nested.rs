//! A run inside of another one of the same lock, which waits for itself.

use shylock_core::LockManager;

use crate::{arguments::Run, failure::Failure, output::plain};

/// Fails if the lock is held by a run around this one, as the environment says and the store confirms.
pub(super) async fn check(options: &Run, manager: &LockManager, held: &[(u64, String)]) -> Result<(), Failure> {
    let mut tokens = held.iter().filter(|(_, name)| *name == options.name).map(|(token, _)| *token).peekable();
    if tokens.peek().is_none() {
        return Ok(());
    }
    // What goes wrong here goes wrong again when the lock is asked for.
    let Ok(Some(holder)) = manager.inspect(&options.name).await else { return Ok(()) };
    if tokens.all(|token| token != holder.token.get()) {
        return Ok(());
    }
    let name = plain(&options.name);
    Err(Failure::usage(format!(
        "{name} is held by the `shylock run` that this one is a part of: it would wait for itself"
    ))
    .with_hint("take the lock once, outside, or give the inner one another name; --no-wait does not wait"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use shylock_core::MemoryBackend;

    use super::*;
    use crate::arguments::{Arguments, Command};

    #[tokio::test]
    async fn only_a_holder_around_this_process_is_one() {
        let arguments = Arguments::try_parse_from(["shylock", "run", "k", "true"]);
        let Ok(Arguments { command: Command::Run(options), .. }) = arguments else { panic!("a run") };
        let manager = LockManager::new(MemoryBackend::new());
        let held = |token: u64, name: &str| [(token, name.to_owned())];
        assert!(check(&options, &manager, &held(7, "k")).await.is_ok(), "nobody holds it");
        let guard = manager.lock("k").acquire().await.expect("free");
        let token = guard.token().get();
        assert!(check(&options, &manager, &held(token, "k")).await.is_err());
        assert!(check(&options, &manager, &held(token, "other")).await.is_ok());
        assert!(check(&options, &manager, &held(token - 1, "k")).await.is_ok(), "on another store");
        assert!(check(&options, &manager, &[]).await.is_ok());
        guard.release().await.expect("released");
    }
}
