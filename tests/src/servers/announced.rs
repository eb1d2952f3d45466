//! Things outside of this process, each made known to the reaper before it exists.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, OnceLock, PoisonError},
};

use std::os::unix::process::CommandExt;

use super::{
    failure::{Result, While},
    removal::Thing,
    report, unique,
};

/// A thing the reaper removes when this value is dropped, or when the process is no more.
#[derive(Debug)]
pub(crate) struct Announced(Thing);

/// A folder of that kind.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _announced: Announced,
}

impl Announced {
    /// Announces the container of that name, which is to be created now.
    pub(crate) fn container(name: &str) -> Self {
        Self::of(Thing::Container(name.to_owned()))
    }

    fn of(thing: Thing) -> Self {
        if let Err(error) = tell(&format!("know {thing}")) {
            panic!("shylock-tests: the reaper is gone ({error}), so the {thing} would be left behind");
        }
        Self(thing)
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        if let Err(error) = tell(&format!("remove {}", self.0)) {
            report::line(&format!("the reaper is gone ({error}), so the {} is left behind", self.0));
        }
    }
}

impl Folder {
    /// Makes a new folder.
    pub(crate) fn inside(parent: &Path) -> Result<Self> {
        let path = parent.join(unique::name());
        let announced = Announced::of(Thing::Folder(path.clone()));
        fs::create_dir(&path).or_say(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path, _announced: announced })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Nobody reads or writes this pipe's end but this process, so the reaper sees it close whatever
/// ends the process: statics are not dropped, and SIGKILL asks nobody.
static REAPER: LazyLock<Mutex<Child>> = LazyLock::new(|| {
    let program = match THIS_PROGRAM.get() {
        Some(_) => env::current_exe().expect("the path of this program"),
        None => find_reaper(),
    };
    let reaper = Command::new(&program)
        .args(THIS_PROGRAM.get())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .current_dir("/")
        .process_group(0) // or Ctrl-C would end it together with the tests
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
    Mutex::new(reaper)
});

fn tell(line: &str) -> io::Result<()> {
    let mut reaper = REAPER.lock().unwrap_or_else(PoisonError::into_inner);
    let pipe = reaper.stdin.as_mut().expect("a piped stdin");
    pipe.write_all(format!("{line}\n").as_bytes())
}

/// The argument with which this program is the reaper, if it is.
static THIS_PROGRAM: OnceLock<String> = OnceLock::new();

/// Lets this program, started with that argument, be the reaper, where cargo does not build the one of this package:
/// then it has to call [`reap`](super::reap). To be called before the first server is started.
pub fn reap_by_this_program(argument: &str) {
    THIS_PROGRAM.get_or_init(|| argument.to_owned());
}

/// Cargo puts binaries of a package next to or one above the binaries of its tests, and builds them
/// before it runs integration tests. `CARGO_BIN_EXE_reaper` would be for integration tests only.
fn find_reaper() -> PathBuf {
    let this = env::current_exe().expect("the path of this program");
    let found = this.ancestors().skip(1).take(2).map(|folder| folder.join("reaper")).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!("no program `reaper` beside or above {}: run `cargo build -p shylock-tests --bins`", this.display())
    })
}
