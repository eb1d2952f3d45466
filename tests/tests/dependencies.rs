//! What `cargo deny` checks with a network, as far as it can be checked without one, in every run.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The licences that `deny.toml` allows.
fn allowed() -> Vec<String> {
    let policy = read("deny.toml");
    let (_, list) = policy.split_once("\nallow = [\n").expect("the list");
    let lines = list.lines().take_while(|line| *line != "]");
    let found: Vec<String> = lines.filter_map(|line| Some(line.trim().split('"').nth(1)?.to_owned())).collect();
    assert!(found.len() > 3 && found.contains(&"MIT".to_owned()), "{found:?}");
    found
}

/// The crates that `deny.toml` allows one more licence each.
fn exceptions() -> Vec<(String, String)> {
    let policy = read("deny.toml");
    let quoted = |line: &str, key: &str| Some(line.split_once(key)?.1.split('"').nth(1)?.to_owned());
    policy.lines().filter_map(|line| Some((quoted(line, "crate = ")?, quoted(line, "{ allow = ")?))).collect()
}

/// Whether a licence expression is met by the allowed ones. `/` is how `OR` was once written.
fn is_met(expression: &str, is_allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any_of(&words, is_allowed);
    assert!(rest.is_empty(), "{expression:?} cannot be read from {rest:?}");
    met
}

type Rest<'a> = &'a [&'a str];

fn any_of<'a>(words: Rest<'a>, is_allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    let (mut met, mut rest) = all_of(words, is_allowed);
    while let ["OR", more @ ..] = rest {
        let (also, left) = all_of(more, is_allowed);
        (met, rest) = (met | also, left);
    }
    (met, rest)
}

fn all_of<'a>(words: Rest<'a>, is_allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    let (mut met, mut rest) = one(words, is_allowed);
    while let ["AND", more @ ..] = rest {
        let (also, left) = one(more, is_allowed);
        (met, rest) = (met & also, left);
    }
    (met, rest)
}

fn one<'a>(words: Rest<'a>, is_allowed: &dyn Fn(&str) -> bool) -> (bool, Rest<'a>) {
    match words {
        ["(", inner @ ..] => match any_of(inner, is_allowed) {
            (met, [")", rest @ ..]) => (met, rest),
            (_, rest) => panic!("no `)` at {rest:?}"),
        },
        [licence, "WITH", exception, rest @ ..] => (is_allowed(&format!("{licence} WITH {exception}")), rest),
        [licence, rest @ ..] => (is_allowed(licence), rest),
        [] => panic!("an expression that ends too early"),
    }
}

/// Of this machine's kind; those of others may not have been downloaded. CI runs `cargo deny`, which looks at all.
fn packages() -> Vec<Value> {
    let cargo = || Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let about = cargo().arg("-vV").output().expect("cargo runs").stdout;
    let about = String::from_utf8(about).expect("a text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("a kind of machine");
    let mut metadata = cargo();
    metadata.args(["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host]);
    let output = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let Value::Array(packages) = metadata["packages"].take() else { panic!("no packages") };
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let (allowed, exceptions) = (allowed(), exceptions());
    let mut used = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let licence = package["license"].as_str().unwrap_or_else(|| panic!("{name} names no licence"));
        let more = exceptions.iter().find(|(package, _)| package == name);
        used.extend(more.map(|(package, _)| package.clone()));
        let is_allowed = |licence: &str| {
            allowed.iter().any(|allowed| allowed == licence) || more.is_some_and(|(_, more)| more == licence)
        };
        assert!(is_met(licence, &is_allowed), "{name} has the licence {licence:?}, which deny.toml does not allow");
    }
    assert_eq!(used.len(), exceptions.len(), "exceptions that are needed: {used:?}");
}

#[test]
fn licence_expressions_are_read() {
    let is_allowed = |licence: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&licence);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND ISC", true),
        ("(GPL-3.0 OR ISC) AND MIT", true),
        ("GPL-3.0 OR MIT AND AGPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("Apache-2.0", false),
    ] {
        assert_eq!(is_met(expression, &is_allowed), met, "{expression}");
    }
}

#[test]
fn all_crates_come_from_crates_io() {
    let lock = read("Cargo.lock");
    let sources: Vec<&str> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert!(sources.len() > 100);
    for source in sources {
        assert_eq!(source, "\"registry+https://github.com/rust-lang/crates.io-index\"");
    }
    assert!(!lock.contains("[[patch"), "nothing is patched");
    for package in packages() {
        let elsewhere = package["source"].is_null() && !read("Cargo.toml").contains(&folder_of(&package));
        assert!(!elsewhere, "{} is neither from there nor ours", package["name"]);
    }
}

/// As the list of members has it.
fn folder_of(package: &Value) -> String {
    let manifest = package["manifest_path"].as_str().expect("a path");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let folder = Path::new(manifest).parent().expect("a folder").strip_prefix(root).expect("in the workspace");
    format!("\"{}\"", folder.display())
}

#[test]
fn no_crate_of_ours_can_have_unsafe_code() {
    assert!(read("Cargo.toml").contains("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"));
    let mut ours = 0;
    for package in packages().iter().filter(|package| package["source"].is_null()) {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().expect("a path")).expect("a text");
        assert!(manifest.contains("[lints]\nworkspace = true\n"), "{}", package["name"]);
        ours += 1;
    }
    assert!(ours >= 8, "{ours} packages");
}

/// What needs the network is in the workflow, not in what everybody runs: nothing there is skipped where a tool is not.
#[test]
fn ci_checks_advisories() {
    let workflow = read(".github/workflows/ci.yml");
    for command in ["cargo deny check", "cargo audit"] {
        assert!(
            workflow.lines().any(|line| line.trim().trim_start_matches("- run: ").starts_with(command)),
            "{command}"
        );
    }
}
