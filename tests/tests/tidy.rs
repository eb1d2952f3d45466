//! What readers rely on, and what drifts when nobody looks.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

const MOST_LINES: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files of ours with this ending.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there are files with the ending {ending}");
    found
}

#[test]
fn files_are_short_or_have_a_reason() {
    let reasons = read("ARCHITECTURE.md");
    for path in files("rs") {
        let lines = read(&path).lines().count();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let excused = reasons.contains(&format!("`{name}` is long"));
        assert!(lines <= MOST_LINES || excused, "{} has {lines} lines", path.display());
    }
}

/// The map at the top of a crate's decisions names each file of its source, or describes the folder that it is in.
#[test]
fn maps_are_complete() {
    for path in files("rs") {
        let path = path.strip_prefix(root()).expect("a file of ours");
        let text = |part: Option<&OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
        let (package, stem) = (text(path.iter().next()), text(path.file_stem()));
        let name = stem.trim_end_matches("_tests");
        if !package.starts_with("shylock-")
            || text(path.iter().nth(1)) != "src"
            || ["lib", "main", "mod"].contains(&name)
        {
            continue;
        }
        let decisions = read(Path::new(&package).join("DECISIONS.md"));
        let map = decisions.split("```").nth(1).expect("a map");
        let folder = text(path.parent().and_then(Path::file_name));
        let named = map.split([' ', ',', '\n']).any(|word| word == name);
        assert!(named || map.contains(&format!(" {folder}/ ")), "{} is in no map", path.display());
    }
}

/// `.ci/run` runs the test command that the README gives, as it is.
#[test]
fn ci_runs_the_command_of_the_readme() {
    let readme = read("README.md");
    let commands: Vec<&str> = readme.split("```sh\n").skip(1).filter_map(|rest| rest.lines().next()).collect();
    let [install, tests] = commands[..] else { panic!("two commands, not {commands:?}") };
    // `shylock-cli/tests/readme.rs` runs what follows.
    assert_eq!(install, "cargo install --path shylock-cli");
    let ci = read(".ci/run");
    assert!(ci.lines().any(|line| line.split(" 2>&1").next() == Some(tests)), "{tests:?} is not in .ci/run");
}

/// What a reader copies from the README depends on packages that are there, with features that they have.
#[test]
fn the_manifest_in_the_readme_is_good() {
    let readme = read("README.md");
    let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a manifest");
    let ours: Vec<(&str, &str)> =
        block.lines().filter_map(|line| line.split_once(" = { path = \"../shylock/")).collect();
    assert!(!ours.is_empty(), "{block}");
    for (name, rest) in ours {
        assert_eq!(rest.split('"').next(), Some(name));
        let manifest = read(format!("{name}/Cargo.toml"));
        let asked = rest.split_once("features = [").and_then(|(_, rest)| rest.split(']').next()).unwrap_or_default();
        for feature in asked.split(',').map(|feature| feature.trim().trim_matches('"')).filter(|name| !name.is_empty())
        {
            assert!(manifest.contains(&format!("\n{feature} = [")), "{name} has no feature {feature}");
        }
    }
}

#[test]
fn versions_agree() {
    let manifest = read("Cargo.toml");
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("version = ")).expect("a version").trim_matches('"');
    assert!(read("CHANGELOG.md").contains(version), "the changelog knows {version}");
    for line in manifest.lines().filter(|line| line.contains("path = \"shylock-")) {
        assert!(line.contains(&format!("version = \"{version}\"")), "{line}");
    }
}

/// Each shared dependency says why it is there.
#[test]
fn dependencies_have_their_reasons() {
    let manifest = read("Cargo.toml");
    let (_, dependencies) = manifest.split_once("[workspace.dependencies]\n").expect("the list");
    let list = dependencies.split("\n[").next().expect("its end");
    let foreign = list.lines().filter(|line| line.contains('=') && !line.contains("path = "));
    for line in foreign {
        assert!(line.contains("# "), "{line}");
    }
}

/// What a document links to is there.
#[test]
fn links_between_files_lead_somewhere() {
    let mut links = 0;
    for path in files("md") {
        let text = fs::read_to_string(&path).expect("a text");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            // The others are names of items, which rustdoc looks at.
            if link.contains(['.', '/']) && !link.contains("://") {
                links += 1;
                let folder = path.parent().expect("a folder");
                assert!(folder.join(link).exists(), "{}: {link}", path.display());
            }
        }
    }
    assert!(links > 20, "{links} links");
}

#[test]
fn the_licence_is_the_one_that_the_manifest_names() {
    assert!(read("LICENSE").starts_with("BSD 3-Clause License"));
    assert!(read("Cargo.toml").contains("license = \"BSD-3-Clause\""));
}
