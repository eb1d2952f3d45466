//! The `_key` of a lock's record: the only thing that is unique about it.
//!
//! A key has at most 254 bytes of few characters. Letters, digits, `_`, `-` and `.` stand for themselves, every other
//! byte is `%` and two hexadecimal digits. Longer ones become `=sha256=` and the hash of the name: `=` is no other
//! key's character. The record holds the name itself as well, so that two names under one key would be found out.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use shylock_core::LockName;

const LONGEST: usize = 254;

/// The key of this lock's record.
pub(crate) fn key(name: &LockName) -> String {
    let key = escaped(name.as_str());
    if key.len() <= LONGEST {
        return key;
    }
    let hash = Sha256::digest(name.as_str().as_bytes());
    format!("=sha256={}", hex(hash.as_slice()))
}

/// The text with all but letters, digits, `_`, `-` and `.` as `%XX`: also good as a part of a URL's path.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// The bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn named(name: &str) -> LockName {
        LockName::new(name).expect("a valid name")
    }

    /// Names that are alike to a file system, to a collation, or to an escaping that is not thorough.
    fn names() -> Vec<String> {
        let mut names: Vec<String> = [
            "a", "A", "a b", "a+b", "a%20b", "a%2520b", "%", "%%", "%25", "/", "//", "..", ".", "é", "e\u{301}", "É",
            "=", "=sha256=", "😀", "\u{202e}", "\u{feff}", " ", "  ", "ß", "ss", "ſ", "文", "_key", "a:b", "a;b",
        ]
        .map(String::from)
        .into();
        for c in (0..0x300).chain(0x2000..0x2100).filter_map(char::from_u32).filter(|c| !c.is_control()) {
            names.push(c.to_string());
            names.push(format!("x{c}y"));
        }
        for length in (80..=512).step_by(1) {
            names.push("x".repeat(length));
            names.push("é".repeat(length / 2));
            names.push(format!("{} ", "x".repeat(length - 1)));
        }
        names.push(format!("=sha256={}", "0".repeat(64)));
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn keys_are_legal_and_differ_as_the_names_do() {
        let mut seen: HashMap<String, String> = HashMap::new();
        for name in names() {
            let key = key(&named(&name));
            assert!((1..=254).contains(&key.len()), "{name:?}: {} bytes", key.len());
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.=%".contains(&byte);
            assert!(key.bytes().all(legal), "{name:?}: {key}");
            if let Some(other) = seen.insert(key, name.clone()) {
                panic!("{other:?} and {name:?} have one key");
            }
        }
    }

    /// The hash of one name cannot be the key of another that spells it out.
    #[test]
    fn a_hash_is_no_name() {
        let hash = key(&named(&"é".repeat(100)));
        assert!(hash.starts_with("=sha256=") && hash.len() == 72, "{hash}");
        assert_ne!(key(&named(&hash)), hash);
    }

    #[test]
    fn ordinary_names_stay_readable() {
        assert_eq!(key(&named("invoice-42")), "invoice-42");
        assert_eq!(key(&named("a/b c")), "a%2Fb%20c");
        assert_eq!(key(&named(&"x".repeat(254))), "x".repeat(254));
        assert_eq!(key(&named("é")), "%C3%A9");
    }
}
