//! No secret in logs, errors or `Debug`.

/// The password of every user of these tests.
pub(crate) const PASSWORD: &str = "canary-in-the-mine";

/// Asserts that no form of it has the password or a token, nor, of an error, any of the texts along its sources.
pub(crate) fn assert_silent(value: &(impl std::fmt::Debug + ?Sized)) {
    let text = format!("{value:?} {value:#?}");
    assert_has_no_secret("a value", &text);
    // For the search of all that is printed, and for people who look at a failure.
    eprintln!("{text}");
}

fn assert_has_no_secret(what: &str, text: &str) {
    assert!(!text.contains(PASSWORD), "{what} has the password: {text}");
}
