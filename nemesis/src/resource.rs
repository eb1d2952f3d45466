//! What the locks guard: a resource for each, which takes a write unless it has seen a larger fencing token. It is
//! reached over a socket file, which no cut between hosts touches.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use crate::Result;

/// A write under a token.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    lock: String,
    token: u64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It was done, as the so-many-th.
    Accepted(u64),
    /// A larger token had been seen.
    Fenced,
}

/// All resources, by the lock that guards each: the largest token, and how many writes there were.
#[derive(Debug, Default)]
struct Resources {
    seen: HashMap<String, (u64, u64)>,
    /// A broken resource takes every write.
    no_fence: bool,
}

impl Resources {
    fn write(&mut self, request: &Request) -> Verdict {
        let (largest, writes) = self.seen.entry(request.lock.clone()).or_default();
        if request.token < *largest && !self.no_fence {
            return Verdict::Fenced;
        }
        *largest = request.token.max(*largest);
        *writes += 1;
        Verdict::Accepted(*writes)
    }
}

/// Serves writes in this folder until the process ends. `no_fence`: takes all of them.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(folder: &Path, no_fence: bool) -> Result<()> {
    let listener = UnixListener::bind(socket(folder))?;
    let resources = Arc::new(Mutex::new(Resources { no_fence, ..Resources::default() }));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&resources)));
        }
    });
    Ok(())
}

async fn answer(stream: UnixStream, resources: Arc<Mutex<Resources>>) -> Result<()> {
    let (requests, mut answers) = stream.into_split();
    let mut lines = BufReader::new(requests).lines();
    while let Some(line) = lines.next_line().await? {
        let request = serde_json::from_str(&line)?;
        let verdict = resources.lock().unwrap_or_else(PoisonError::into_inner).write(&request);
        answers.write_all(format!("{}\n", serde_json::to_string(&verdict)?).as_bytes()).await?;
    }
    Ok(())
}

/// Writes to the resource behind this lock.
///
/// # Errors
/// The resource is gone.
pub async fn write(folder: &Path, lock: &str, token: u64) -> Result<Verdict> {
    let request = serde_json::to_string(&Request { lock: lock.to_owned(), token })?;
    let (answers, mut requests) = UnixStream::connect(socket(folder)).await?.into_split();
    requests.write_all(format!("{request}\n").as_bytes()).await?;
    let answer = BufReader::new(answers).lines().next_line().await?.ok_or("the resource has gone")?;
    Ok(serde_json::from_str(&answer)?)
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("resource.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_token_is_refused_an_equal_one_is_not() {
        let mut resources = Resources::default();
        let mut write = |lock: &str, token| resources.write(&Request { lock: lock.to_owned(), token });
        assert_eq!(write("a", 5), Verdict::Accepted(1));
        assert_eq!(write("a", 5), Verdict::Accepted(2));
        assert_eq!(write("a", 4), Verdict::Fenced);
        assert_eq!(write("b", 4), Verdict::Accepted(1));
        assert_eq!(write("a", 6), Verdict::Accepted(3));
    }
}
