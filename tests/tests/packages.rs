//! What is published: the right files, the right features on docs.rs, and in an order in which each crate finds the others.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Doors for our own tests, which nobody else is to use.
const HIDDEN: [&str; 3] = ["fuzzing", "protocol", "simulation"];
/// Public, but without an item of its own, or on anyhow.
const SILENT: [&str; 3] = ["default", "native-tls", "rustls"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.args(arguments).arg("--offline").current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a text")
}

/// The crates of ours that may be published.
fn published() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--locked", "--no-deps", "--format-version=1"]);
    let mut metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let Value::Array(mut packages) = metadata["packages"].take() else { panic!("no packages") };
    packages.retain(|package| package["publish"].is_null());
    assert!(packages.len() >= 6, "{} packages", packages.len());
    packages
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a package of this crate has in it.
fn files(package: &str) -> BTreeSet<String> {
    cargo(&["package", "--list", "-p", package, "--allow-dirty"]).lines().map(|line| line.replace('\\', "/")).collect()
}

#[test]
fn packages_have_what_belongs_there_and_nothing_else() {
    for package in published() {
        let name = name(&package);
        let files = files(name);
        for needed in ["README.md", "LICENSE", "Cargo.toml"] {
            assert!(files.contains(needed), "{name} lacks {needed}: {files:?}");
        }
        assert!(files.contains("src/lib.rs") || files.contains("src/main.rs"), "{name} lacks its sources: {files:?}");
        for file in &files {
            let ours = match file.strip_prefix("src/") {
                Some(file) => file.ends_with(".rs") || file.ends_with(".aql"),
                None => ["README.md", "LICENSE", "OBSERVABILITY.md", "Cargo.toml"].contains(&file.as_str()),
            };
            let cargos = ["Cargo.lock", "Cargo.toml.orig", ".cargo_vcs_info.json"].contains(&file.as_str());
            assert!(ours || cargos, "{file} does not belong into {name}");
        }
    }
}

/// Else it compiles here and nowhere else.
#[test]
fn packages_have_what_their_sources_include() {
    let mut found = 0;
    for package in published() {
        let name = name(&package);
        let files = files(name);
        for file in files.iter().filter(|file| file.ends_with(".rs")) {
            let source = read(&format!("{name}/{file}"));
            for path in source.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                let included = resolve(file, path);
                assert!(files.contains(&included), "{name} lacks {included}, which {file} includes");
                found += 1;
            }
        }
    }
    assert!(found > 6, "{found} files are included");
}

fn resolve(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn each_crate_has_the_licence_of_all() {
    for package in published() {
        assert!(read(&format!("{}/LICENSE", name(&package))) == read("LICENSE"), "{} has another", name(&package));
    }
}

/// A registry shows them without the other files and without rustdoc. What only rustdoc knows is defined in `lib.rs`.
#[test]
fn readmes_link_to_nothing_that_is_only_here() {
    for package in published() {
        let readme = read(&format!("{}/README.md", name(&package)));
        let inline = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let defined = readme.lines().filter_map(|line| line.strip_prefix('[')?.split_once(']')?.1.strip_prefix(": "));
        for link in inline.chain(defined) {
            assert!(link.starts_with('#') || link.starts_with("https://"), "{}/README.md: {link}", name(&package));
        }
    }
}

#[test]
fn manifests_say_what_a_registry_asks_for() {
    for package in published() {
        for key in ["description", "readme", "license", "rust_version"] {
            assert!(package[key].is_string(), "{} has no {key}", name(&package));
        }
        for key in ["keywords", "categories"] {
            assert!((1..=5).contains(&texts(&package[key]).len()), "{} has no {key}, or too many", name(&package));
        }
    }
}

/// All of them. A program has no page there, and its features are on.
#[test]
fn docs_rs_and_ci_know_the_public_features() {
    let workflow = read(".github/workflows/ci.yml");
    let compiled: BTreeSet<&str> = workflow.split_whitespace().collect();
    let published = published();
    for package in published.iter().filter(|package| root().join(name(package)).join("src/lib.rs").exists()) {
        let features = package["features"].as_object().expect("features").keys();
        let public =
            features.map(String::as_str).filter(|feature| !HIDDEN.contains(feature) && !SILENT.contains(feature));
        let public: BTreeSet<&str> = public.collect();
        assert_eq!(texts(&package["metadata"]["docs"]["rs"]["features"]), public, "{}", name(package));
        for feature in public.into_iter().map(|feature| format!("{}/{feature}", name(package))) {
            assert!(compiled.contains(feature.as_str()), "{feature} is not in ci.yml");
        }
    }
}

#[test]
fn ci_compiles_all_that_is_published() {
    let workflow = read(".github/workflows/ci.yml");
    let line = workflow.lines().find_map(|line| line.trim().strip_prefix("PUBLISHED: ")).expect("the list");
    let compiled: BTreeSet<&str> = line.split("-p ").map(str::trim).filter(|name| !name.is_empty()).collect();
    assert_eq!(compiled, published().iter().map(name).collect());
}

#[test]
fn crates_are_published_after_those_that_they_need() {
    let guide = read("CONTRIBUTING.md");
    let order: Vec<&str> = guide.lines().filter_map(|line| line.strip_prefix("cargo publish -p ")).collect();
    let packages = published();
    assert_eq!(
        order.iter().copied().collect::<BTreeSet<_>>(),
        packages.iter().map(name).collect(),
        "in CONTRIBUTING.md"
    );
    let place = |name: &str| order.iter().position(|package| *package == name);
    for package in &packages {
        // What has no version is for tests only, and is left out.
        let needed = package["dependencies"].as_array().expect("dependencies").iter();
        for needed in needed.filter(|needed| needed["path"].is_string() && needed["req"] != "*") {
            let needed = needed["name"].as_str().expect("a name");
            assert!(place(needed) < place(name(package)), "{needed} comes before {}", name(package));
        }
    }
}
