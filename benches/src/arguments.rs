//! The command line.

pub(crate) const USAGE: &str = "\
cargo bench -- [URL] [--only TEXT] [--quick] [--original]

Prints one table of what locks cost, each row beside its limit, measured in the same run.

  URL          mongodb://…, http://user:password@host:port (ArangoDB), sqlite:/PATH of a new file, or memory;
               without one, a MongoDB replica set of one member is started
  --only TEXT  only the rows whose name contains TEXT
  --quick      everything small: shows that it works, not what it costs
  --original   the Python library on the same server, too (needs python3 and PyPI; MongoDB only)
  --help       this text";

/// What the program shall do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Measure(Wishes),
    /// As `cargo test` starts it: everything that needs no database, tiny.
    Smoke,
    Help,
    /// Be a child process of the bench, ordered about on stdin.
    Work,
    /// Remove what is left of the servers when the bench has ended.
    Reap,
}

/// The options of a run.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Wishes {
    pub(crate) url: Option<String>,
    pub(crate) only: Option<String>,
    pub(crate) quick: bool,
    pub(crate) original: bool,
}

pub(crate) const WORK: &str = "--work";
pub(crate) const REAP: &str = "--reap";

/// Understands the arguments. Without `--bench`, which `cargo bench` adds, they are those of a test program, and none
/// of them means anything here.
pub(crate) fn parse(arguments: &[String]) -> Result<Order, String> {
    match arguments {
        [only] if only == WORK => return Ok(Order::Work),
        [only] if only == REAP => return Ok(Order::Reap),
        all if !all.iter().any(|argument| argument == "--bench") => return Ok(Order::Smoke),
        _ => {}
    }
    let mut wishes = Wishes::default();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--bench" => {}
            "--help" | "-h" => return Ok(Order::Help),
            "--quick" => wishes.quick = true,
            "--original" => wishes.original = true,
            "--only" => {
                let text = rest.next().filter(|text| !text.starts_with("--"));
                wishes.only = Some(text.ok_or("--only needs a text")?.clone());
            }
            option if option.starts_with('-') => return Err(format!("there is no option {option}")),
            _ if wishes.url.is_some() => return Err("there is more than one URL".into()),
            url => wishes.url = Some(url.to_owned()),
        }
    }
    Ok(Order::Measure(wishes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str) -> Result<Order, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        parse(&words)
    }

    #[test]
    fn all_wishes_are_understood() {
        let wishes =
            Wishes { url: Some("mongodb://h".into()), only: Some("hand-off".into()), quick: true, original: true };
        assert_eq!(parsed("mongodb://h --only hand-off --quick --original --bench"), Ok(Order::Measure(wishes)));
        assert_eq!(parsed("--bench"), Ok(Order::Measure(Wishes::default())));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parsed("--fast --bench"), Err("there is no option --fast".into()));
        assert_eq!(parsed("memory memory --bench"), Err("there is more than one URL".into()));
        assert_eq!(parsed("--only --bench"), Err("--only needs a text".into()));
    }

    #[test]
    fn a_test_program_measures_nothing() {
        assert_eq!(parsed(""), Ok(Order::Smoke));
        assert_eq!(parsed("--nocapture something"), Ok(Order::Smoke));
    }

    #[test]
    fn children_are_told_apart() {
        assert_eq!(parsed("--work"), Ok(Order::Work));
        assert_eq!(parsed("--reap"), Ok(Order::Reap));
        assert_eq!(parsed("--help --bench"), Ok(Order::Help));
    }
}
