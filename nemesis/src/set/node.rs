//! One `mongod` on one host, and what can be done to its process.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use shylock_tests::{Mongod, Version};

use crate::{
    Result,
    lab::{Host, SkewedClock},
};

/// A server. It is killed when it is dropped.
#[derive(Debug)]
pub struct Node {
    /// Where it runs.
    pub host: Host,
    folder: PathBuf,
    mongod: Program,
    clock: SkewedClock,
    child: Option<Child>,
}

/// Where the program is.
#[derive(Debug, Clone)]
pub struct Program {
    program: PathBuf,
    libraries: PathBuf,
}

impl Program {
    /// Reads it from the environment, into which [`export`](Self::export) has put it: inside, nothing can be downloaded.
    ///
    /// # Errors
    /// It is not there.
    pub fn here() -> Result<Self> {
        let get = |name| std::env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("no {name}"));
        Ok(Self { program: get("SHYLOCK_NEMESIS_MONGOD")?, libraries: get("SHYLOCK_NEMESIS_LIBRARIES")? })
    }

    /// Gets the program, and gives back what the one inside needs in its environment.
    ///
    /// # Errors
    /// It cannot be had.
    pub async fn export() -> Result<[(&'static str, PathBuf); 2]> {
        let mongod = Mongod::get(Version::V6_0_5).await?;
        Ok([("SHYLOCK_NEMESIS_MONGOD", mongod.program), ("SHYLOCK_NEMESIS_LIBRARIES", mongod.libraries)])
    }
}

impl Node {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(host: Host, run: &Path, mongod: Program) -> Result<Self> {
        let folder = run.join(host.to_string());
        fs::create_dir_all(folder.join("data"))?;
        let clock = SkewedClock::new(&folder)?;
        let mut node = Self { host, folder, mongod, clock, child: None };
        node.spawn()?;
        Ok(node)
    }

    /// Starts it again after it was killed.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        if self.child.is_none() { self.spawn() } else { Ok(()) }
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Stops it, or lets it go on.
    ///
    /// # Errors
    /// There is no such process.
    pub fn pause(&self, paused: bool) -> Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        Ok(kill_process(Pid::from_child(child), if paused { Signal::STOP } else { Signal::CONT })?)
    }

    /// Its wall clock.
    #[must_use]
    pub const fn clock(&self) -> &SkewedClock {
        &self.clock
    }

    fn spawn(&mut self) -> Result<()> {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log"))?;
        let mut command = self.host.command("env");
        command.args(self.clock.words());
        command.arg(format!("LD_LIBRARY_PATH={}", self.mongod.libraries.display()));
        command.arg(&self.mongod.program).arg("--dbpath").arg(self.folder.join("data"));
        command.args(["--bind_ip_all", "--port", "27017", "--replSet", super::admin::NAME, "--nounixsocket"]);
        command.args(["--wiredTigerCacheSizeGB=0.25", "--oplogSize=990"]);
        command.arg("--wiredTigerEngineConfigString=log=(file_max=32MB)");
        for parameter in ["enableTestCommands=1", "ttlMonitorSleepSecs=1", "diagnosticDataCollectionEnabled=false"] {
            command.args(["--setParameter", parameter]);
        }
        let complaints = log.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(log).stderr(complaints).process_group(0).spawn()?;
        self.child = Some(child);
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.kill());
    }
}
