//! The Python library, in an environment of its own below `target`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

use crate::{
    outcome::Outcome,
    store::{MongoStore, with_options},
    worker::Child,
};

/// The version that is compared with, and its drivers.
const PACKAGES: [&str; 3] = ["shylock==1.2.1", "pymongo", "motor"];

/// The drivers that the library works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    Pymongo,
    Motor,
}

/// A Python that has the library.
pub(crate) struct Python {
    program: PathBuf,
    /// Where the packages are, if not in the environment of the program.
    packages: Option<PathBuf>,
}

impl Python {
    /// Makes the environment where it is missing.
    pub(crate) async fn with_library() -> Outcome<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/shylock-bench-original");
        fs::create_dir_all(&folder)?;
        let venv = folder.join("venv");
        let in_venv = Self { program: venv.join("bin/python"), packages: None };
        if in_venv.versions().await.is_ok() {
            return Ok(in_venv);
        }
        let mut make = Command::new("python3");
        if run(make.args(["-m", "venv", "--clear"]).arg(&venv)).await.is_ok() {
            in_venv.install(&[]).await?;
            in_venv.versions().await?;
            return Ok(in_venv);
        }
        let packages = folder.join("packages");
        let without = Self { program: "python3".into(), packages: Some(packages.clone()) };
        if without.versions().await.is_err() {
            without.install(&["--upgrade", "--target", &packages.to_string_lossy()]).await?;
            without.versions().await?;
        }
        Ok(without)
    }

    /// The versions of all that takes part.
    pub(crate) async fn versions(&self) -> Outcome<String> {
        let script = "import sys, shylock, pymongo, motor\nfrom importlib.metadata import version\n\
            names = ('shylock', 'pymongo', 'motor')\n\
            print('Python', sys.version.split()[0], *(f'{name} {version(name)}' for name in names))";
        Ok(run(self.command().arg("-c").arg(script)).await?.trim().to_owned())
    }

    /// A child process of the library, connected, with the write concern of ours.
    pub(crate) async fn child(&self, driver: Driver, mongo: &MongoStore) -> Outcome<Child> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("original.py");
        let mut command = self.command();
        command.arg(script).arg(driver.name());
        let mut child = Child::of(command)?;
        let uri = with_options(&mongo.uri, &[("w", "majority"), ("journal", "true")]);
        child.tell(&format!("open {uri} {}", mongo.database)).await?;
        child.expect("ready").await?;
        Ok(child)
    }

    async fn install(&self, options: &[&str]) -> Outcome<()> {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(self.command().args(pip).args(options).args(PACKAGES)).await?;
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }
}

impl Driver {
    pub(crate) const ALL: [Self; 2] = [Self::Pymongo, Self::Motor];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pymongo => "pymongo",
            Self::Motor => "motor",
        }
    }
}

/// What a command prints; if it fails, its last complaint.
async fn run(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
    Err(format!("{}: {complaint}", output.status).into())
}
