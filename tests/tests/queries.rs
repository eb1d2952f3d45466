//! No query is ever put together from texts: all that a server can be asked to run is listed here. That hostile names
//! and notes come back as they were is the conformance suite's to show, on every store.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The AQL texts, by the names of their files.
const TEXTS: [&str; 8] = ["fence", "hand_off", "list", "peek", "release", "renew", "repair", "take"];

/// Operators, variables and fields of the commands to MongoDB. None of them runs code (`$where`, `$function`), looks
/// into other collections (`$lookup`, `$out`), or takes a text for a field (`$getField`).
const WORDS: [&str; 37] = [
    "$$NOW",
    "$$ROOT",
    "$_id",
    "$acquiredAt",
    "$add",
    "$and",
    "$arrayElemAt",
    "$concat",
    "$cond",
    "$eq",
    "$expiresAt",
    "$expr",
    "$floor",
    "$gt",
    "$gte",
    "$in",
    "$inc",
    "$indexOfArray",
    "$isNumber",
    "$literal",
    "$lt",
    "$lte",
    "$match",
    "$max",
    "$mergeObjects",
    "$multiply",
    "$or",
    "$owner",
    "$project",
    "$purgeAt",
    "$replaceWith",
    "$set",
    "$toInt",
    "$toLong",
    "$toString",
    "$token",
    "$type",
];

/// What makes a text of texts.
const GLUE: [&str; 6] = ["format!", "concat!", "write!", "push_str", ".join(", ".replace("];

fn sources(package: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&entry).expect("a text");
                if !entry.to_string_lossy().ends_with("_tests.rs") {
                    found.push((entry, code(&text)));
                }
            }
        }
    }
    assert!(found.len() > 5, "{package} has files");
    found
}

/// Without comments, and without the tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn is(path: &Path, names: &[&str]) -> bool {
    names.iter().any(|name| path.file_name().is_some_and(|file| file == *name))
}

/// The texts between quotation marks.
fn literals(code: &str) -> impl Iterator<Item = &str> {
    code.split('"').skip(1).step_by(2)
}

#[test]
fn aql_is_in_files_of_its_own_and_all_of_it_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shylock-arango/src/aql");
    let files: BTreeSet<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a text"))
        .collect();
    assert_eq!(files, TEXTS.iter().map(|name| format!("{name}.aql")).collect());

    let mut included = BTreeSet::new();
    for (path, code) in sources("shylock-arango") {
        for name in code.split("include_str!(\"aql/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(is(&path, &["text.rs"]), "{}", path.display());
            assert!(included.insert(name.to_owned()), "{name} twice");
        }
        // Words that every text has one of: AQL keywords are in capitals here.
        for text in literals(&code) {
            let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphabetic()).collect();
            let aql = ["FOR", "RETURN", "FILTER", "UPSERT", "UPDATE", "INSERT", "REMOVE", "REPLACE", "LET"];
            assert!(!aql.iter().any(|word| words.contains(word)), "{}: {text:?}", path.display());
        }
        // What is sent as a query is one of them, whole.
        for sent in code.split("\"query\":").skip(1) {
            assert!(sent.trim_start().starts_with("text.aql"), "{}", path.display());
        }
        if is(&path, &["text.rs", "query.rs", "acquisition.rs", "renewal.rs", "listing.rs", "backend.rs"]) {
            assert_eq!(GLUE.iter().find(|glue| code.contains(**glue)), None, "{}", path.display());
        }
    }
    assert_eq!(included, files);
}

#[test]
fn commands_to_mongodb_have_these_words_and_nothing_put_together() {
    let mut words = BTreeSet::new();
    let (mut sending, mut queries) = (0, 0);
    for (path, code) in sources("shylock-mongo") {
        words.extend(literals(&code).filter(|text| text.starts_with('$')).map(str::to_owned));
        if is(&path, &["query.rs", "condition.rs", "literal.rs", "prefix.rs", "watch.rs", "record.rs"]) {
            queries += 1;
            assert_eq!(GLUE.iter().find(|glue| code.contains(**glue)), None, "{}", path.display());
            // Every field and operator is a literal.
            for document in code.split("doc! {").skip(1) {
                let first = document.trim_start();
                assert!(first.starts_with(['"', '}']), "{}: {first:.40}", path.display());
            }
        }
        if code.contains("run_command(") {
            sending += 1;
            assert!(is(&path, &["command.rs"]), "{}", path.display());
        }
    }
    assert_eq!((sending, queries), (1, 6));
    // `builder.rs` names characters that a database's name must not have.
    words.retain(|word| word != "$\\0");
    assert_eq!(words, WORDS.iter().map(|word| (*word).to_owned()).collect());
}

/// The gates see what they are for.
#[test]
fn a_query_that_is_put_together_would_be_seen() {
    let code = code("let aql = format!(\"FOR l IN {name}\"); // a comment\n#[cfg(test)]\nformat!");
    assert_eq!(literals(&code).collect::<Vec<_>>(), ["FOR l IN {name}"]);
    assert!(GLUE.iter().any(|glue| code.contains(glue)) && !code.contains("comment"));
    assert_eq!(code.matches("format!").count(), 1);
}
