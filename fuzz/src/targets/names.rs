//! Names: what is one, its key in ArangoDB, and the range of a prefix.

use shylock_core::{InvalidName, LockName};

use crate::input::{Input, lossy};

/// The target.
pub fn run(data: &[u8]) {
    check(data, shylock_arango::fuzzing::key, shylock_mongo::fuzzing::after_prefix);
}

fn check(data: &[u8], key: impl Fn(&LockName) -> String, after: impl Fn(&str) -> Option<String>) {
    let mut input = Input::new(data);
    let (kind, cut, repeats) = (input.byte(), input.byte(), input.byte());
    let text = lossy(input.rest()).repeat(usize::from(repeats % 8) + 1);
    let other = alike(&text, kind, cut);
    let (text, other) = (judge(&text), judge(&other));
    let (Some(name), Some(other)) = (&text, &other) else { return };
    let keys = [key(name), key(other)];
    assert_eq!(keys[0] == keys[1], name == other, "{name:?} and {other:?}: {keys:?}");
    for (name, key) in [(name, &keys[0]), (other, &keys[1])] {
        assert!((1..=254).contains(&key.len()), "{key}");
        assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.%=".contains(&byte)), "{key}");
        match key.strip_prefix("=sha256=") {
            Some(hash) => {
                assert!(hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{key}");
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
                let length: usize = name.as_str().bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum();
                assert!(length > 254, "{name:?} is short enough to be its own key");
            }
            None => assert_eq!(decoded(key).as_deref(), Some(name.as_str().as_bytes()), "{key}"),
        }
    }
    let within = |prefix: &str, name: &str| {
        prefix <= name && after(prefix).is_none_or(|end| prefix < end.as_str() && name < end.as_str())
    };
    for (prefix, name) in [(name, other), (other, name)] {
        let (prefix, name) = (prefix.as_str(), name.as_str());
        assert_eq!(name.starts_with(prefix), within(prefix, name), "{prefix:?} and {name:?}");
    }
}

/// The name, if it is one; and whether it is said so rightly.
fn judge(text: &str) -> Option<LockName> {
    let control = |c: char| matches!(u32::from(c), 0..=0x1f | 0x7f..=0x9f);
    match LockName::new(text) {
        Ok(name) => {
            assert!((1..=512).contains(&text.len()) && !text.contains(control), "{text:?}");
            assert_eq!((name.as_str(), name.to_string().as_str()), (text, text), "nothing is changed");
            return Some(name);
        }
        Err(InvalidName::Empty) => assert!(text.is_empty()),
        Err(InvalidName::TooLong { bytes }) => assert!(bytes == text.len() && bytes > 512),
        Err(InvalidName::ControlCharacter { position }) => {
            assert_eq!(text.find(control), Some(position), "{text:?}");
        }
        Err(other) => panic!("{other}"),
    }
    None
}

/// Another text that a careless mapping could take for the same.
fn alike(text: &str, kind: u8, cut: u8) -> String {
    let cut = (0..=usize::from(cut).min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let (first, second) = text.split_at(cut);
    match kind % 9 {
        0 => second.to_owned(),
        1 => format!("{first}{text}"),
        2 => text.to_lowercase(),
        3 => text.replace(' ', "%20").replace('/', "%2F"),
        4 => text.replace('%', "%25"),
        5 => LockName::new(text).map_or_else(|_| text.to_owned(), |name| shylock_arango::fuzzing::key(&name)),
        6 => format!("{first}é{second}"),
        7 => format!("{text} "),
        _ => first.to_owned(),
    }
}

/// What a key that is no hash stands for.
fn decoded(key: &str) -> Option<Vec<u8>> {
    let mut bytes = key.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = digits.map(|digit| char::from(digit).to_digit(16).filter(|_| !digit.is_ascii_lowercase()));
                u8::try_from(digits[0]? * 16 + digits[1]?).ok()?
            }
            b'=' => return None,
            plain => plain,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{corpus, hunt};

    fn finds(key: fn(&LockName) -> String, after: fn(&str) -> Option<String>) {
        hunt(&|data| check(data, key, after), &corpus("names"), 1, 20_000).expect_err("it is found");
    }

    #[test]
    fn keys_that_collide_are_found() {
        let after = shylock_mongo::fuzzing::after_prefix;
        finds(|name| shylock_arango::fuzzing::key(name).replace("%20", "-"), after);
        finds(|name| shylock_arango::fuzzing::key(name).to_lowercase(), after);
        finds(|name| shylock_arango::fuzzing::key(name).replace("%25", "%"), after);
        finds(|name| shylock_arango::fuzzing::key(name).chars().take(80).collect(), after);
    }

    #[test]
    fn ranges_that_are_too_long_or_too_short_are_found() {
        let key = shylock_arango::fuzzing::key;
        finds(key, |prefix| Some(format!("{prefix}z")));
        finds(key, |_| None);
    }
}
