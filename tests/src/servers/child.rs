//! A `mongod` that is a child process, for machines without Docker.

use std::{
    env,
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, PoisonError},
};

use tokio::process;

use super::{
    announced::Folder,
    failure::{Result, While},
    flag::Flag,
    flags,
    mongod::Mongod,
    processes,
    version::Version,
};

/// The process; killed by the reaper, which also removes its folder.
pub(crate) struct Child {
    process: Mutex<process::Child>,
    log: PathBuf,
    _folder: Folder,
}

impl Child {
    /// Starts it.
    pub(crate) async fn start(version: Version, port: u16, more: &[Flag]) -> Result<Self> {
        let mongod = Mongod::get(version).await?;
        let folder = Folder::inside(&env::temp_dir())?;
        let data = folder.path().join("data");
        fs::create_dir(&data).or_say(|| "cannot make a folder for data".to_owned())?;
        let no_text = "the path of the folder for temporary files is no text";
        let (data, home) = (data.to_str().ok_or(no_text)?, folder.path().to_str().ok_or(no_text)?);
        for (name, content) in more.iter().filter_map(Flag::file) {
            fs::write(folder.path().join(name), content).or_say(|| format!("cannot write {name}"))?;
        }
        let more = more.iter().map(|flag| flag.argument(home)).collect();
        let log = folder.path().join("log");
        let output = File::create(&log).or_say(|| "cannot make a log file".to_owned())?;
        let complaints = output.try_clone().or_say(|| "cannot share a log file".to_owned())?;
        let process = process::Command::new(&mongod.program)
            .args(flags::command_line(version, port, data, more))
            .env("LD_LIBRARY_PATH", &mongod.libraries)
            .env(processes::MARK, folder.path())
            .process_group(0) // Ctrl-C is for the tests; their servers end after them
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(complaints)
            .spawn()
            .or_say(|| format!("cannot start {}", mongod.program.display()))?;
        Ok(Self { process: Mutex::new(process), log, _folder: folder })
    }

    pub(crate) fn is_running(&self) -> Result<bool> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        let status = process.try_wait();
        Ok(status.or_say(|| "cannot look at mongod".to_owned())?.is_none())
    }

    pub(crate) fn log(&self) -> Result<String> {
        fs::read_to_string(&self.log).or_say(|| "cannot read the log".to_owned())
    }
}
