//! What was probably meant by arguments that make no sense. Pure.

use std::ffi::{OsStr, OsString};

use crate::output::plain;

/// The position of a lock's name among the arguments says whether one was given: `run -- echo hi`, with a name that was
/// forgotten or an empty variable, would lock `echo` and run `hi`.
///
/// `arguments` are those of the program, `name` what was read as the lock's name.
pub(crate) fn is_name_missing(arguments: &[OsString], name: &str) -> bool {
    // The separator is there so that a name can begin with a hyphen.
    if name.starts_with('-') {
        return false;
    }
    let separator = arguments.iter().position(|argument| argument == "--");
    let named = arguments.iter().skip(1).position(|argument| argument == "run");
    let (Some(separator), Some(run)) = (separator, named.map(|at| at + 1)) else { return false };
    let behind = arguments.get(separator + 1).is_some_and(|argument| argument == name);
    // `run -- NAME -- COMMAND` has a name.
    let has_second = arguments.get(separator + 2).is_some_and(|argument| argument == "--");
    separator > run && behind && !has_second && !is_before(&arguments[run + 1..separator], name)
}

/// Whether the name stands among these arguments, as itself and not as the value of an option.
fn is_before(arguments: &[OsString], name: &str) -> bool {
    let mut value = false;
    for argument in arguments {
        let is_value = std::mem::take(&mut value);
        if !is_value && argument == name {
            return true;
        }
        value = !is_value && takes_value(&argument.to_string_lossy());
    }
    false
}

/// Options whose value is the next argument.
fn takes_value(option: &str) -> bool {
    ["--wait", "--conflict-exit-code", "--at-least", "--at-most", "--note", "--ttl", "--store"].contains(&option)
        || (option.starts_with('-') && !option.starts_with("--") && option.ends_with(['w', 'E']))
}

/// Why this command cannot be found, if that can be guessed. `is_program`: whether there is a program of that name.
pub(crate) fn for_command(
    name: &str,
    command: &[OsString],
    is_program: impl Fn(&OsStr) -> bool,
) -> Option<&'static str> {
    let program = command.first()?;
    let text = program.to_string_lossy();
    if program == "-c" {
        Some("-c is an option of flock(1); here it is: shylock run NAME -- sh -c '…'")
    } else if text.starts_with('-') {
        Some("options stand before the command: shylock run --wait 30s NAME -- COMMAND")
    } else if text.contains(char::is_whitespace) && command.len() == 1 {
        Some(
            "the command is one word with spaces in it, and is run without a shell: leave out the quotes, or write sh -c '…'",
        )
    } else if is_assignment(&text) {
        Some("variables are set by env: shylock run NAME -- env NAME=VALUE COMMAND")
    } else if SHELL_WORDS.contains(&&*text) {
        Some("this is a word of shells, and there is no shell: write sh -c '…'")
    } else if is_program(OsStr::new(name)) {
        Some("the name of the lock comes before the command, and is it missing? shylock run NAME -- COMMAND")
    } else {
        None
    }
}

/// What to do about a record that is none of ours.
pub(crate) fn for_corrupt_record(name: &str) -> String {
    format!(
        "another program wrote this record, or a clock was far ahead; if no holder needs the lock, `shylock break {}` \
         makes a free lock of it",
        word(name).unwrap_or("NAME".into())
    )
}

/// The text as one word of a command line, if that can be copied from a terminal.
fn word(text: &str) -> Option<String> {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-._/:@%+=,".contains(c);
    if text.starts_with('-') || text.contains('\'') || plain(text) != text {
        None
    } else if text.chars().all(is_safe) {
        Some(text.into())
    } else {
        Some(format!("'{text}'"))
    }
}

const SHELL_WORDS: [&str; 14] =
    [".", ":", "alias", "cd", "eval", "exec", "export", "if", "set", "source", "trap", "ulimit", "umask", "while"];

/// `NAME=value`, as shells have it before a command.
fn is_assignment(text: &str) -> bool {
    let name = text.split_once('=').map(|(name, _)| name).unwrap_or_default();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(is_letter) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_missing_name_is_noticed() {
        for line in [
            "shylock run -- echo hi",
            "shylock run -n -- echo hi",
            "shylock -v run --wait 3 -- echo hi",
            "shylock run --note echo -- echo hi",
            "shylock run -w 3 --ttl 9 -- echo run",
        ] {
            assert!(is_name_missing(&words(line), "echo"), "{line}");
        }
        for (line, name) in [
            ("shylock run k -- echo hi", "k"),
            ("shylock run echo -- echo hi", "echo"),
            ("shylock run k echo -- hi", "k"),
            ("shylock run -- -k echo hi", "-k"),
            ("shylock run -- k -- echo hi", "k"),
            ("shylock run k -n -- run run", "k"),
            ("shylock run run -- run", "run"),
        ] {
            assert!(!is_name_missing(&words(line), name), "{line}");
        }
    }

    #[test]
    fn a_name_in_a_hint_is_one_word() {
        for (name, copied) in [("a/b-1", "a/b-1"), ("a b; rm x", "'a b; rm x'"), ("it's", "NAME"), ("-k", "NAME")] {
            assert!(for_corrupt_record(name).contains(&format!("`shylock break {copied}`")), "{name}");
        }
        assert!(for_corrupt_record("a\u{202e}b").contains("`shylock break NAME`"));
    }

    #[test]
    fn commands_that_cannot_be_found_are_explained() {
        let hint = |name: &str, command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(OsString::from).collect();
            for_command(name, &command, |program| program == "echo").unwrap_or_default()
        };
        assert!(hint("k", &["echo hi"]).contains("quotes"));
        assert!(hint("k", &["-c", "echo hi"]).contains("sh -c"));
        assert!(hint("k", &["--nowait", "echo"]).contains("before the command"));
        assert!(hint("k", &["A=b", "echo"]).contains("env"));
        assert!(hint("k", &["cd", "/tmp"]).contains("shell"));
        assert!(hint("echo", &["hi"]).contains("missing"));
        assert_eq!(hint("k", &["ehco", "hi"]), "");
        assert_eq!(hint("k", &["=b", "echo"]), "");
    }
}
