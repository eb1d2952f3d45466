//! Searches what a run of the tests has printed and logged for its secrets: `search_secrets FILE …`. Fails if there is
//! one, and if there is nothing to search.

use std::{
    env,
    fs::File,
    io::{BufRead, BufReader},
    process::ExitCode,
};

use shylock_tests::secret_in;

fn main() -> ExitCode {
    let mut found = 0;
    let mut files = 0;
    for path in env::args().skip(1) {
        files += 1;
        match search(&path) {
            Ok((0, _)) => return complain(&format!("{path} is empty: nothing was searched")),
            Ok((lines, secrets)) => {
                println!("{secrets} secrets in {lines} lines of {path}");
                found += secrets;
            }
            Err(error) => return complain(&format!("cannot search {path}: {error}")),
        }
    }
    match (files, found) {
        (0, _) => complain("search_secrets FILE …"),
        (_, 0) => ExitCode::SUCCESS,
        _ => complain("there are secrets in what was printed"),
    }
}

/// How many lines there are, and how many of them have a secret; says where, and not what.
fn search(path: &str) -> std::io::Result<(u64, u64)> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut lines, mut secrets, mut line) = (0, 0, Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        lines += 1;
        if let Some((what, before)) = secret_in(&String::from_utf8_lossy(&line)) {
            secrets += 1;
            println!("{path}:{lines}: {what} after {before:?}");
        }
        line.clear();
    }
    Ok((lines, secrets))
}

fn complain(what: &str) -> ExitCode {
    eprintln!("search_secrets: {what}");
    ExitCode::FAILURE
}
