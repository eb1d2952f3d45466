//! Secrets that are found wherever they are printed: each begins with the same word.

use std::{
    env,
    fmt::Debug,
    process::{Command, Output},
    sync::LazyLock,
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// How every password and every token of the tests begins. Small letters only: no address, no JSON and no `Debug`
/// writes them otherwise.
pub const CANARY: &str = "canaryinthemine";

/// What every JSON web token begins with: `{"alg":"HS256"` in base64.
const WEB_TOKEN: &str = "eyJhbGciOiJIUzI1NiI";

/// What every private key begins and ends with.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Of all logs, where a test has failed.
const MOST_SHOWN: usize = 4000;

/// What is searched for, and what it is.
static FORMS: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let bytes = CANARY.as_bytes();
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{bytes:?}");
    // Three bytes make four characters: what they are depends on where the secret begins.
    let base64 = (0..3).map(|skipped| {
        let whole = (bytes.len() - skipped) / 3 * 3;
        ("a password in base64", STANDARD_NO_PAD.encode(&bytes[skipped..skipped + whole]))
    });
    let plain = [
        ("a password", CANARY.to_owned()),
        ("a password in large letters", CANARY.to_uppercase()),
        ("a password in hexadecimal digits", hexadecimal.to_uppercase()),
        ("a password in hexadecimal digits", hexadecimal),
        ("a password as a list of bytes", list.trim_matches(['[', ']']).to_owned()),
        ("a JSON web token", WEB_TOKEN.to_owned()),
        ("a private key", PRIVATE_KEY.to_owned()),
    ];
    plain.into_iter().chain(base64).collect()
});

/// The first secret in a text: what it is, and what is before it on its line.
#[must_use]
pub fn secret_in(text: &str) -> Option<(&'static str, &str)> {
    let found = FORMS.iter().filter_map(|(what, form)| Some((text.find(form)?, *what)));
    let (at, what) = found.min_by_key(|(at, _)| *at)?;
    Some((what, text[..at].lines().last().unwrap_or_default()))
}

/// Asserts that a text has no secret.
///
/// # Panics
///
/// It has one. The message does not repeat it.
pub fn assert_has_no_secret(what: &str, text: &str) {
    if let Some((secret, before)) = secret_in(text) {
        panic!("{what} has {secret} after {before:?}");
    }
}

/// Asserts that no form of it has a secret, nor, of an error, any of the texts along its sources.
///
/// # Panics
///
/// One has.
pub fn assert_silent(value: &(impl Debug + ?Sized)) {
    let text = format!("{value:?} {value:#?}");
    assert_has_no_secret("a value", &text);
    // For the search of all that is printed, and for people who look at a failure.
    eprintln!("{text}");
}

/// Runs tests of this program once more, with all logs, and searches what they print. `logged` has to be in it, or
/// nothing was searched.
///
/// # Panics
///
/// There is a secret in it, or the tests did not run as they should.
pub fn search_again(tests: &str, logged: &str) {
    let mut command = Command::new(env::current_exe().expect("a test binary"));
    let run = command.args([tests, "--nocapture", "--test-threads=1"]).env(crate::TRACE, "1");
    let Output { stdout, stderr, status } = run.output().expect("it runs");
    let printed = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_has_no_secret(tests, &printed);
    let end = printed.char_indices().nth_back(MOST_SHOWN).map_or(0, |(at, _)| at);
    let end = &printed[end..];
    assert!(status.success(), "{tests}: … {end}");
    assert!(printed.contains("test result: ok") && !printed.contains("ok. 0 passed"), "{tests}: … {end}");
    assert!(printed.contains(logged), "{tests}: no {logged:?} in … {end}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_in_every_form() {
        let password = format!("{CANARY}-and-more");
        let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        for (text, expected) in [
            (format!("mongodb://me:{password}@host"), "a password"),
            (password.to_uppercase(), "a password in large letters"),
            (base64(password.clone()), "a password in base64"),
            (base64(format!("r:{password}")), "a password in base64"),
            (base64(format!("ro:{password}")), "a password in base64"),
            (base64(format!("root:{password}")), "a password in base64"),
            (base64::engine::general_purpose::URL_SAFE.encode(format!("user:{password}")), "a password in base64"),
            (format!("{:?}", password.as_bytes()), "a password as a list of bytes"),
            (format!("{:02x?}", password.as_bytes()).replace(", ", ""), "a password in hexadecimal digits"),
            (format!("{:02X?}", password.as_bytes()).replace(", ", ""), "a password in hexadecimal digits"),
            (format!("bearer {}", base64(r#"{"alg":"HS256","typ":"JWT"}"#.into())), "a JSON web token"),
            ("-----BEGIN PRIVATE KEY-----".into(), "a private key"),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----".into(), "a private key"),
        ] {
            let text = format!("a line\nbefore {text} after");
            let (what, before) = secret_in(&text).unwrap_or_else(|| panic!("not found in {}", text.len()));
            assert_eq!(what, expected);
            assert!(before.starts_with("before "), "{before}");
        }
        assert_eq!(secret_in("a canary in the mine, and eyJ, and a private key"), None);
    }
}
