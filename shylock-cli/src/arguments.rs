//! What the command line says. The texts are those of `--help` and of the man pages.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    duration::{parse as duration, parse_or_zero as duration_or_zero},
    failure::Failure,
    hints,
};

const EXAMPLES: &str = "\
EXAMPLES
  One at a time on this machine, and nothing to install:
    shylock run backup -- tar czf /backup/home.tgz /home
  A cron job on several hosts that runs on one of them. Where the hosts' clocks differ by less than
  a minute, no second one starts it again:
    export SHYLOCK_STORE=mongodb://db.example/locks
    shylock run --no-wait --at-least 1m nightly -- /usr/local/bin/nightly
  Who holds what, and is the store fit for it?
    shylock list
    shylock doctor

STORES
  sqlite:PATH               a file, for the processes of one machine
  mongodb://HOST/DATABASE   MongoDB 4.4 and later; also mongodb+srv://
  arangodb://USER:PASSWORD@HOST:8529/DATABASE
                            ArangoDB 3.10 and later; arangodb+tls:// with TLS
  Without --store and SHYLOCK_STORE it is a file in your state folder,
  ~/.local/state/shylock/locks.sqlite. Root, other users and other environments (cron, services,
  containers) have files of their own, and do not exclude each other: name a store for all of them,
  at the top of the crontab, in the unit, in /etc/environment. A password belongs into
  SHYLOCK_STORE: other users of the machine can see the arguments of a program.

EXIT STATUS
  that of the command, or 128 + N where signal N ended it; of shylock itself:
    1    held by another (--no-wait, --wait; see --conflict-exit-code); `show`: nobody holds it;
         `break`: it was not broken; `doctor`: something is wrong
    64   wrong arguments, or a run inside of a run of the same lock
    69   the store cannot be used
    71   the operating system refused something
    75   the lock was about to be lost, or was broken, and the command was stopped for that
    124  the command was stopped after --at-most
    126  the command cannot be started
    127  the command cannot be found";

/// Runs a command while it holds a lock, so that one process at a time does it, on one machine or on many.
///
/// The lock is a lease in a store: a file for the processes of one machine, or a database that many machines share. It is
/// renewed while the command runs, and comes free by itself when its machine dies. A command that is about to lose its
/// lock is stopped before anybody else can get it.
#[derive(Parser)]
#[command(name = "shylock", version, after_long_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Where the locks are: sqlite:PATH, mongodb://… or arangodb://… [env: SHYLOCK_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Show on stderr what happens, and which store is used
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Checks what can only be seen where the words stand. `words` are all of them.
    pub(crate) fn check(&mut self, words: &[OsString]) -> Result<(), Failure> {
        let Command::Run(run) = &mut self.command else { return Ok(()) };
        if hints::is_name_missing(words, &run.name) {
            let message = format!(
                "the name of the lock is missing: it comes before `--`, and {:?} behind it is a command",
                run.name
            );
            return Err(Failure::usage(message).with_hint("shylock run NAME -- COMMAND; is a variable empty?"));
        }
        // As in `run -- NAME -- COMMAND`.
        if run.command.len() > 1 && run.command[0] == "--" {
            run.command.remove(0);
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Run),
    List(List),
    Show(Show),
    Break(Break),
    Doctor(Doctor),
    /// Print what a shell needs to complete this program's arguments
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a folder
    Man {
        /// The folder, such as ~/.local/share/man/man1
        folder: PathBuf,
    },
}

/// Run a command while holding a lock
///
/// The command is run without a shell, in a process group of its own, with SHYLOCK_NAME and SHYLOCK_TOKEN (the fencing
/// token) in its environment. Signals are passed on to it. The lock is released when the command has ended, whatever it may
/// have left running in the background.
///
/// If the lease cannot be renewed in time, the command and all that it has started get SIGTERM, and SIGKILL early enough to
/// be gone before the lease ends. That also happens if shylock itself is killed. A command that was asked to end is waited for
/// as a whole. What runs elsewhere (docker run, kubectl exec, ssh, systemctl start) is not followed.
///
/// In a unit of systemd, write KillMode=mixed.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Wait for so long at most: 30s, 1m30s, 2.5 (seconds). Default: as long as it takes
    ///
    /// This includes the time until the store answers for the first time. Without it, a store may be out of reach for 60 s;
    /// with --no-wait, for 5 s.
    #[arg(long, short, value_name = "DURATION", value_parser = duration_or_zero, conflicts_with = "no_wait")]
    pub(crate) wait: Option<Duration>,
    /// Do not wait if another holds the lock; who it is is shown on a terminal, or with -v
    #[arg(long, short)]
    pub(crate) no_wait: bool,
    /// The exit status if another still holds the lock (--no-wait, --wait)
    #[arg(long, short = 'E', value_name = "N", default_value_t = 1)]
    pub(crate) conflict_exit_code: u8,
    /// Keep the lock for so long from when it was acquired, even if the command and shylock have ended before
    ///
    /// For a cron job that several hosts start at nearly the same time. At most 24 hours.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) at_least: Option<Duration>,
    /// Stop the command after so long: SIGTERM, and SIGKILL after 10 more seconds
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) at_most: Option<Duration>,
    /// What others are told about who holds the lock, up to 4096 bytes
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// How long the lock stays held after a crash, 1 second to 24 hours
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub(crate) ttl: Duration,
    /// The lock: 1 to 512 bytes
    pub(crate) name: String,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// List the locks that are held
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only locks whose names begin with this
    #[arg(default_value = "")]
    pub(crate) prefix: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Show who holds a lock; the exit status is 1 if nobody does
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The lock
    pub(crate) name: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Free a lock, whoever holds it
///
/// The holder is told that it has lost the lock, but only with its next renewal (up to a third of its ttl later), which may
/// be after another has got in. Its fencing token is smaller than the next one's.
#[derive(Debug, Args)]
pub(crate) struct Break {
    /// The lock
    pub(crate) name: String,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Print JSON; takes --yes
    #[arg(long, requires = "yes")]
    pub(crate) json: bool,
}

/// Check whether the store is reachable and fit for locks
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn they_contradict_each_other_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_command_is_taken_as_it_is() {
        for line in ["run -n x -- ls -l --json", "run x -n -- ls -l --json", "run -n x ls -l --json"] {
            let arguments = Arguments::try_parse_from(["shylock"].into_iter().chain(line.split(' '))).expect(line);
            let Command::Run(run) = arguments.command else { panic!("{line}") };
            assert!(run.no_wait && run.name == "x" && run.command == ["ls", "-l", "--json"], "{line}: {run:?}");
        }
        for line in ["run x", "run", "run -n -w 3 x ls", "run --ttl soon x ls", "run -E 256 x ls", "break --json x"] {
            assert!(Arguments::try_parse_from(["shylock"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
