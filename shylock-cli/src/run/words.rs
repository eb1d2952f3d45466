//! [`Word`]: what the first process tells its watchdog, a line each.

use std::{fmt, time::Duration};

use super::family::{Id, Mark};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// The mark of this run.
    Mark(Mark),
    /// The command.
    Command(Id),
    /// The lock is good until then, on the clock that also counts while the machine sleeps.
    Good(Duration),
    /// There is nothing to watch any more.
    Done,
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => writeln!(f, "mark {}", mark.as_str()),
            Self::Command(Id { pid, started }) => writeln!(f, "command {pid} {started}"),
            Self::Good(until) => writeln!(f, "good {}", until.as_millis()),
            Self::Done => writeln!(f, "done"),
        }
    }
}

impl Word {
    pub(super) fn parse(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            None => (line == "done").then_some(Self::Done),
            Some(("mark", mark)) => Mark::parse(mark).map(Self::Mark),
            Some(("command", id)) => {
                let (pid, started) = id.split_once(' ')?;
                // 0 and 1 would be this process's own group, and everybody's.
                let pid = pid.parse().ok().filter(|pid| *pid > 1)?;
                Some(Self::Command(Id { pid, started: started.parse().ok()? }))
            }
            Some(("good", ms)) => ms.parse().ok().map(|ms| Self::Good(Duration::from_millis(ms))),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were_written() {
        let mark = Mark::random().expect("random");
        let good = Word::Good(Duration::from_millis(250));
        for word in [Word::Mark(mark), Word::Command(Id { pid: 4711, started: 12 }), good, Word::Done] {
            assert_eq!(word.to_string().strip_suffix('\n').and_then(Word::parse), Some(word));
        }
        for bad in
            ["", "command 1 5", "command 0 5", "command -1 5", "command 7", "good -1", "don", "kill 4711", "mark x"]
        {
            assert_eq!(Word::parse(bad), None, "{bad}");
        }
    }
}
