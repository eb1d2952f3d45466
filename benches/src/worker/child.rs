//! The bench's side of a child process.

use std::{env, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{self, ChildStdin, ChildStdout, Command},
    time,
};

use super::protocol::unexpected;
use crate::{arguments::WORK, outcome::Outcome, store::Store, waiters::LIMIT};

/// It ends when this is dropped.
pub(crate) struct Child {
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    _process: process::Child,
}

impl Child {
    /// This program once more.
    pub(crate) fn start() -> Outcome<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(WORK);
        Self::of(command)
    }

    /// This program once more, connected to the store.
    pub(crate) async fn on(store: &Store) -> Outcome<Self> {
        let mut child = Self::start()?;
        child.open(store).await?;
        Ok(child)
    }

    pub(crate) fn of(mut command: Command) -> Outcome<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdin = process.stdin.take().ok_or("a child has no stdin")?;
        let stdout = BufReader::new(process.stdout.take().ok_or("a child has no stdout")?).lines();
        Ok(Self { stdin, stdout, _process: process })
    }

    pub(crate) async fn open(&mut self, store: &Store) -> Outcome<()> {
        let (url, database) = store.address().ok_or("a store in memory has no other process")?;
        self.tell(&format!("open {url} {database}")).await?;
        self.expect("ready").await
    }

    pub(crate) async fn tell(&mut self, line: &str) -> Outcome<()> {
        self.stdin.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.stdin.flush().await?)
    }

    pub(crate) async fn hear(&mut self) -> Outcome<String> {
        self.hear_within(LIMIT).await
    }

    pub(crate) async fn hear_within(&mut self, limit: Duration) -> Outcome<String> {
        let line = time::timeout(limit, self.stdout.next_line()).await.map_err(|_| "a child process hangs")??;
        let line = line.ok_or("a child process has ended")?;
        match line.strip_prefix("failed ") {
            Some(why) => Err(format!("a child process failed: {why}").into()),
            None => Ok(line),
        }
    }

    pub(crate) async fn expect(&mut self, expected: &str) -> Outcome<()> {
        let line = self.hear().await?;
        if line == expected { Ok(()) } else { Err(unexpected(&line).into()) }
    }
}
