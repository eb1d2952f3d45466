//! A wall clock that goes wrong while a program runs. `libfaketime` can do it, too, but had `mongod` spin on a whole core.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::library;

const SOURCE: &str = include_str!("skewed_clock.c");

/// A clock, in a folder of its own.
#[derive(Debug, Clone)]
pub struct SkewedClock {
    library: PathBuf,
    ahead: PathBuf,
}

impl SkewedClock {
    /// One that is right so far.
    ///
    /// # Errors
    /// There is no C compiler, or the folder cannot be written.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let clock = Self { library: folder.join("skewed_clock.so"), ahead: folder.join("ahead") };
        let source = folder.join("skewed_clock.c");
        fs::write(&source, SOURCE)?;
        library::compile(&source, &clock.library, &[])?;
        clock.set(0)?;
        Ok(clock)
    }

    /// Sets it so many milliseconds ahead, or behind, of all programs that have it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set(&self, milliseconds: i64) -> io::Result<()> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.ahead)?;
        file.write_all_at(&(milliseconds * 1_000_000).to_ne_bytes(), 0)
    }

    /// The environment of a program that is to have it.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.library), ("SKEWED_CLOCK", &self.ahead)]
    }

    /// The same as words before a program, for `env`.
    #[must_use]
    pub fn words(&self) -> [String; 2] {
        self.environment().map(|(name, path)| format!("{name}={}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        process::Command,
        time::{Duration, SystemTime, UNIX_EPOCH},
    };

    use super::*;

    #[test]
    fn a_program_sees_it_and_only_its_wall_clock() {
        let folder = std::env::temp_dir().join(format!("skewed-clock-{}", std::process::id()));
        let clock = SkewedClock::new(&folder).expect("a clock");
        let seen = |ahead: i64| {
            clock.set(ahead * 1_000).expect("set");
            let date = Command::new("env").args(clock.words()).args(["date", "+%s"]).output().expect("date runs");
            let seconds = String::from_utf8(date.stdout).expect("a number").trim().parse().expect("a number");
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
            Duration::from_secs(seconds).abs_diff(now).as_secs()
        };
        assert!(seen(0) <= 5);
        assert!(seen(3_600).abs_diff(3_600) <= 5);
        assert!(seen(-3_600).abs_diff(3_600) <= 5);
        fs::remove_dir_all(folder).expect("removed");
    }
}
