//! Names that are no keys: each is a lock of its own, and nothing but data.

use std::{collections::BTreeSet, fmt::Write};

use arango_server::ArangoServer;
use serde_json::json;
use shylock_arango::{Attempt, Backend, HolderId};

use crate::lab::{LOCKS, connected, manager, prepared, query, request};

const PAIRS: usize = 250;

/// Alike to a file system, to a collation, to a URL, to an escaping that is not thorough, or to a query.
fn look_alikes() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a+b",
        "a%20b",
        "a%2520b",
        "a_b",
        "a",
        "A",
        "%61",
        "%",
        "%25",
        "%2525",
        "/",
        "%2F",
        "%2f",
        "//",
        "a/b",
        ".",
        "..",
        "../x",
        "x",
        "😀",
        "%F0%9F%98%80",
        "é",
        "e\u{301}",
        "É",
        " ",
        "  ",
        "\u{a0}",
        "_key",
        "_",
        "=",
        "=sha256=",
        "@key",
        "@@locks",
        "' OR 1 == 1",
        "\"",
        "\\",
        "`",
        "null",
        "0",
        "00",
        "1e0",
        "1",
        "{}",
        "[]",
    ]
    .map(String::from)
    .into();
    for length in [253, 254, 255, 511, 512] {
        names.push("x".repeat(length));
        names.push(format!("{}/", "x".repeat(length - 1)));
    }
    names.push("é".repeat(256));
    // What the key of a hashed name looks like.
    names.push(format!("=sha256={}", "0".repeat(64)));
    names
}

/// The names that the server has.
async fn stored(server: &ArangoServer) -> BTreeSet<String> {
    let rows = query(server, "FOR l IN @@locks RETURN l.name", json!({ "@locks": LOCKS })).await;
    rows.iter().map(|name| name.as_str().expect("a text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn look_alikes_are_locks_of_their_own() {
    let server = prepared(ArangoServer::builder()).await;
    let (here, there) = (manager(&server).await, manager(&server).await);
    let names = look_alikes();
    let mut guards = Vec::new();
    for name in &names {
        let guard = here.lock(name).try_acquire().await.expect("the store answers");
        guards.push(guard.unwrap_or_else(|| panic!("{name:?} is another's")));
    }
    assert_eq!(stored(&server).await, names.iter().cloned().collect());
    for guard in &guards {
        let name = guard.name();
        assert!(there.lock(name).try_acquire().await.expect("the store answers").is_none(), "{name:?}");
        let seen = there.inspect(name).await.expect("the store answers").expect("held");
        assert_eq!((seen.name.as_str(), seen.token), (name, guard.token()));
    }
    let listed: Vec<String> =
        there.list("").await.expect("listed").into_iter().map(|info| info.name.to_string()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted, "by their bytes");

    // The end of one is the end of no other.
    let mut left: BTreeSet<String> = names.into_iter().collect();
    for (number, guard) in guards.into_iter().enumerate() {
        left.remove(guard.name());
        guard.release().await.expect("released");
        if number % 8 == 0 {
            let held = there.list("").await.expect("listed");
            assert_eq!(held.into_iter().map(|info| info.name.to_string()).collect::<BTreeSet<_>>(), left);
        }
    }
}

/// Random numbers that can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 40).expect("24 bits") % sides
    }

    fn name(&mut self) -> String {
        const PIECES: [&str; 20] =
            ["a", "A", "b", "2", "5", "F", "f", "%", "%2", "%25", "%2F", "/", " ", ".", "..", "=", "é", "😀", "_", "-"];
        let pieces = if self.roll(4) == 0 { 80 } else { 6 };
        let pieces = 1 + self.roll(pieces);
        let name: String = (0..pieces).map(|_| PIECES[self.roll(PIECES.len())]).collect();
        name.chars()
            .scan(0, |bytes, c| {
                *bytes += c.len_utf8();
                (*bytes <= 500).then_some(c)
            })
            .collect()
    }

    /// Another name, that could be taken for this one.
    fn twist(&mut self, name: &str) -> String {
        let at = self.roll(name.chars().count());
        let c = name.chars().nth(at).expect("it is there");
        let mut twisted = String::new();
        let how = self.roll(4);
        for (number, other) in name.chars().enumerate() {
            match how {
                0 if number == at => {
                    other.to_string().bytes().for_each(|byte| write!(twisted, "%{byte:02X}").expect("written"))
                }
                1 if number == at => twisted.extend(other.to_lowercase().chain(other.to_uppercase())),
                2 if number == at => {}
                _ => twisted.push(other),
            }
        }
        if how == 3 || twisted.is_empty() || twisted == name {
            twisted = format!("{name}{c}");
        }
        twisted
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_names_and_their_twists_are_locks_of_their_own() {
    let server = prepared(ArangoServer::builder()).await;
    let backend = connected(&server).await;
    let [seed @ .., _, _, _, _, _, _, _, _] = *HolderId::random().expect("random numbers").as_bytes();
    let seed = u64::from_be_bytes(seed);
    let mut dice = Dice(seed);
    let mut names = BTreeSet::new();
    while names.len() < 2 * PAIRS {
        let name = dice.name();
        let twisted = dice.twist(&name);
        for name in [name, twisted] {
            let again = !names.insert(name.clone());
            match backend.try_acquire(&request(&name)).await.unwrap_or_else(|e| panic!("{seed}: {name:?}: {e:?}")) {
                Attempt::Granted(_) => assert!(!again, "{seed}: {name:?} is granted twice"),
                Attempt::Held(info) => assert!(again && info.name.as_str() == name, "{seed}: {name:?} {info:?}"),
            }
        }
    }
    assert_eq!(stored(&server).await, names, "{seed}");
}
